"""What an operator sees of the weights."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.__main__ import main
from engine.renderers.diffusion.presets import PRESETS


@pytest.fixture
def told(tmp_path: Path):
    (tmp_path / "config.toml").write_text("")

    def ask(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, ["models", *words, "--config", str(tmp_path / "config.toml")])
        return answer.exit_code, answer.output

    return ask


def test_the_list_has_every_preset_with_its_licence(told, tmp_path: Path) -> None:
    (tmp_path / "data" / "models" / PRESETS["quality"].folder).mkdir(parents=True)

    _, text = told("list")

    for preset in PRESETS.values():
        (line,) = (line for line in text.splitlines() if line.startswith(f"{preset.name} "))
        assert preset.licence in line
        assert ("put here" if preset.name == "quality" else "not fetched") in line


def test_a_check_names_what_is_missing_and_ends_with_1(told) -> None:
    code, text = told("check", "standard")

    assert code == 1
    assert "standard: there is no folder fastwan2.2-ti2v-5b" in text


def test_unknown_names_are_one_sentence(told) -> None:
    code, text = told("check", "dream")

    assert (code, text) == (78, "there is no preset 'dream'; there are: lite, standard, quality, sound\n")


def test_a_licence_is_shown_before_anything_is_fetched(told) -> None:
    code, text = told("fetch", "sound")

    assert code == 78
    assert "If you accept that, add --accept-licence." in text
