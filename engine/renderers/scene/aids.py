"""Models that make a reading better and that a photo can do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from engine import logs
from engine.errors import ConfigError
from engine.renderers.scene.depth import DepthModel
from engine.renderers.scene.painter import Painter
from engine.renderers.scene.person_matte import PersonModel

log = logs.get(__name__)

_Model = TypeVar("_Model")


@dataclass(frozen=True, slots=True)
class Aids:
    """None where the weights are not here."""

    person: PersonModel | None = None
    depth: DepthModel | None = None
    painter: Painter | None = None


def load_aids(models: Path, *, draws: bool = True) -> Aids:
    """Without `draws` no background is drawn, even where the weights for it are here."""
    return Aids(
        person=_load(PersonModel, models),
        depth=_load(DepthModel, models),
        painter=_load(Painter, models) if draws else None,
    )


def _load(make: Callable[[Path], _Model], models: Path) -> _Model | None:
    try:
        return make(models)
    except ConfigError as error:
        log.info("the renderer goes without", why=str(error))
        return None
