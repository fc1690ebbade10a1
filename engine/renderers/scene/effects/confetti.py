"""Confetti: small coloured papers that fall, turn and flash their sides."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.picture import Picture, to_chroma
from engine.renderers.scene.stage import Moment

COUNT = 130
COLORS = ((240, 60, 80), (60, 160, 240), (250, 210, 60), (90, 210, 120), (200, 90, 220))
CORNERS = np.array([[-1, -0.6], [1, -0.6], [1, 0.6], [-1, 0.6]])
SIZE = 9.5  # pixels at 720: half the length of a paper at distance 1
FALL = 0.24  # of the height a second
PARTS, PARTS_SHIFT = 16, 4
TURN = 2 * np.pi


class Confetti(Effect):
    def prepare(self) -> None:
        stage, random = self.stage, self.stage.random("confetti")
        count = max(8, round(COUNT * self.strength * stage.area))
        self.x = random.uniform(-0.2 * stage.width, 1.2 * stage.width, count)
        self.y = random.uniform(0, 1.25 * stage.height, count)
        self.phase = random.uniform(0, TURN, (3, count))
        self.spin = random.choice([-1.8, 1.8], count)
        self.close = np.sort(random.uniform(0.5, 1.5, count) ** 1.3)  # far ones are painted first
        self.colors = [to_chroma(*COLORS[number]) for number in random.integers(0, len(COLORS), count)]

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, np.flatnonzero(self.close < 0.8))

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, np.flatnonzero(self.close >= 0.8))

    def _paint(self, moment: Moment, picture: Picture, which: np.ndarray) -> None:
        shown = moment.fade(1.0)
        if shown == 0:
            return
        height, width, second = self.stage.height, self.stage.width, moment.onward
        y = (self.y + FALL * height * self.close * second) % (1.25 * height) - 0.15 * height
        x = self.x + 0.05 * width * (np.sin(self.phase[0] + 1.5 * second) - np.sin(self.phase[0]))
        for number in which:
            self._paper(picture, number, x[number], y[number], second, shown)

    def _paper(self, picture: Picture, number: int, x: float, y: float, second: float, shown: float) -> None:
        flip = float(np.cos(self.phase[2, number] + 3.1 * second))
        angle = self.phase[1, number] + self.spin[number] * second
        size = SIZE * self.stage.scale * self.close[number]
        flat = CORNERS * (size, size * (0.25 + 0.75 * abs(flip)))
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        luma, u, v = self.colors[number]
        _fill(picture, flat @ turn + (x, y), (luma * (0.75 + 0.35 * flip), u, v), shown)


def _fill(picture: Picture, corners: np.ndarray, color: tuple[float, float, float], cover: float) -> None:
    """One polygon, blended into its bounding box only."""
    height, width = picture.y.shape
    left, top = (np.maximum(0, np.floor(corners.min(0) - 2)).astype(int) // 2 * 2).tolist()
    right, bottom = (np.ceil(corners.max(0) + 3).astype(int) // 2 * 2).tolist()
    right, bottom = min(width, right), min(height, bottom)
    if right - left < 2 or bottom - top < 2:
        return
    mask = np.zeros((bottom - top, right - left), np.uint8)
    points = np.rint((corners - (left, top)) * PARTS).astype(np.int32)
    cv2.fillPoly(mask, [points], round(255 * cover), cv2.LINE_AA, PARTS_SHIFT)
    share = mask.astype(np.float32) / 255
    _mix(picture.y[top:bottom, left:right], share, color[0])
    half = cv2.resize(share, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    for channel in (0, 1):
        _mix(picture.uv[top // 2 : bottom // 2, left // 2 : right // 2, channel], half, color[channel + 1])


def _mix(plane: np.ndarray, share: np.ndarray, level: float) -> None:
    plane[:] = np.clip(plane + share * (level - plane), 0, 255).astype(np.uint8)
