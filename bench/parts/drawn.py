"""Photos that are drawn here, so that every part of them is known: for benches and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

Picture = np.ndarray
"""(height, width, 3), float32 while it is drawn, uint8 when it is done."""

HEIGHT, WIDTH = 1280, 720


@dataclass(frozen=True, slots=True)
class Drawn:
    """`parts` are the true masks, by the name of what an effect may need (`Need`), and `near`."""

    pixels: Picture
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)


def texture(height: int, width: int, *, seed: int, size: int) -> Picture:
    """Smooth noise in -1..1."""
    noise = (
        np.random.default_rng(seed)
        .standard_normal((height // size + 3, width // size + 3))
        .astype(np.float32)
    )
    return np.clip(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / 2, -1, 1)[..., None]


def landscape(height: int = 480, width: int = 360, *, clouds: bool = True) -> Picture:
    """Blue sky over the upper half, with soft clouds; rough green ground below."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = np.float32([90, 140, 215]) + rows * np.float32([110, 80, 30])
    if clouds:
        cover = np.clip(texture(height, width, seed=1, size=48) * 1.6, 0, 1)
        sky = sky + cover * (np.float32([245, 245, 248]) - sky) * 0.8
    ground = np.float32([88, 104, 52]) + texture(height, width, seed=2, size=3) * 40
    return np.clip(np.where(rows < 0.5, sky, ground), 0, 255).astype(np.uint8)


def with_ball(pixels: Picture) -> tuple[Picture, np.ndarray]:
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


# --- scenes at clip size -----------------------------------------------------------------------------------


def lake() -> Drawn:
    """Clouds, far hills, a lake with level streaks, a strip of grass."""
    rows, columns = _grid()
    hills = 0.46 + 0.03 * np.sin(columns * 7) + 0.02 * np.sin(columns * 17 + 1)
    streaks = (9 * np.sin(rows * 210) + 6 * np.sin(rows * 520 + columns * 3)) * _grow(rows, 0.5, 0.86)
    picture = _sky(rows)
    picture = np.where((rows > hills)[..., None], np.float32([72, 96, 84]) + 14 * _grain(7, 24), picture)
    picture = np.where((rows > 0.5)[..., None], np.float32([70, 120, 190]) + streaks[..., None], picture)
    picture = np.where((rows > 0.86)[..., None], np.float32([88, 104, 52]) + 45 * _grain(3, 3), picture)
    water = (rows > 0.5) & (rows < 0.86)
    return Drawn(
        _done(picture),
        {"clouds": rows < hills, "water": water, "shore": water, "vegetation": rows > 0.86},
    )


def beach() -> Drawn:
    """Clouds, the sea to a level horizon, foam along a slanting shore, sand."""
    rows, columns = _grid()
    shore = 0.70 + 0.10 * columns + 0.012 * np.sin(columns * 11)
    sea = np.float32([48, 120, 150]) + (10 * np.sin(rows * 330 + 6 * np.sin(columns * 3)))[..., None]
    sea = sea + 30 * _grow(rows, 0.45, 0.75)[..., None] * np.float32([0.4, 1, 0.8])
    foam = np.exp(-(((rows - shore) / 0.012) ** 2))[..., None] * (0.7 + 0.3 * _grain(13, 5))
    picture = np.where((rows > 0.45)[..., None], sea, _sky(rows))
    sand = np.float32([214, 188, 146]) + 16 * _grain(17, 3) - 30 * _grow(rows, 1.0, 0.75)[..., None]
    picture = np.where((rows > shore)[..., None], sand, picture)
    picture = picture + foam * (np.float32([245, 248, 248]) - picture)
    water = (rows > 0.45) & (rows < shore)
    return Drawn(_done(picture), {"clouds": rows < 0.45, "water": water, "shore": water})


def stream() -> Drawn:
    """White water that falls between dark rocks, below a wood."""
    rows, columns = _grid()
    middle = 0.5 + 0.06 * np.sin(rows * 7)
    half = 0.10 + 0.14 * _grow(rows, 0.35, 1.0)
    water = (np.abs(columns - middle) < half) & (rows > 0.35)
    threads = _stretched(19, 5, 60) * 60
    rocks = np.float32([70, 66, 60]) + 34 * _grain(23, 18) + 14 * _grain(29, 4)
    wood = np.float32([40, 66, 34]) + 40 * _grain(31, 9) + 18 * _grain(37, 3)
    picture = np.where((rows < 0.35)[..., None], wood, rocks)
    soft = cv2.GaussianBlur(water.astype(np.float32), (0, 0), 4)[..., None]
    picture = picture + soft * (np.float32([206, 216, 220]) + threads - picture)
    return Drawn(_done(picture), {"white_water": water, "water": water, "vegetation": rows < 0.35})


def meadow() -> Drawn:
    """Clouds over tall grass, whose blades stand in front."""
    rows, _ = _grid()
    blades = _stretched(41, 3, 40) * 60 + _stretched(43, 5, 90) * 40
    grass = np.float32([96, 128, 48]) + blades + 20 * _grain(47, 40)
    border = 0.5 + 0.012 * _stretched(53, 4, 1280)[..., 0]
    picture = np.where((rows > border)[..., None], grass, _sky(rows))
    return Drawn(_done(picture), {"clouds": rows < border, "vegetation": rows > border})


def candle() -> Drawn:
    """A candle's flame in a dark room, and its glow on the wall."""
    rows, columns = _grid()
    away = np.hypot((columns - 0.5) * WIDTH / HEIGHT, rows - 0.5)
    glow = np.exp(-away / 0.16)[..., None]
    picture = np.float32([14, 10, 10]) + glow * np.float32([150, 84, 30]) + 4 * _grain(59, 5)
    stick = (np.abs(columns - 0.5) < 0.05) & (rows > 0.58)
    picture = np.where(stick[..., None], np.float32([196, 164, 120]) * (0.35 + 0.65 * glow), picture)
    width = 0.034 * np.clip((rows - 0.44) / 0.09, 0, 1) * np.clip((0.575 - rows) / 0.03, 0, 1)
    flame = np.abs(columns - 0.5) < width
    bright = cv2.GaussianBlur(flame.astype(np.float32), (0, 0), 4)[..., None]
    picture = picture + bright * (np.float32([255, 226, 150]) - picture)
    return Drawn(_done(picture), {"flame": flame})


def cup() -> Drawn:
    """A white cup of coffee on a wooden table, before a dark wall. Its part is where steam would rise."""
    rows, columns = _grid()
    across, down = (columns - 0.5) / 0.24, (rows - 0.56) / 0.05
    wall = np.float32([58, 50, 46]) + 30 * (1 - rows[..., None]) + 3 * _grain(83, 8)
    table = np.float32([124, 82, 52]) + 16 * _stretched(89, 220, 7)
    picture = np.where((rows > 0.5)[..., None], table, wall)
    side = np.clip(1.05 - 0.5 * np.abs(across + 0.25), 0.3, 1)[..., None]
    body = (np.abs(across) < 1 - 0.22 * np.clip((rows - 0.56) / 0.2, 0, 1)) & (rows > 0.56) & (rows < 0.76)
    rim, inside = across**2 + down**2 < 1, (across / 0.9) ** 2 + (down / 0.86) ** 2 < 1
    base = (across / 0.78) ** 2 + ((rows - 0.76) / 0.03) ** 2 < 1
    for part, color in ((body | base, 232 * side), (rim, 240 * side), (inside, np.float32([52, 28, 16]))):
        soft = cv2.GaussianBlur(part.astype(np.float32), (0, 0), 1)[..., None]
        picture = picture + soft * (color - picture)
    return Drawn(_done(picture), {"opening": (np.abs(across) < 1) & (rows > 0.25) & (down < 1)})


def ball() -> Drawn:
    """A shaded ball before a meadow and a cloudy sky."""
    pixels, mask = with_ball(landscape(HEIGHT, WIDTH))
    rows, _ = _grid()
    return Drawn(pixels, {"clouds": (rows < 0.5) & ~mask, "vegetation": (rows > 0.5) & ~mask, "near": mask})


def portrait() -> Drawn:
    """Head and shoulders before a light backdrop; a face that detectors take for one, and nobody's."""
    picture = np.full((HEIGHT, WIDTH, 3), (130, 170, 225), np.float32)
    middle_x, middle_y = 360, 560
    skin, shade, hair = (224, 172, 140), (180, 138, 112), (60, 40, 28)

    def oval(x: int, y: int, rx: int, ry: int, color: tuple[int, int, int], *, end: int = 360) -> None:
        place, size = (middle_x + x, middle_y + y), (rx, ry)
        cv2.ellipse(picture, place, size, 0, 0, end, color, -1, cv2.LINE_AA)

    oval(0, 620, 270, 440, (60, 80, 120))
    cv2.rectangle(picture, (middle_x - 56, middle_y + 140), (middle_x + 56, middle_y + 250), shade, -1)
    oval(0, -30, 160, 196, hair)
    figure = np.any(picture != picture[0, 0], axis=2)
    oval(0, 16, 128, 166, skin)
    face = np.all(picture == skin, axis=2)
    for x in (-54, 54):
        oval(x, -16, 26, 13, (250, 250, 250))
        oval(x, -16, 13, 12, (70, 46, 34))
        cv2.line(picture, (middle_x + x - 27, middle_y - 30), (middle_x + x + 27, middle_y - 30), shade, 3)
        brow = (middle_x + x, middle_y - 44)
        cv2.ellipse(picture, brow, (34, 12), 0, 180, 360, hair, 9, cv2.LINE_AA)
    cv2.line(picture, (middle_x - 4, middle_y), (middle_x - 14, middle_y + 56), shade, 8, cv2.LINE_AA)
    oval(0, 54, 24, 12, shade, end=180)
    oval(0, 104, 46, 13, (170, 70, 70))
    rows, columns = _grid()
    away = [np.hypot(columns * WIDTH - middle_x - x, rows * HEIGHT - middle_y + 16) for x in (-54, 54)]
    lit = 1.04 - 0.16 * (columns - 0.35)[..., None]
    strands = (figure & ~face)[..., None] * 9 * _stretched(101, 6, 40)  # hair and cloth are seen to move
    grained = cv2.GaussianBlur(picture, (0, 0), 2) * lit + 2 * _grain(97, 2) + strands
    masks = {"person": figure, "figure": figure, "near": figure, "face": face, "eyes": np.minimum(*away) < 60}
    return Drawn(_done(grained), masks)


def room() -> Drawn:
    """A plain wall and a floor: nothing that an effect could take for sky or water."""
    rows, columns = _grid()
    wall = np.float32([205, 198, 186]) - 26 * columns[..., None] + 3 * _grain(61, 6)
    floor = np.float32([122, 88, 60]) + 18 * _stretched(67, 200, 6)
    return Drawn(_done(np.where((rows > 0.72)[..., None], floor, wall)))


SCENES: Mapping[str, Callable[[], Drawn]] = {
    "lake": lake,
    "beach": beach,
    "stream": stream,
    "meadow": meadow,
    "candle": candle,
    "cup": cup,
    "ball": ball,
    "portrait": portrait,
    "room": room,
}


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns as shares of the sides."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return rows / HEIGHT, columns / WIDTH


def _sky(rows: np.ndarray) -> Picture:
    blue = np.float32([84, 136, 214]) + rows[..., None] * np.float32([120, 90, 40])
    cover = np.clip(_grain(71, 120) * 1.4 + _grain(73, 40) * 0.5, 0, 1)
    return blue + cover * (np.float32([246, 246, 248]) - blue) * 0.85


def _grain(seed: int, size: int) -> Picture:
    return texture(HEIGHT, WIDTH, seed=seed, size=size)


def _stretched(seed: int, across: int, down: int) -> Picture:
    """Noise of this size in pixels across and down, -1..1: threads and blades."""
    noise = np.random.default_rng(seed).standard_normal((HEIGHT // down + 3, WIDTH // across + 3))
    wide = cv2.resize(noise.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(wide / 2, -1, 1)[..., None]


def _grow(rows: np.ndarray, start: float, end: float) -> np.ndarray:
    return np.clip((rows - start) / (end - start), 0, 1)


def _done(picture: Picture) -> Picture:
    """With the fine grain of a camera."""
    return np.clip(picture + 3 * _grain(79, 2), 0, 255).astype(np.uint8)
