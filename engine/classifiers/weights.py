"""Finds weight files inside installed packages; a file that is not the pinned one is not used."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import msgspec

from engine.errors import ConfigError


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A file that ships in a package: where, and the SHA-256 that was measured with."""

    package: str
    member: str
    sha256: str


def find_weights(weights: Weights) -> Path:
    """The file's path. Raises ConfigError where it is missing or another one.

    The package is looked up, not imported: some of them open cameras and caches when they are.
    """
    spec = find_spec(weights.package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(folders[0], weights.member) if folders else None
    if path is None or not path.is_file():
        raise ConfigError(f"the weights {weights.member} of the package {weights.package} are not installed")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != weights.sha256:
            raise ConfigError(f"the weights {weights.member} of {weights.package} are not the pinned ones")
    return path
