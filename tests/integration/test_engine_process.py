"""The engine as a process of its own: started, refused, stopped, killed, asked for by its commands."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.client import Address, EngineClient
from engine.errors import EngineUnavailable, RetryLater
from engine.schema import Animated, JobStatus
from tests.integration.test_engine_http import MODELS, PATIENCE_SECONDS, a_photo, a_request, outcome_of

CONFIG = """
[clip]
short_side = 96
seconds = 0.5
frames_per_second = 12
[engine]
free_disk_megabytes = 1
drain_seconds = 10.0
"""
CONFIG_EXIT = 78


@dataclass
class Home:
    """A folder with a configuration, and the engines that run in it."""

    folder: Path
    engines: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            env=environment(),
        )

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "engine.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "engine", "run"], cwd=self.folder, stderr=log, env=environment()
            )
        self.engines.append(started)
        return started

    def client(self) -> EngineClient:
        return EngineClient(Address(socket=self.folder / "data" / "engine.sock"))

    @property
    def log(self) -> str:
        return (self.folder / "engine.log").read_text()


def environment() -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "models").symlink_to(MODELS)
    home = Home(tmp_path)
    yield home
    for engine in home.engines:
        engine.kill()
        engine.wait()


async def ready(client: EngineClient) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if (await client.status()).ready:
                return
        except EngineUnavailable:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("the engine did not get ready")


async def test_a_killed_engine_loses_nothing_and_a_stopped_one_ends_what_it_does(home: Home) -> None:
    first = home.start()
    jobs = [a_request("snow that nobody may read in a log") for _ in range(4)]
    async with home.client() as client:
        await ready(client)
        for job in jobs:
            await client.submit(job, a_photo())
        while (await client.status()).running == 0:
            await asyncio.sleep(0.01)
        first.kill()
        first.wait()

        second = home.start()
        await ready(client)
        for job in jobs:
            assert isinstance(await outcome_of(client, job.job_id), Animated)
        late = a_request("snow that nobody may read in a log")
        await client.submit(late, a_photo())

    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE_SECONDS) == 0
    home.start()
    async with home.client() as client:
        await ready(client)
        assert isinstance(await outcome_of(client, late.job_id), Animated)
        assert (await client.job(late.job_id)).status is JobStatus.ANIMATED

    assert '"engine listens"' in home.log
    assert "Traceback" not in home.log
    assert "nobody may read" not in home.log


async def test_a_second_start_on_the_same_data_is_refused_in_one_sentence(home: Home) -> None:
    running = home.start()
    async with home.client() as client:
        await ready(client)

        second = await asyncio.to_thread(home.command, "run")

        assert (await client.status()).ready, "the first one goes on"
    last = second.stderr.strip().splitlines()[-1]
    assert second.returncode == CONFIG_EXIT
    assert last == "another engine already runs on this data folder: stop it first, or set another `data`"
    assert "Traceback" not in second.stderr
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE_SECONDS) == 0


def test_only_the_owner_reads_what_the_engine_writes(home: Home) -> None:
    home.command("keys", "init")

    readable = [
        path
        for path in (home.folder / "data").rglob("*")
        if path.lstat().st_mode & 0o077 and not path.is_symlink()
    ]

    assert readable == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[clip", "config.toml"),
        ("[clip]\nseconds = 99", "[clip]"),
        ('[engine]\nrenderer = "magic"', "is not installed"),
        ("[engine]\nport = 8080", "token_file"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_sentence(home: Home, text: str, sentence: str) -> None:
    (home.folder / "config.toml").write_text(text)

    checked = home.command("check-config")

    assert checked.returncode == CONFIG_EXIT
    assert sentence in checked.stderr.strip().splitlines()[-1]
    assert "Traceback" not in checked.stderr


def test_keys_are_made_shown_and_never_overwritten(home: Home) -> None:
    made = home.command("keys", "init")
    again = home.command("keys", "init")
    shown = home.command("keys", "show")

    assert made.returncode == shown.returncode == 0
    assert made.stdout == shown.stdout
    assert "PRIVATE" not in made.stdout + shown.stdout
    assert again.returncode == CONFIG_EXIT
    assert "never overwritten" in again.stderr


def test_a_file_can_be_asked_about(home: Home) -> None:
    home.command("keys", "init")

    asked = home.command("verify", "config.toml")

    assert asked.returncode == 0
    assert json.loads(asked.stdout)["made_here"] is False


def test_the_configuration_of_a_new_home_is_fine(home: Home) -> None:
    checked = home.command("check-config")

    assert checked.returncode == 0
    assert "fine" in checked.stdout


async def test_a_hangup_takes_in_new_limits_and_policy_and_a_bad_file_changes_nothing(home: Home) -> None:
    engine = home.start()
    config = home.folder / "config.toml"
    async with home.client() as client:
        await ready(client)
        config.write_text(CONFIG + "[limits]\nqueued_per_requester = 0\n")
        engine.send_signal(signal.SIGHUP)
        await logged(home, "configuration not reloaded")
        assert (await client.status()).ready

        config.write_text(
            CONFIG + "[limits]\nqueued_per_requester = 1\ndepth = 1\n[policy]\nnsfw_refuse = 0.9\n"
        )
        engine.send_signal(signal.SIGHUP)
        await logged(home, "configuration reloaded")
        with pytest.raises(RetryLater):
            for _ in range(4):
                await client.submit(a_request("snow"), a_photo())
        assert home.command("ready").returncode == 0

    assert engine.poll() is None
    engine.terminate()
    assert engine.wait(PATIENCE_SECONDS) == 0
    assert home.command("ready").returncode == 1


async def logged(home: Home, event: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while f'"event": "{event}"' not in home.log:
            await asyncio.sleep(0.05)


async def test_every_child_is_closed_and_none_holds_a_secret(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "123456:a-secret-of-the-operator")
    engine = home.start()
    async with home.client() as client:
        await ready(client)
        children = {pid: Path(f"/proc/{pid}") for pid in children_of(engine.pid)}
        names = sorted((it / "cmdline").read_bytes().split(b"\0")[-5].decode() for it in children.values())
        states = [(it / "status").read_text() for it in children.values()]
        told = b"".join(
            (it / "environ").read_bytes() + (it / "cmdline").read_bytes() for it in children.values()
        )

    assert {"engine.fleet.worker", "engine.screener", "engine.media.photo"} == set(names)
    for state in states:
        assert "Seccomp:\t2" in state
        assert "NoNewPrivs:\t1" in state
        assert "CapEff:\t0000000000000000" in state
    assert b"secret" not in told


def children_of(pid: int) -> list[int]:
    return [int(it) for it in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
