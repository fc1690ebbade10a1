"""Renderers: photo and directions in, frames out. Found by entry point, so that an operator can add one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.config import RendererTable
from engine.errors import ConfigError
from engine.media.clip import RenderedClip
from engine.prompts.directions import Directions
from engine.verdicts import PhotoFacts

ENTRY_POINT_GROUP = "zoetrope.renderers"


@dataclass(frozen=True, slots=True)
class ClipFormat:
    """How clips look. `short_side` in pixels (720 → 720×1280 for 9:16); sizes come out even.

    `aspect` is "photo" (9:16 for portrait photos, the photo's own otherwise) or "9:16" (always, cropped).
    """

    short_side: int = 720
    seconds: float = 4.0
    frames_per_second: int = 24
    aspect: str = "photo"


class Watch(Protocol):
    """Hears how much of the clip is done, 0..1, and at which pass of how many a model is, from 1; 0 where it has none.

    Raises, and not an Exception, where the job is to stop.
    """

    def __call__(self, share: float, /, *, step: int = 0, steps: int = 0) -> None: ...


def unwatched(_share: float, /, *, step: int = 0, steps: int = 0) -> None:
    """Nobody waits for this clip."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a renderer may look at. `pixels` is (height, width, 3) uint8 RGB, upright.

    `directions` is `prompt` as we understood it; a `look` replaces both. A renderer that works long before its first
    frame tells `watch`.
    """

    pixels: NDArray[np.uint8]
    directions: Directions
    facts: PhotoFacts
    seed: int
    clip_format: ClipFormat
    look: str | None = None
    prompt: str = ""
    watch: Watch = field(default=unwatched)


class Renderer(Protocol):
    """A renderer is made once per worker, warmed up once, and then animates one scene after another."""

    name: str

    def warm_up(self) -> None:
        """Load models and render something small, so that the first job is not the slow one."""

    def animate(self, scene: Scene) -> RenderedClip:
        """Analyse now, render lazily: frames are computed as they are read."""


RendererFactory = Callable[[Path, RendererTable], Renderer]
"""Takes the folder with model files, and what an operator set for renderers."""


def find_renderer(name: str) -> RendererFactory:
    """Raises ConfigError when no installed package offers a renderer of this name."""
    found = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in found:
        raise ConfigError(f"renderer = {name!r} is not installed; there are: {', '.join(sorted(found))}")
    factory: RendererFactory = found[name].load()
    return factory
