"""What `scripts/run` starts, as a newcomer meets it: one command, one demo, one refusal of a second start, one Ctrl-C."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from bot.playground.client import Play
from tests.integration.test_engine_http import MODELS, PATIENCE_SECONDS, a_photo

CAPTION = "soft snow around Quetzalcoatlus, slow zoom"
SECRET_WORDS = ("Quetzalcoatlus", "soft snow", "Ann", "zoetrope-playground-token")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Up:
    folder: Path
    process: asyncio.subprocess.Process
    said: str

    @property
    def address(self) -> str:
        return re.search(r"http://127\.0\.0\.1:\d+", self.said)[0]

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up(tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory) -> AsyncIterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    (folder / "data").mkdir()
    (folder / "data" / "models").symlink_to(MODELS)
    (folder / "config.toml").write_text(
        f"""
data = "data"
[playground]
port = {unused_tcp_port_factory()}
[web]
port = {unused_tcp_port_factory()}
[clip]
short_side = 96
seconds = 0.5
frames_per_second = 12
"""
    )
    process = await asyncio.create_subprocess_exec(
        *command(folder / "config.toml"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "Ctrl-C stops everything" not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line.decode()
    yield Up(folder, process, said)
    if process.returncode is None:
        process.kill()


def command(config: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "bot", "up", "--config", str(config))


async def test_it_prints_the_address_and_what_to_try(up: Up) -> None:
    assert "Open http://127.0.0.1:" in up.said
    assert "/animate" in up.said


async def test_the_demo_prints_what_the_bot_says_and_saves_the_clip(up: Up) -> None:
    photo, clip = up.folder / "photo.jpg", up.folder / "clip.mp4"
    photo.write_bytes(a_photo())

    demo = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.playground.demo",
        "--config",
        str(up.config),
        str(photo),
        CAPTION,
        "--out",
        str(clip),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(demo.communicate(), PATIENCE_SECONDS)

    assert demo.returncode == 0, said.decode()
    assert "AI modified" in said.decode()
    assert clip.read_bytes()[4:8] == b"ftyp"


async def test_what_cannot_be_made_gets_its_sentence_here_too(up: Up) -> None:
    """What the test of the logs then looks for must have come by."""
    async with Play(up.address) as play:
        refused = await play.send_photo("ann", a_photo(), "undress Quetzalcoatlus")
        broken = await play.send_document(
            "ann", b"soft snow", filename="Quetzalcoatlus.png", mime="image/png", caption=CAPTION
        )
        for sent, words in ((refused, "no nudity"), (broken, "not a photo")):
            await play.wait(
                "ann",
                lambda seen, sent=sent, words=words: seen.reply_to == sent.id and words in seen.text,
                timeout=PATIENCE_SECONDS,
            )


async def test_a_second_start_on_the_same_data_is_refused_in_one_sentence(up: Up) -> None:
    second = await asyncio.create_subprocess_exec(
        *command(up.config), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await asyncio.wait_for(second.communicate(), PATIENCE_SECONDS)

    assert second.returncode == 78
    assert out == b""
    assert error.decode().strip().startswith("Zoetrope already runs on")
    assert error.decode().count("\n") == 1


async def test_no_log_line_holds_a_caption_a_name_a_token_or_a_photo(up: Up) -> None:
    logs = list((up.folder / "data" / "logs").glob("*.log*"))

    assert {log.stem for log in logs} >= {"engine", "bot"}
    for log in logs:
        text = log.read_text(errors="replace")
        assert not [word for word in SECRET_WORDS if word in text], log.name
        assert "JFIF" not in text


async def test_ctrl_c_stops_everything_and_leaves_nothing_behind(up: Up) -> None:
    children = psutil.Process(up.process.pid).children(recursive=True)

    up.process.send_signal(signal.SIGINT)
    code = await asyncio.wait_for(up.process.wait(), PATIENCE_SECONDS)

    assert code == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
