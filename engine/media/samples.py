"""Which frames of a clip are worth a classifier's look: first, last, evenly between, and where change is greatest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOCAL = 1 / 32
"""A change counts by this part of the picture's cells, those that change most: a face is small."""
APART = 4
"""Frames between two changes that count as two."""
FAINTEST = 0.002
"""Steps of relative luminance below this are no change."""
STANDS_OUT = 2.5
"""A change is worth a look from so many times the usual step of its clip on: smooth motion and rain have none."""


def choose_frames(luminance: NDArray[np.float32], *, evenly: int, changes: int) -> list[int]:
    """Numbers in order. `luminance` is (frames, rows, columns).

    Each of at most `changes` that stand out gives two frames, the first after it and the next, so that what flashes up is seen twice.
    """
    total = len(luminance)
    chosen = {round(number) for number in np.linspace(0, total - 1, min(evenly, total))}
    for frame in _greatest_changes(luminance, changes):
        chosen |= {frame, min(frame + 1, total - 1)}
    return sorted(chosen)


def _greatest_changes(luminance: NDArray[np.float32], count: int) -> list[int]:
    """Frames that differ most from the one before, apart from light that changes everywhere alike (lightning)."""
    steps = np.diff(luminance.reshape(len(luminance), -1), axis=0)
    if not len(steps):
        return []
    steps = np.abs(steps - np.median(steps, axis=1, keepdims=True))
    most = max(1, round(steps.shape[1] * LOCAL))
    amounts = np.sort(steps, axis=1)[:, -most:].mean(axis=1)
    least = max(STANDS_OUT * float(np.median(amounts)), FAINTEST)
    found: list[int] = []
    for step in np.argsort(-amounts, kind="stable"):
        if amounts[step] < least or len(found) == count:
            break
        if all(abs(int(step) + 1 - other) >= APART for other in found):
            found.append(int(step) + 1)
    return found
