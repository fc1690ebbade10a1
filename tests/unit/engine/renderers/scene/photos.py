"""Synthetic photos whose parts are known, and scenes made of them."""

import cv2
import numpy as np

from engine.prompts.parse import parse_prompt
from engine.renderers import ClipFormat, Scene
from engine.verdicts import PhotoFacts

SMALL = ClipFormat(short_side=96, seconds=0.5)


def texture(height, width, *, seed, size):
    """Smooth noise in -1..1."""
    noise = (
        np.random.default_rng(seed)
        .standard_normal((height // size + 3, width // size + 3))
        .astype(np.float32)
    )
    return np.clip(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / 2, -1, 1)[..., None]


def landscape(height=480, width=360, *, clouds=True):
    """Blue sky over the upper half, with soft clouds; rough green ground below."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = np.float32([90, 140, 215]) + rows * np.float32([110, 80, 30])
    if clouds:
        cover = np.clip(texture(height, width, seed=1, size=48) * 1.6, 0, 1)
        sky = sky + cover * (np.float32([245, 245, 248]) - sky) * 0.8
    ground = np.float32([88, 104, 52]) + texture(height, width, seed=2, size=3) * 40
    return np.clip(np.where(rows < 0.5, sky, ground), 0, 255).astype(np.uint8)


def with_ball(pixels):
    """A large, shaded red ball near the lower middle: what stands out. Returns the photo and the ball's true mask."""
    height, width = pixels.shape[:2]
    middle, radius = (width // 2, int(height * 0.6)), int(width * 0.26)
    rows, columns = np.mgrid[0:height, 0:width]
    away = np.hypot(columns - middle[0], rows - middle[1]) / radius
    lit = np.clip(
        1.15
        - np.hypot(columns - middle[0] + radius * 0.35, rows - middle[1] + radius * 0.4) / (1.9 * radius),
        0.2,
        1,
    )
    ball = np.float32([225, 45, 40]) * lit[..., None] + texture(height, width, seed=5, size=9) * 12
    cover = np.clip((1 - away) * radius / 1.5, 0, 1)[..., None]
    return np.clip(pixels * (1 - cover) + ball * cover, 0, 255).astype(np.uint8), away < 1


def scene(pixels, prompt="", *, clip_format=SMALL, seed=1, look=None, facts=PhotoFacts()):  # noqa: B008  frozen
    return Scene(
        pixels=pixels,
        directions=parse_prompt(prompt, locale="en"),
        facts=facts,
        seed=seed,
        clip_format=clip_format,
        look=look,
    )
