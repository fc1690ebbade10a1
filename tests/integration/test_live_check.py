"""scripts/live-check against the playground, which does what Telegram is known to do."""

import asyncio
import sys
from pathlib import Path

import pytest

from bot.playground.server import Playground
from engine.provenance.keys import init_keys

ROOT = Path(__file__).parents[2]
ANN = 100_000_001


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_keys(tmp_path / "data" / "keys", operator="Zoetrope operator")
    return tmp_path


async def live_check(folder: Path, playground: Playground, *arguments: str) -> tuple[int, list[str]]:
    (folder / "config.toml").write_text(
        f'[telegram]\ntoken = "{playground.token}"\nbase_url = "{playground.base_url}"\n'
        f'base_file_url = "{playground.base_file_url}"\n[bot]\noperator_chat = {ANN}\n'
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "scripts/live_check.py"),
        *("--config", str(folder / "config.toml"), *arguments),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode().splitlines()


async def test_everything_that_can_be_tried_holds_and_nothing_is_left_behind(folder: Path) -> None:
    async with Playground() as playground:
        await playground.play.send_text("ann", "hello")

        code, said = await live_check(folder, playground)

        assert code == 0, said
        assert len(said) == 9
        assert all(line.endswith("holds") for line in said[:-1]), said
        assert said[-1].endswith("not tried: give --business-connection")
        assert [seen for seen in await playground.play.messages("ann") if seen.from_bot] == []


async def test_what_does_not_hold_names_the_setting_to_change(folder: Path) -> None:
    async with Playground() as playground:
        await playground.play.send_text("ann", "hello")
        await playground.play.fault("editMessageMedia", code=400, description="Bad Request: no")

        code, said = await live_check(folder, playground, "--business-connection", "abc")

        assert code == 1
        assert said[0].endswith("DOES NOT HOLD: [bot] edit_into_clip = false")
        assert "DOES NOT HOLD" in said[-1]  # the playground knows no stories of people
        assert all(line.endswith("holds") for line in said[1:-1])


async def test_without_a_chat_it_asks_for_one(folder: Path) -> None:
    (folder / "config.toml").write_text('[telegram]\ntoken = "1:x"\n')

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "scripts/live_check.py"), "--config", str(folder / "config.toml")),
        env={"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()

    assert b"which chat may I write to?" in said
