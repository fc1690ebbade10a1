"""Where the parts of a face are: MediaPipe's mesh of 468 points, run by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.models import find_model
from engine.renderers.scene.picture import RGB
from engine.verdicts import Face

MODEL = "face_landmarks"
SIDE = 192
AROUND = 1.5
"""How much wider than the face the model's picture is, as it was trained."""

OUTER_RIGHT, OUTER_LEFT = 33, 263
"""Outer corners of the eyes; right and left are the person's own, as in MediaPipe's tables."""
TEMPLE_RIGHT, TEMPLE_LEFT = 234, 454
NOSE_BRIDGE, NOSE_TIP, FOREHEAD, CHIN = 168, 4, 10, 152

LEAST_SCORE = 0.9
MOST_LOOKS, MOST_UNREST = 4, 0.01
"""Another look must not move the points by more than this share of the face's height: sure faces gave below .006."""
MOST_TURNED = 0.6
"""How much nearer the nose may be to one temple than to the other: 0 from the front, a profile from .9."""
LEAST_BOX_SHARE = 0.4
"""Overlap of the points with the box that the detector saw, as intersection over union."""

Points = NDArray[np.float32]
"""(468, 2), in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """The points of one face, and how sure the model is of them, 0..1."""

    points: Points
    score: float

    @property
    def width(self) -> float:
        """Between the temples, in pixels."""
        return float(np.linalg.norm(self.points[TEMPLE_LEFT] - self.points[TEMPLE_RIGHT]))

    @property
    def up(self) -> Points:
        """A unit vector from chin to forehead."""
        way = self.points[FOREHEAD] - self.points[CHIN]
        return np.asarray(way / np.linalg.norm(way), np.float32)


class LandmarkModel:
    """Loaded when a face first asks for it. Raises ConfigError where the weights are missing."""

    def __init__(self, models: Path) -> None:
        self._net = cv2.dnn.readNetFromTFLite(str(find_model(models, MODEL)))
        self._outputs = self._net.getUnconnectedOutLayersNames()

    def find(self, pixels: RGB, face: Face) -> Mesh | None:
        """The mesh of a face that the detector saw; none where it is not to be trusted.

        Each picture is upright around what the look before saw, until two looks agree: two, or four of a tilted head.
        """
        middle = np.array([face.x + face.width / 2, face.y + face.height / 2])
        points, _ = self._look(pixels, middle=middle, side=AROUND * max(face.width, face.height), roll=0.0)
        for _ in range(MOST_LOOKS):
            before = points
            points, score = self._look_again(pixels, before)
            if _unrest(before, points) <= MOST_UNREST:
                mesh = Mesh(points, score)
                return mesh if _is_sane(mesh, face) else None
        return None

    def _look_again(self, pixels: RGB, points: Points) -> tuple[Points, float]:
        eyes, low, high = points[OUTER_LEFT] - points[OUTER_RIGHT], points.min(0), points.max(0)
        roll = float(np.arctan2(eyes[1], eyes[0]))
        return self._look(pixels, middle=(low + high) / 2, side=AROUND * float((high - low).max()), roll=roll)

    def _look(
        self, pixels: RGB, *, middle: NDArray[np.floating[Any]], side: float, roll: float
    ) -> tuple[Points, float]:
        """The points and the model's score for a square of the photo that is turned by `roll`."""
        scale = SIDE / side
        turn = scale * np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        into = np.column_stack([turn, SIDE / 2 - turn @ middle])
        square = cv2.warpAffine(pixels, into, (SIDE, SIDE))
        self._net.setInput(cv2.dnn.blobFromImage(square, 1 / 255, (SIDE, SIDE)))
        answers = sorted((answer.ravel() for answer in self._net.forward(self._outputs)), key=len)
        flat = answers[-1].reshape(-1, 3)[:, :2].astype(np.float32)
        points = cv2.transform(flat[None], cv2.invertAffineTransform(into))[0]
        return np.asarray(points, np.float32), float(1 / (1 + np.exp(-answers[0][0])))


def _unrest(before: Points, points: Points) -> float:
    return float(np.abs(points - before).mean()) / max(1.0, float(np.ptp(points[:, 1])))


def _is_sane(mesh: Mesh, face: Face) -> bool:
    """Sure, from the front, and where the detector saw the face."""
    points = mesh.points
    right, left = (float(np.linalg.norm(points[NOSE_TIP] - points[t])) for t in (TEMPLE_RIGHT, TEMPLE_LEFT))
    return (
        mesh.score >= LEAST_SCORE
        and abs(right - left) <= MOST_TURNED * mesh.width
        and _box_share(points, face) >= LEAST_BOX_SHARE
    )


def _box_share(points: Points, face: Face) -> float:
    (left, top), (right, bottom) = points.min(0), points.max(0)
    across = min(right, face.x + face.width) - max(left, face.x)
    down = min(bottom, face.y + face.height) - max(top, face.y)
    common = max(0.0, float(across)) * max(0.0, float(down))
    return common / (float((right - left) * (bottom - top)) + face.width * face.height - common)
