"""What `scripts/run` does with its children, shown with one that only sleeps."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from bot import config as settings
from bot import up
from engine.errors import ConfigError

SLEEPER = """
import pathlib, signal, sys
from bot import up
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, as CI may be, it is ignored, and scripts/run respects that
up.parts = lambda *_: [up.Part("sleeper", ("-c", "import time; time.sleep(600)"))]
sys.exit(up.main(pathlib.Path(sys.argv[1])))
"""


@pytest.fixture
def free_port(unused_tcp_port_factory) -> int:
    return unused_tcp_port_factory()


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Path:
    (tmp_path / "data" / "models").mkdir(parents=True)
    path = tmp_path / "config.toml"
    path.write_text(f"[playground]\nport = {free_port}\n")
    return path


async def its_child(process: asyncio.subprocess.Process) -> psutil.Process:
    while not (children := psutil.Process(process.pid).children()):
        await asyncio.sleep(0.05)
    return children[0]


async def has_ended(process: psutil.Process) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_however_it_ends_its_children_end_too(config: Path, how: signal.Signals) -> None:
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SLEEPER, str(config), stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(60):
        sleeper = await its_child(supervisor)
        while sleeper.cmdline()[1:2] != ["-c"] or "sleep(600)" not in sleeper.cmdline()[2]:
            await asyncio.sleep(0.05)

        supervisor.send_signal(how)

        code = await supervisor.wait()
        await has_ended(sleeper)
    assert code == (-signal.SIGKILL if how is signal.SIGKILL else 0)


def test_a_port_that_somebody_uses_is_named_before_anything_starts(
    config: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        code = up.main(config)

    assert code == up.CONFIG_EXIT
    told = capsys.readouterr().err
    assert told == (
        f"Another program uses port {free_port}: set another `port` under [playground] in config.toml.\n"
    )
    assert not (config.parent / "data" / "logs").exists()


def test_a_port_that_was_used_a_moment_ago_is_free(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)) as server:
        with socket.create_connection(server.getsockname()):
            server.accept()[0].close()

    up.check_port_is_free(free_port)


def test_with_a_token_there_is_no_playground(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[telegram]\ntoken = "123456:a-token"\n')

    parts = up.parts(path, settings.load(path))

    assert [part.name for part in parts] == ["engine", "bot"]
    assert not any("--playground" in part.arguments or "123456" in str(part) for part in parts)


def test_a_second_start_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with up.only_one(tmp_path), pytest.raises(ConfigError, match="already runs") as refused:
        with up.only_one(tmp_path):
            pass

    assert "\n" not in str(refused.value)
