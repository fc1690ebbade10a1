"""Starts the engine, the bot and, without a token, the playground; restarts what dies; stops them together."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from bot import config as settings
from engine.client import EngineClient
from engine.errors import ConfigError, EngineError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A child that lived this long starts again with the shortest pause."""

STOP_SECONDS = 20.0
"""How long a child may take to finish what it is doing before it is killed."""

CONFIG_EXIT = 78
"""sysexits' EX_CONFIG: a child that ends with it would end so again; everything stops with its sentence."""

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h: which signal a process gets when the one that started it is gone."""

HELLO_PLAYGROUND = """
Zoetrope is ready. Open {url}

  Pick one of the pictures there (or drop in your own), write a few words, press Enter:
    "soft snow, slow zoom"   "drifting clouds, golden light"   "fog and a calm pan"
  In the group, write /animate in front. /help says the rest.
"""

HELLO_TELEGRAM = """
Zoetrope is ready. Open your bot on Telegram and send it a photo with a few words.
Should it not answer, bot.log says why.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One child: its name in messages and in its log file, and its command after the interpreter."""

    name: str
    arguments: tuple[str, ...]


@dataclass(slots=True)
class Supervisor:
    """Keeps parts running until `stopping` is set. Logs of the children go to files in `logs`."""

    logs: Path
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    complaint: str | None = None
    """The sentence of a child that refused its configuration."""

    async def keep(self, part: Part) -> None:
        """Run the part, again and again, until everything stops."""
        pause = FIRST_PAUSE_SECONDS
        while not self.stopping.is_set():
            began = asyncio.get_running_loop().time()
            with _open_log(self.logs / f"{part.name}.log") as log:
                code = await self._run_once(part, log)
            if code == CONFIG_EXIT:
                self.complaint = _last_line(self.logs / f"{part.name}.log")
                self.stopping.set()
                return
            if asyncio.get_running_loop().time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self, part: Part, log: TextIO) -> int:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *part.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_stop_when_we_are_gone,
        )
        return await self.see_out(child)

    async def see_out(self, child: asyncio.subprocess.Process) -> int:
        """Wait for its end, which we ask for when everything stops; its exit code."""
        ended = asyncio.create_task(child.wait())
        asked = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(ended), STOP_SECONDS)
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        return await ended


def main(config_path: Path) -> int:
    """Start everything and stay until Ctrl-C; the exit code. One sentence says why where it cannot start."""
    try:
        config = settings.load(config_path if config_path.exists() else None)
        with only_one(config.data.resolve()):
            if not config.has_token():
                check_port_is_free(config.playground.port)
            return asyncio.run(run(config, config_path))
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201  # this is the command's voice
        return CONFIG_EXIT


async def run(config: settings.Config, config_path: Path) -> int:
    """Engine, then playground where there is no token, then bot: each once the one before it answers."""
    supervisor = Supervisor(logs=config.data / "logs")
    loop = asyncio.get_running_loop()
    for number in _signals_to_stop():
        loop.add_signal_handler(number, supervisor.stopping.set)
    on_telegram = config.has_token()
    _say("Starting…")
    if not (config.data / "models").exists():
        _say(
            "This is the first start: keys are made, and 40 MB are fetched, of which 6 MB of models are kept."
        )
        await _fetch_models(config_path, supervisor)
    keeping = [asyncio.create_task(supervisor.keep(part)) for part in parts(config_path, config)]
    if await _engine_is_ready(config, supervisor):
        _say(HELLO_TELEGRAM if on_telegram else HELLO_PLAYGROUND.format(url=_page(config)))
        if config.web.port:
            _say(f"Whether a file was made here: http://{config.web.host}:{config.web.port}/verify")
        _say(f"Logs are in {supervisor.logs}. Ctrl-C stops everything.")
    await supervisor.stopping.wait()
    _say("Stopping…" if supervisor.complaint is None else supervisor.complaint)
    await asyncio.gather(*keeping)
    return 0 if supervisor.complaint is None else CONFIG_EXIT


def parts(config_path: Path, config: settings.Config) -> list[Part]:
    """The children, in the order in which they start."""
    at = ("--config", str(config_path))
    engine = Part("engine", ("-m", "engine", "run", *at))
    if config.has_token():
        return [engine, Part("bot", ("-m", "bot", "run", *at))]
    where = ("--port", str(config.playground.port))
    return [
        engine,
        Part("playground", ("-m", "bot.playground", *where)),
        Part("bot", ("-m", "bot", "run", "--playground", *at)),
    ]


async def _fetch_models(config_path: Path, supervisor: Supervisor) -> None:
    """With its bars on this terminal. What it could not bring, the engine tries again, and says what is off without it."""
    command = (sys.executable, "-m", "engine", "models", "fetch", "--config", str(config_path))
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, start_new_session=True, preexec_fn=_stop_when_we_are_gone
    )
    await supervisor.see_out(child)


async def _engine_is_ready(config: settings.Config, supervisor: Supervisor) -> bool:
    """True once the engine could make a clip; False when everything stops before that."""
    async with EngineClient(config.engine_address(), timeout_seconds=5.0) as engine:
        while not supervisor.stopping.is_set():
            with contextlib.suppress(EngineError):
                if (await engine.status()).ready:
                    return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(supervisor.stopping.wait(), 0.3)
    return False


def _page(config: settings.Config) -> str:
    return f"http://127.0.0.1:{config.playground.port}/"


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201  # this is the command's voice


def _signals_to_stop() -> list[signal.Signals]:
    """Also the one of a terminal window that is closed, unless `nohup` asked us to outlive it."""
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hangs_up else [])]


def _stop_when_we_are_gone() -> None:
    """Runs in a child before its program: a supervisor that is killed leaves nobody behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def check_port_is_free(port: int) -> None:
    """Raises ConfigError where another program listens: our bot would talk to somebody else's playground."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"Another program uses port {port}: set another `port` under [playground] in config.toml."
            ) from error


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder for this process. Raises ConfigError when another one holds it."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"Zoetrope already runs on {data}: stop it first (Ctrl-C where it runs), or set another `data`."
            ) from error
        yield


def _open_log(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > 10_000_000:
        path.replace(path.with_suffix(".log.1"))
    return path.open("a", encoding="utf-8")


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"{path.stem} refused to start"
