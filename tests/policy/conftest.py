"""Photos for the policy tests, drawn here: no picture of a person is kept in the repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.config import PolicyConfig
from engine.policy import Judge

Pixels = NDArray[np.uint8]
SKIN, HAIR = (224, 180, 150), (70, 45, 30)


def landscape(height: int = 480, width: int = 360) -> Pixels:
    y = np.mgrid[0:height, 0:width][0]
    sky = np.stack([100 + y * 90 // height, 140 + y * 60 // height, 225 - y * 40 // height], axis=-1)
    sky[int(height * 0.6) :] = (60, 110, 50)
    return sky.astype(np.uint8)


def draw_face(picture: Pixels, *, x: int, y: int, size: int = 300) -> Pixels:
    """A face that YuNet finds at .9: flat shapes, softened. `x`, `y` is its centre, `size` its frame in pixels."""
    drawn = picture.copy()
    s = size / 400

    def at(dx: float, dy: float) -> tuple[int, int]:
        return int(x + dx * s), int(y + dy * s)

    def oval(
        dx: float, dy: float, rx: float, ry: float, colour: tuple[int, ...], start: int = 0, end: int = 360
    ) -> None:
        cv2.ellipse(drawn, at(dx, dy), (int(rx * s), int(ry * s)), 0, start, end, colour, -1)

    shade = tuple(int(value * 0.8) for value in SKIN)
    oval(0, 190, 120, 90, (60, 80, 120))
    cv2.rectangle(drawn, at(-32, 90), at(32, 150), shade, -1)
    oval(0, -20, 105, 130, HAIR)
    oval(0, 10, 85, 110, SKIN)
    for side in (-1, 1):
        oval(side * 35, -10, 17, 9, (250, 250, 250))
        oval(side * 35, -10, 8, 8, (60, 40, 30))
        cv2.ellipse(drawn, at(side * 35, -34), (int(22 * s), int(6 * s)), 0, 180, 360, HAIR, int(5 * s) + 1)
    cv2.line(drawn, at(-2, 0), at(-9, 38), shade, int(4 * s) + 1)
    oval(0, 36, 16, 10, shade, 0, 180)
    oval(0, 68, 30, 9, (170, 70, 70))
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 1.6 * s), dtype=np.uint8)


def portrait() -> Pixels:
    return draw_face(landscape(), x=180, y=200)


def couple() -> Pixels:
    return draw_face(draw_face(landscape(480, 640), x=170, y=220), x=470, y=220)


@pytest.fixture(scope="session")
def judge() -> Judge:
    return Judge.load(Path(), PolicyConfig(photo_models=()))


@pytest.fixture(scope="session")
def photos() -> dict[str, Pixels]:
    return {"landscape": landscape(), "portrait": portrait(), "couple": couple()}


@pytest.fixture(scope="session")
def with_face() -> Callable[..., Pixels]:
    return draw_face
