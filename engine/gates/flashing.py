"""Stops a clip that flashes more than three times in any second: it can set off seizures (WCAG 2.3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.gates import ALLOWED, Ruling
from engine.schema import Reason
from engine.verdicts import Remake

GATE = "clip.flashing"

MOST_PER_SECOND = 3
STEP = 0.10
"""A flash is a pair of opposing changes of relative luminance of this much …"""
DARKEST_AT_MOST = 0.80
"""… whose darker state is below this …"""
AREA = 0.25
"""… over this part of the picture, together."""


def remake_flashing(luminance: NDArray[np.float32], *, frames_per_second: float) -> Ruling:
    """`luminance` is (frames, rows, columns), relative and linear 0..1: every frame of the clip, coarsely."""
    count = most_flashes_in_a_second(luminance, frames_per_second=frames_per_second)
    score = min(1.0, count / (2.0 * MOST_PER_SECOND))
    if count > MOST_PER_SECOND:
        return Ruling(Remake(reason=Reason.FLASHING, gate=GATE, score=score), score)
    return Ruling(ALLOWED.verdict, score)


def most_flashes_in_a_second(luminance: NDArray[np.float32], *, frames_per_second: float) -> int:
    """Pairs of an up and a down, at their most crowded second."""
    turns = _turns(luminance.reshape(len(luminance), -1))
    window = max(1, round(frames_per_second))
    alternating = [t for i, t in enumerate(turns) if i == 0 or turns[i - 1][1] != t[1]]
    times = [frame for frame, _ in alternating]
    return max((sum(start <= t < start + window for t in times) // 2 for start in times), default=0)


def _turns(cells: NDArray[np.float32]) -> list[tuple[int, bool]]:
    """(frame, brighter) wherever enough cells changed by `STEP` since each one's last extreme, the same way."""
    found: list[tuple[int, bool]] = []
    low, high = cells[0].copy(), cells[0].copy()
    for frame, now in enumerate(cells[1:], start=1):
        up = (now - low >= STEP) & (low < DARKEST_AT_MOST)
        down = (high - now >= STEP) & (now < DARKEST_AT_MOST)
        found += [(frame, brighter) for brighter, cell in ((True, up), (False, down)) if cell.mean() >= AREA]
        low = np.where(up, now, np.minimum(low, now))
        high = np.where(down, now, np.maximum(high, now))
        low, high = np.where(down, now, low), np.where(up, now, high)
    return found
