"""Where people are: MediaPipe's selfie segmentation, for those whom the near object's matte leaves out.

It takes cats and cups for people too; therefore only what holds a face counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from engine.models import find_model
from engine.renderers.scene.picture import RGB, Map

UPRIGHT, WIDE = "person_matte", "person_matte_wide"
SIZES = {UPRIGHT: (256, 256), WIDE: (256, 144)}
"""Width and height of what each of them was trained on."""


class PersonModel:
    """Loaded once per worker. Raises ConfigError where the weights are missing or not the pinned ones."""

    def __init__(self, models: Path) -> None:
        self._nets = {name: cv2.dnn.readNetFromTFLite(str(find_model(models, name))) for name in SIZES}

    def find(self, pixels: RGB, faces: Sequence[tuple[float, float]]) -> Map:
        """How surely each place belongs to somebody with one of `faces` (middles, in shares of the sides), 0..1."""
        name = choose(pixels)
        small = cv2.resize(pixels, SIZES[name], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        self._nets[name].setInput(np.ascontiguousarray(small.transpose(2, 0, 1)[None]))
        found = self._nets[name].forward().reshape(small.shape[:2])
        return _with_faces(np.asarray(found, np.float32), faces)


def choose(pixels: RGB) -> str:
    """The model for a picture of this shape."""
    return WIDE if pixels.shape[1] > 1.3 * pixels.shape[0] else UPRIGHT


def _with_faces(found: Map, faces: Sequence[tuple[float, float]]) -> Map:
    """The parts of the matte that a face lies in, and the soft edge around them."""
    height, width = found.shape
    _, parts = cv2.connectedComponents((found > 0.5).astype(np.uint8))
    shown = [(x, y) for x, y in faces if 0 <= x < 1 and 0 <= y < 1]
    numbers = {int(parts[int(y * height), int(x * width)]) for x, y in shown} - {0}
    kept = np.isin(parts, list(numbers)).astype(np.uint8)
    return np.asarray(found * cv2.dilate(kept, np.ones((5, 5), np.uint8)), np.float32)
