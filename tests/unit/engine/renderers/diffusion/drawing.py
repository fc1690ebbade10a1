"""A photo, an order for a very short clip, and the mark that skips all of it where torch is not installed."""

import importlib.util

import numpy as np
import pytest

from engine.prompts.directions import Directions
from engine.renderers import ClipFormat, Scene, unwatched
from engine.verdicts import PhotoFacts

SHORT = ClipFormat(short_side=96, seconds=0.34)
FAMILIES = ("standard", "quality", "sound")
"""`lite` is `standard` in another size, from the same folder."""

EVERY_PRESET = ("lite", *FAMILIES)

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("diffusers") is None,
    reason="torch and diffusers are an extra: scripts/setup gpu",
)


def a_photo(height=160, width=96):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def a_scene(prompt="soft snow", *, seed=1, watch=unwatched, look=None, pixels=None):
    return Scene(
        pixels=a_photo() if pixels is None else pixels,
        directions=Directions(),
        facts=PhotoFacts(),
        seed=seed,
        clip_format=SHORT,
        look=look,
        prompt=prompt,
        watch=watch,
    )
