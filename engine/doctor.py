"""`python -m engine doctor`: what this machine has, what it lacks, and what to do about it. Changes nothing."""

from __future__ import annotations

import importlib.util
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

import httpx
from pysqlite3 import dbapi2 as sqlite3

from engine import models, settings
from engine.children.sandbox import support
from engine.config import EngineConfig
from engine.errors import ConfigError
from engine.logs import TOKEN
from engine.provenance import keys as signing_keys
from engine.renderers import ENTRY_POINT_GROUP

LEAST_PYTHON = (3, 11)
LEAST_SQLITE = (3, 51, 3)
"""Before it, the write-ahead log can be reset under a reader (sqlite.org/wal.html#walresetbug)."""

_ANSWER_SECONDS = 10.0
_GPU_SECONDS = 20.0
_ON_THE_CPU = frozenset({"scene", "remote", "auto"})
_NEEDED_CODECS: tuple[tuple[str, Literal["r", "w"]], ...] = (("libx264", "w"), ("h264", "r"), ("aac", "w"))


class Mark(StrEnum):
    """How a finding is shown."""

    FINE = "✓"
    NOTE = "·"
    WRONG = "✗"


@dataclass(frozen=True, slots=True)
class Found:
    """`advice` says what to do; empty where there is nothing to do."""

    mark: Mark
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.mark} {self.what}" + (f"\n    → {self.advice}" if self.advice else "")


def examine(loaded: EngineConfig, path: Path) -> Iterator[Found]:
    """Every finding, in the order in which one would mend them. `path` is the configuration."""
    looks: tuple[Callable[[], Iterator[Found]], ...] = (
        _python,
        _sqlite,
        _codecs,
        _closed_children,
        lambda: _weights(loaded),
        lambda: _renderer(loaded),
        _gpu,
        lambda: _disk(loaded),
        lambda: _folder(loaded),
        lambda: _keys(loaded),
        lambda: _telegram(path),
    )
    for look in looks:
        yield from look()


def _python() -> Iterator[Found]:
    what = "Python " + ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= LEAST_PYTHON:
        yield Found(Mark.FINE, what)
    else:
        yield Found(Mark.WRONG, what, "install Python 3.11 or newer, remove .venv and run scripts/setup")


def _sqlite() -> Iterator[Found]:
    what = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info >= LEAST_SQLITE:
        yield Found(Mark.FINE, what)
    else:
        yield Found(
            Mark.WRONG, f"{what} can damage its file", "install pysqlite3 0.6.1 or newer: scripts/setup"
        )


def _codecs() -> Iterator[Found]:
    import av

    missing = []
    for name, direction in _NEEDED_CODECS:
        try:
            av.codec.Codec(name, direction)
        except ValueError:
            missing.append(name)
    if missing:
        advice = "install PyAV's wheel (pip install --force-reinstall av); a build of your own needs libx264"
        yield Found(Mark.WRONG, f"codecs are missing: {', '.join(missing)}", advice)
    else:
        yield Found(Mark.FINE, "codecs: H.264 and AAC")


def _closed_children() -> Iterator[Found]:
    lacks = support().missing
    if not lacks:
        yield Found(Mark.FINE, "the kernel closes the children (Landlock, seccomp)")
    for lack in lacks:
        yield Found(Mark.NOTE, f"the kernel lacks {lack}", "use a newer kernel; see SECURITY.md")


def _weights(loaded: EngineConfig) -> Iterator[Found]:
    for state in models.describe(loaded.models):
        if state.present:
            continue
        wrong = state.model.kind == "required" or (
            state.model.kind == "default" and loaded.environment == "production"
        )
        if state.model.kind == "optional":
            continue
        yield Found(
            Mark.WRONG if wrong else Mark.NOTE,
            f"weights are missing: {state.model.name} (for {state.model.needed_for})",
            f"python -m engine models fetch {state.model.name}",
        )
    if not any(state.is_missing for state in models.describe(loaded.models)):
        yield Found(Mark.FINE, "weights of the gates and the scene renderer")


def _renderer(loaded: EngineConfig) -> Iterator[Found]:
    name, installed = loaded.engine.renderer, entry_points(group=ENTRY_POINT_GROUP).names
    if name not in installed:
        choice = ", ".join(sorted(installed))
        yield Found(Mark.WRONG, f"no renderer named {name!r}", f"set [engine] renderer to one of: {choice}")
    elif name not in _ON_THE_CPU and importlib.util.find_spec("torch") is None:
        yield Found(Mark.WRONG, f"renderer {name!r} needs torch", "scripts/setup gpu")
    else:
        yield Found(Mark.FINE, f"renderer {name}")


def _gpu() -> Iterator[Found]:
    program = shutil.which("nvidia-smi")
    if program is None:
        yield Found(Mark.NOTE, "no NVIDIA GPU is seen: `scene` works without")
        return
    asked = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=_GPU_SECONDS).stdout
    except (subprocess.SubprocessError, OSError):
        yield Found(Mark.WRONG, "nvidia-smi gives no answer", "look at the driver: dmesg | grep -i nvrm")
        return
    for line in told.strip().splitlines():
        yield Found(Mark.FINE, f"GPU {line}")


def _disk(loaded: EngineConfig) -> Iterator[Found]:
    there = next(folder for folder in (loaded.data, *loaded.data.parents) if folder.exists())
    free, wanted = shutil.disk_usage(there).free // 1_000_000, loaded.engine.free_disk_megabytes
    if free >= wanted:
        yield Found(Mark.FINE, f"disk: {free} MB free")
    else:
        advice = "make room, or lower [engine] free_disk_megabytes: below it no photo is taken"
        yield Found(Mark.WRONG, f"disk: {free} MB free, {wanted} MB are to stay free", advice)


def _folder(loaded: EngineConfig) -> Iterator[Found]:
    if not loaded.data.exists():
        yield Found(Mark.NOTE, "no data folder yet: the first start makes it")
    elif stat.S_IMODE(loaded.data.stat().st_mode) & 0o077:
        yield Found(
            Mark.WRONG, "others on this machine can look into the data folder", f"chmod 700 {loaded.data}"
        )
    else:
        yield Found(Mark.FINE, "the data folder is its owner's")


def _keys(loaded: EngineConfig) -> Iterator[Found]:
    if not loaded.keys.exists():
        yield Found(Mark.NOTE, "no signing keys yet: the first start makes them")
        return
    try:
        facts = signing_keys.describe(loaded.keys)
    except ConfigError as error:
        yield Found(Mark.WRONG, f"signing keys: {error}", "restore data/keys from your backup")
        return
    warning = facts.warning()
    if warning:
        yield Found(Mark.WRONG, warning, "python -m engine keys renew")
    else:
        yield Found(Mark.FINE, "signing keys")
    for key in loaded.keys.iterdir():
        if (
            stat.S_IMODE(key.stat().st_mode) & 0o077
            and key.suffix in {".pem", ".key"}
            and "root" not in key.name
        ):
            yield Found(Mark.NOTE, f"others can read {key.name}", f"chmod 600 {key}")


def _telegram(path: Path) -> Iterator[Found]:
    """The engine knows nothing of Telegram; this looks where the bot would, and never shows the token."""
    given = settings.read_tables(path if path.exists() else None).get("telegram", {})
    table = given if isinstance(given, dict) else {}
    token_file, token = str(table.get("token_file", "")), str(table.get("token", ""))
    if token_file:
        file = path.parent / token_file
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            yield Found(
                Mark.WRONG,
                f"the token file cannot be read ({type(error).__name__})",
                "see [telegram] token_file",
            )
            return
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Found(Mark.WRONG, "others can read the token file", f"chmod 600 {file}")
    if not token:
        yield Found(
            Mark.NOTE, "no Telegram token: scripts/run starts the playground", "get one from @BotFather"
        )
    elif not TOKEN.fullmatch(token):
        yield Found(
            Mark.WRONG,
            "the token does not look like one",
            "copy it from @BotFather: digits, a colon, letters",
        )
    else:
        yield _asked(str(table.get("base_url", "https://api.telegram.org/bot")), token)


def _asked(base_url: str, token: str) -> Found:
    try:
        answer = httpx.get(f"{base_url}{token}/getMe", timeout=_ANSWER_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Found(
            Mark.WRONG,
            f"Telegram does not answer ({type(error).__name__})",
            "look at DNS, proxy and firewall",
        )
    if answer.status_code in {401, 404}:
        return Found(Mark.WRONG, "Telegram does not know this token", "ask @BotFather for it again")
    name = re.search(r'"username"\s*:\s*"(\w+)"', answer.text)
    return Found(Mark.FINE, f"Telegram answers as @{name[1]}" if name else "Telegram answers")
