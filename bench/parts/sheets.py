"""Contact sheets: what a clip looks like at a few moments, so that a person can look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

TALL, WIDE = 240, 900  # pixels: of one picture, of a whole strip
GAP = 4
MOMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def strip(frames: Sequence[np.ndarray], title: str = "", *, moments: Sequence[float] = MOMENTS) -> np.ndarray:
    """One clip from left to right, its title over it."""
    shown = [frames[round(share * (len(frames) - 1))] for share in moments]
    height, width = frames[0].shape[:2]
    tall = round(min(TALL, WIDE / len(moments) * height / width))
    pictures = [_to_height(frame, tall) for frame in shown]
    row = np.concatenate([np.pad(picture, ((0, 0), (0, GAP), (0, 0))) for picture in pictures], axis=1)
    if not title:
        return row
    head = np.zeros((18, row.shape[1], 3), np.uint8)
    cv2.putText(head, title, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (230, 230, 230), 1, cv2.LINE_AA)
    return np.concatenate([head, row])


def save_sheet(path: Path, strips: Sequence[np.ndarray]) -> None:
    """Two strips beside each other where there are many."""
    columns = 2 if len(strips) > 4 else 1
    rows = [_row(strips[at : at + columns], columns) for at in range(0, len(strips), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


def _row(strips: Sequence[np.ndarray], columns: int) -> np.ndarray:
    sheet = np.zeros((max(len(one) for one in strips) + GAP, columns * (WIDE + 8 * GAP), 3), np.uint8)
    for number, one in enumerate(strips):
        left = number * (WIDE + 8 * GAP)
        sheet[: len(one), left : left + one.shape[1]] = one
    return sheet


def _to_height(frame: np.ndarray, height: int) -> np.ndarray:
    width = round(frame.shape[1] * height / frame.shape[0])
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA))
