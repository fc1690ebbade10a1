"""Files that only their owner can read, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine.errors import ConfigError


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files in a new folder beside it, then one rename, which takes the place of an empty folder only."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # mkdtemp makes it 0700
    try:
        for name, content in files.items():
            _write_file(new / name, content)
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise ConfigError(f"the keys cannot be written to {folder}: {error.strerror}") from error
    _sync_folder(folder)
    _sync_folder(folder.parent)


def replace_file(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    _write_file(new, content)
    new.replace(path)
    _sync_folder(path.parent)


def _write_file(path: Path, content: bytes) -> None:
    """Never readable by others, not even for a moment, and on disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
