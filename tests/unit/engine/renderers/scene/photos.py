"""Synthetic photos whose parts are known, and scenes made of them."""

from bench.parts.drawn import landscape, texture, with_ball
from engine.prompts.parse import parse_prompt
from engine.renderers import ClipFormat, Scene
from engine.verdicts import PhotoFacts

__all__ = ["SMALL", "landscape", "scene", "texture", "with_ball"]

SMALL = ClipFormat(short_side=96, seconds=0.5)
LARGE = ClipFormat(short_side=360, seconds=0.5)


def scene(pixels, prompt="", *, clip_format=SMALL, seed=1, look=None, facts=PhotoFacts()):  # noqa: B008  frozen
    return Scene(
        pixels=pixels,
        directions=parse_prompt(prompt, locale="en"),
        facts=facts,
        seed=seed,
        clip_format=clip_format,
        look=look,
    )
