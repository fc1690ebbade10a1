"""The people whom effects may move: faces that are large enough, with landmarks where those are sure."""

from __future__ import annotations

from dataclasses import dataclass

from engine.renderers.scene.eyes import Eye, find_eyes
from engine.renderers.scene.framing import Framing
from engine.renderers.scene.landmarks import LandmarkModel, Mesh
from engine.renderers.scene.picture import RGB, Map
from engine.verdicts import Face

SMALLEST = 90
"""Pixels of a face's height in a clip of 720: below it an eye is a few pixels, and a lid on it a smear."""

MOST = 4
"""A group larger than this is a crowd; its largest faces move."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A face by its middle and size, in pixels of the clip. `near` says that it is in the near layer.

    `mesh` is there where the landmarks are sure, `eyes` (right, left) where they are open and uncovered too.
    """

    x: float
    y: float
    width: float
    height: float
    near: bool
    mesh: Mesh | None
    eyes: tuple[Eye, Eye] | None


def find_people(
    pixels: RGB, faces: tuple[Face, ...], framing: Framing, *, near: Map | None, model: LandmarkModel | None
) -> tuple[Person, ...]:
    """The largest first. `pixels` is the photo at clip size, `near` the near layer's matte if there is one."""
    height, width = pixels.shape[:2]
    least = SMALLEST * min(width, height) / 720
    shown = [_in_clip(face, framing) for face in faces]
    large = [face for face in shown if face.height >= least and _is_inside(face, width, height)]
    large.sort(key=lambda face: face.height, reverse=True)
    return tuple(_meet(pixels, face, near, model) for face in large[:MOST])


def _meet(pixels: RGB, face: Face, near: Map | None, model: LandmarkModel | None) -> Person:
    x, y = face.x + face.width / 2, face.y + face.height / 2
    mesh = model.find(pixels, face) if model else None
    return Person(
        x=x,
        y=y,
        width=face.width,
        height=face.height,
        near=near is not None and _at(near, x / pixels.shape[1], y / pixels.shape[0]) > 0.5,
        mesh=mesh,
        eyes=find_eyes(pixels, mesh) if mesh else None,
    )


def _in_clip(face: Face, framing: Framing) -> Face:
    left, top = framing.place(face.x, face.y)
    right, bottom = framing.place(face.x + face.width, face.y + face.height)
    return Face(
        x=left * framing.width,
        y=top * framing.height,
        width=(right - left) * framing.width,
        height=(bottom - top) * framing.height,
        score=face.score,
    )


def _is_inside(face: Face, width: int, height: int) -> bool:
    """Nearly all of it is in the clip."""
    slack = 0.1 * face.height
    return (
        min(face.x, face.y) > -slack
        and face.x + face.width < width + slack
        and face.y + face.height < height + slack
    )


def _at(values: Map, x: float, y: float) -> float:
    """A map's value at shares of its sides."""
    rows, columns = values.shape
    return float(values[min(rows - 1, int(y * rows)), min(columns - 1, int(x * columns))])
