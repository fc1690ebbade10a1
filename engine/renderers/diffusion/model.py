"""What a family of models offers the renderer: draw a clip's latents, then decode them piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.renderers import Watch


@dataclass(frozen=True, slots=True)
class Take:
    """One clip to draw. `photo` has the clip's size already."""

    photo: Image.Image
    caption: str
    frames: int
    seed: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A clip before it is decoded; `sound` is (samples, 2) float32 at 48 kHz, or None."""

    latents: Any
    sound: NDArray[np.float32] | None = None


class Model(Protocol):
    """A loaded family. Not for two threads at once. `compiled` says that its blocks are compiled as they first run."""

    compiled: bool

    def draw(self, take: Take, watch: Watch, *, share: float) -> Drawn:
        """Denoise; `watch` hears 0..share, and may raise to stop. Raises RenderFailed where the numbers ran away."""

    def decode(self, drawn: Drawn) -> Iterator[NDArray[np.uint8]]:
        """(n, height, width, 3) RGB at a time, in order."""

    def tile(self) -> None:
        """Decode and encode in tiles from now on: less memory, a little slower."""

    def offload(self) -> None:
        """Keep only the part that works on the GPU from now on: the least memory, much slower."""
