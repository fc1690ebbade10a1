import socket
from pathlib import Path

import pytest

from engine import config
from engine.doctor import Found, Mark, examine
from engine.provenance.keys import init_keys

MODELS = Path(__file__).parents[3] / "data" / "models"
TOKEN = "123456:a-secret-of-thirty-characters"


def found(folder: Path, toml: str = "") -> list[Found]:
    path = folder / "config.toml"
    path.write_text(toml)
    return list(examine(config.load(path), path))


def wrong(findings: list[Found]) -> dict[str, str]:
    return {it.what: it.advice for it in findings if it.mark is Mark.WRONG}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "models").symlink_to(MODELS)
    return tmp_path


def test_a_machine_in_order_has_nothing_wrong(home: Path) -> None:
    init_keys(home / "data" / "keys", operator="Somebody")

    findings = found(home, "[engine]\nfree_disk_megabytes = 1\n")

    assert wrong(findings) == {}
    said = "\n".join(map(str, findings))
    for part in (
        "Python 3",
        "SQLite 3",
        "H.264",
        "renderer scene",
        "disk:",
        "signing keys",
        "no Telegram token",
    ):
        assert part in said, part


def test_whatever_is_wrong_says_what_to_do(home: Path) -> None:
    (home / "data").chmod(0o755)
    keys = home / "data" / "keys"
    init_keys(keys, operator="Somebody")
    (keys / "signing.pem").write_text("no key")
    (home / "token").write_text(TOKEN)
    (home / "token").chmod(0o644)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens

        findings = found(
            home,
            f"""
            [engine]
            renderer = "quantum"
            free_disk_megabytes = 1000000000
            [telegram]
            token_file = "token"
            base_url = "http://127.0.0.1:{taken.getsockname()[1]}/bot"
            """,
        )

    problems = wrong(findings)
    assert len(problems) == 6, problems
    assert all(problems.values())
    assert "secret" not in "\n".join(map(str, findings))


@pytest.mark.parametrize(
    ("toml", "what"),
    [
        ('[telegram]\ntoken = "not one"\n', "the token does not look like one"),
        ('[telegram]\ntoken_file = "nowhere"\n', "the token file cannot be read (FileNotFoundError)"),
    ],
)
def test_a_token_that_is_none_is_seen(home: Path, toml: str, what: str) -> None:
    assert what in wrong(found(home, toml))


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    problems = wrong(found(tmp_path))

    assert any(
        what.startswith("weights are missing") and "models fetch" in problems[what] for what in problems
    )
