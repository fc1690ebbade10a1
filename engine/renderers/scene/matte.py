"""Where the near object is: the U2-Netp matte, run by OpenCV."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engine.media.clip import TrainedModel
from engine.models import find_model, load_catalog
from engine.renderers.scene.picture import RGB, Map

MODEL = "u2netp"

AREA = 256 * 256
"""Pixels that the net sees, in the photo's own shape. It was trained on 320², squashed: in shape, fewer show as much,
and take 0.3 s instead of 0.55 s of CPU."""

GLANCE = 128 * 128
"""Enough to know where to look."""

STEP = 32
"""The net halves its picture five times."""

_OUTPUT = "1959"  # the matte that the six others are fused into
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
"""The statistics of ImageNet, which U²-Net was trained with."""


class NearObjectModel:
    """Checked once per worker. Raises ConfigError where the weights are missing or not the pinned ones."""

    def __init__(self, models: Path) -> None:
        self._weights = np.fromfile(find_model(models, MODEL), np.uint8)

    def find(self, pixels: RGB, *, area: int = AREA) -> Map:
        """How surely each place belongs to the near object, 0..1, over the whole of `pixels`, in about `area` pixels.

        The net is set up anew for each photo: that takes 0.1 s, and else it would hold on to 170 MB.
        """
        net = cv2.dnn.readNetFromONNX(self._weights)
        size = _choose_size(pixels, area)
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        scaled = (small / max(1.0, float(small.max())) - _MEAN) / _DEVIATION
        net.setInput(np.ascontiguousarray(scaled.transpose(2, 0, 1)[None]))
        return np.ascontiguousarray(net.forward(_OUTPUT)[0, 0], np.float32)


def name_model(name: str = MODEL) -> TrainedModel:
    """A model of the catalogue as the disclosure names it."""
    model = load_catalog().find(name)
    return TrainedModel(name=model.title, version=model.version, licence=model.licence)


def _choose_size(pixels: RGB, area: int) -> tuple[int, int]:
    """Width and height in the shape of `pixels`, as far as the net takes it."""
    height, width = pixels.shape[:2]
    across = (area * width / height) ** 0.5
    return _to_step(across), _to_step(area / across)


def _to_step(length: float) -> int:
    return max(2, round(length / STEP)) * STEP
