"""The faces of a clip's frames, and which of them are one face that goes on: tracks by place, not by likeness.

A track by likeness could not show that somebody turned into somebody else. Vectors stay in memory for one check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from engine.classifiers.faces import FaceReader, FoundFace
from engine.verdicts import Face

LEAST_SIDE_PIXELS = 40
LEAST_SCORE = 0.8
TURNED = 0.5
"""How far the nose is from the middle of the eyes, in their distance: from here on a face is seen from the side."""
SAME_PLACE = 0.25
"""Intersection over union of a face's frames in two samples, from which on they are one track."""
MARGIN = 0.1
"""A face whose middle is so far inside the picture does not leave it with the camera before the next sample."""
MISSED = 2
"""Samples in which a track may not be seen and still goes on."""

Vectors = NDArray[np.float32]
"""(faces, 128), each of length one."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One face in one frame. `vector` (128,) is None where the face is too small or unsure to be recognised."""

    face: Face
    vector: NDArray[np.float32] | None
    turned: bool = False
    central: bool = True


Frame = Sequence[Sighting]
Track = list[tuple[int, Sighting]]
"""(number of the sample, what was seen), in order."""


def see_photo(reader: FaceReader, pixels: NDArray[np.uint8], *, closely: bool = True) -> Vectors:
    """Every face of the photo counts, doubtful and printed ones too; `closely` also finds small ones, for 0.1 s more."""
    found = reader.find_closely(pixels) if closely else reader.find(pixels)
    vectors = [reader.embed(pixels, face) for face in found]
    return np.stack(vectors) if vectors else np.zeros((0, 128), dtype=np.float32)


def see_frame(reader: FaceReader, pixels: NDArray[np.uint8]) -> tuple[Sighting, ...]:
    return tuple(_see(reader, pixels, found) for found in reader.find(pixels))


def follow(frames: Sequence[Frame]) -> list[Track]:
    """Faces that stay about where they were, through all samples."""
    tracks: list[Track] = []
    for number, frame in enumerate(frames):
        live = [track for track in tracks if number - track[-1][0] <= MISSED + 1]
        overlaps = np.array(
            [[overlap(seen.face, track[-1][1].face) for track in live] for seen in frame], dtype=float
        ).reshape(len(frame), len(live))
        pairs = zip(*linear_sum_assignment(-overlaps), strict=True)
        joined = {int(i): live[int(j)] for i, j in pairs if overlaps[i, j] >= SAME_PLACE}
        for i, seen in enumerate(frame):
            if i in joined:
                joined[i].append((number, seen))
            else:
                tracks.append([(number, seen)])
    return tracks


def overlap(a: Face, b: Face) -> float:
    """Intersection over union, 0..1."""
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / (a.width * a.height + b.width * b.height - across * down)


def _see(reader: FaceReader, pixels: NDArray[np.uint8], found: FoundFace) -> Sighting:
    face = found.face
    clear = face.score >= LEAST_SCORE and min(face.width, face.height) >= LEAST_SIDE_PIXELS
    vector = reader.embed(pixels, found) if clear else None
    return Sighting(
        face=face, vector=vector, turned=_is_turned(found.landmarks), central=_is_central(face, pixels.shape)
    )


def _is_central(face: Face, shape: tuple[int, ...]) -> bool:
    places = ((face.y + face.height / 2) / shape[0], (face.x + face.width / 2) / shape[1])
    return all(MARGIN < place < 1 - MARGIN for place in places)


def _is_turned(landmarks: NDArray[np.float32]) -> bool:
    one_eye, other_eye, nose = landmarks[:3]
    eyes = other_eye - one_eye
    apart = max(float(eyes @ eyes), 1e-6)
    return abs(float((nose - (one_eye + other_eye) / 2) @ eyes)) / apart > TURNED
