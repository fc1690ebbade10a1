"""Stops a clip with a face that its photo does not have, or in which a face turned into another.

Faces of each frame are matched one to one to those of the photo (Hungarian algorithm over cosines), so that a face
that appears twice is one too many. What is too small to recognise counts neither way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from engine.gates import Ruling
from engine.schema import Reason
from engine.verdicts import Allowed, Remake

GATE = "clip.stranger"

LEAST_SIDE_PIXELS = 40
LEAST_SCORE = 0.8
DRIFT_FRAMES = 3

Vectors = NDArray[np.float32]
"""(faces, 128), each of length one."""


@dataclass(frozen=True, slots=True)
class _Matches:
    """One frame: which face of the photo has which cosine, and the strangers' best cosines."""

    known: dict[int, float]
    strangers: tuple[float, ...]


def remake_stranger(
    photo: Vectors, frames: Sequence[Vectors], *, match: float, stranger_below: float
) -> Ruling:
    """`photo` and each of `frames` hold the embeddings of faces that are large and sure enough.

    A stranger counts in two neighbouring frames; a face has drifted when its median cosine falls below `match`.
    """
    matched = [_match(photo, frame, stranger_below) for frame in frames]
    repeated = [min(a.strangers + b.strangers) for a, b in pairwise(matched) if a.strangers and b.strangers]
    drifted = [cosine for cosine in _track_medians(matched) if cosine < match]
    suspects = repeated + drifted
    if suspects:
        score = 1.0 - max(0.0, min(suspects))
        return Ruling(Remake(reason=Reason.UNKNOWN_FACE, gate=GATE, score=score), score)
    lowest = min((cosine for frame in matched for cosine in frame.known.values()), default=1.0)
    return Ruling(Allowed(), 1.0 - max(0.0, lowest))


def _match(photo: Vectors, frame: Vectors, stranger_below: float) -> _Matches:
    if not len(frame):
        return _Matches({}, ())
    if not len(photo):
        return _Matches({}, (0.0,) * len(frame))
    cosines = frame @ photo.T
    pairs = list(zip(*linear_sum_assignment(-cosines), strict=True))
    known = {int(j): float(cosines[i, j]) for i, j in pairs if cosines[i, j] >= stranger_below}
    recognised = {int(i) for i, j in pairs if cosines[i, j] >= stranger_below}
    # A face beyond the photo's number is a stranger however alike: it is there twice.
    strangers = tuple(
        0.0 if len(frame) > len(photo) else float(cosines[i].max())
        for i in range(len(frame))
        if i not in recognised
    )
    return _Matches(known, strangers)


def _track_medians(frames: Sequence[_Matches]) -> list[float]:
    tracks: dict[int, list[float]] = {}
    for frame in frames:
        for face, cosine in frame.known.items():
            tracks.setdefault(face, []).append(cosine)
    return [median(cosines) for cosines in tracks.values() if len(cosines) >= DRIFT_FRAMES]
