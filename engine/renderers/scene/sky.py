"""Finds the sky of a photo, and says how far that is to be trusted: a plain wall is not a sky.

A border is searched column by column for several edge strengths (after Shen and Wang, 2013), the best one by colour
is refined by GrabCut, and clouds and gaps between branches are added. What looks like a sky without being one (a
wall, a backdrop) cannot be told by colour alone; `Sky.is_open` and `Sky.drifts` add what a sky has to show.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.filters import blur, guide, resize_map, to_lab, to_luma
from engine.renderers.scene.picture import RGB, Map

_Flags = NDArray[np.bool_]

EDGES = (0.06, 0.09, 0.13, 0.18, 0.25, 0.35, 0.5)
"""Sobel magnitudes, of luma 0..1, that may be the border."""

CLOUDY = 1.0
"""Standard deviation of luma (0..255) without its slow gradient, from which a drift can be seen at all."""

TOO_LIVELY = 20.0
"""The same, from which what is not blue is no sky: coins, fur and cloth had 20 to 38, real skies 1 to 20 (38 photos)."""

MUCH_DARKER = 12.0
"""Steps of L*."""

SURE, LIKELY = 0.4, 0.3
"""Confidence from which a blue sky counts by default, and where the caption speaks of one."""


@dataclass(frozen=True, slots=True)
class Sky:
    """`mask` is 0..1 at analysis size, all zero where none was found. `contrast` is that of the clouds.

    `roughness` is the texture of its roughest tenth; clouds have less than 0.01, cloth and paper more.
    `shaded` says that it is much darker than what is below: by day and by night the sky is the lighter one.
    """

    mask: Map
    confidence: float = 0.0
    contrast: float = 0.0
    roughness: float = 0.0
    blue: bool = False
    shaded: bool = False
    horizon: int | None = field(default=None)

    def is_open(self, *, asked: bool) -> bool:
        """A sky beyond reasonable doubt: less is needed where the caption speaks of one."""
        if float(self.mask.mean()) < 0.03:
            return False
        if self.shaded and not asked:
            return False
        if self.blue:
            return self.confidence > (LIKELY if asked else SURE)
        smooth = self.roughness < (0.02 if asked else 0.01)
        cloudy = CLOUDY < self.contrast < TOO_LIVELY
        return self.confidence > (SURE if asked else 0.9) and smooth and cloudy

    def drifts(self, *, asked: bool) -> bool:
        """There are clouds, so that a drift shows; plain walls and clear skies have none."""
        return self.is_open(asked=asked) and self.contrast > CLOUDY

    def without(self, near: Map) -> Sky:
        """The same, behind the near object."""
        return replace(self, mask=self.mask * (near < 0.5))


@dataclass(frozen=True, slots=True)
class _Features:
    luma: Map  # 0..1
    lab: NDArray[np.float32]
    texture: Map
    edges: Map


def find_sky(small: RGB) -> Sky:
    """`small` has a long side of about 320 pixels."""
    seen = _look(small)
    border = _best_border(seen)
    if border is None:
        return _none(seen)
    core = _touching_the_top(_refine(small, border, seen))
    if core.mean() < 0.02 or core.mean() > 0.97:
        return _none(seen)
    confidence = _rate(core, seen)
    whole = _with_clouds(core, seen)
    horizon = _find_horizon(whole, seen)
    if horizon is not None:
        whole[horizon:] = False
    return Sky(
        mask=whole.astype(np.float32),
        confidence=confidence,
        contrast=_contrast(seen.luma * 255, whole),
        roughness=_roughness(seen.texture, whole),
        blue=bool(seen.lab[whole][:, 2].mean() < -3) if whole.any() else False,
        shaded=_is_shaded(seen.lab[..., 0], whole),
        horizon=horizon,
    )


def _is_shaded(light: Map, mask: _Flags) -> bool:
    if mask.all() or not mask.any():
        return False
    return bool(np.median(light[mask]) < np.median(light[~mask]) - MUCH_DARKER)


def _none(seen: _Features) -> Sky:
    return Sky(mask=np.zeros_like(seen.luma))


def _look(small: RGB) -> _Features:
    luma = to_luma(small)
    fine = np.abs(luma - blur(luma, 1.2))
    slope = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    return _Features(luma, to_lab(small), blur(fine, 2.5), blur(slope, 1.0))


def _best_border(seen: _Features) -> _Flags | None:
    """Everything above the first strong edge of each column, for the edge strength that parts two colours best."""
    candidates = [_above_first_edge(seen.edges, strength) for strength in EDGES]
    rated = [(score, mask) for mask in candidates if (score := _separation(mask, seen)) > 0]
    return max(rated, key=lambda pair: pair[0])[1] if rated else None


def _above_first_edge(edges: Map, strength: float) -> _Flags:
    height = len(edges)
    hit = edges > strength
    hit[:2] = False
    border = np.where(hit.any(0), hit.argmax(0), height).astype(np.float32)
    smooth = cv2.medianBlur(border.reshape(1, -1), 5).ravel()
    return np.asarray(np.arange(height)[:, None] < smooth[None, :])


def _separation(mask: _Flags, seen: _Features) -> float:
    """How well a border parts a smooth upper from a different lower area; 0 where it cannot be one."""
    height, width = mask.shape
    share = float(mask.mean())
    border = mask.sum(0)
    inside = (border > 1) & (border < height - 3)
    if not 0.03 <= share <= 0.97 or inside.sum() < 0.15 * width:
        return 0.0
    above, below = seen.lab[mask], seen.lab[~mask]
    energy = 1 / (2 * _spread(above) + _spread(below))
    apart = float(np.linalg.norm(above.mean(0) - below.mean(0)))
    columns = np.arange(width)[inside]
    over, under = _beside_border(seen.lab, columns, border[inside])
    step = float(np.median(np.linalg.norm(over - under, axis=1)))
    brighter = float(np.median(over[:, 0] - under[:, 0]))
    calmer = float(np.median(seen.texture[~mask]) / (np.median(seen.texture[mask]) + 0.003))
    return float(
        energy**0.35
        * (1 + 0.05 * apart)
        * np.sqrt(min(share, 0.35))
        * np.clip(step / 12, 0.2, 2)
        * (1 + 0.5 * np.clip(brighter / 20, -1, 1.2))
        * np.clip(calmer, 0.5, 4) ** 0.35
    )


def _spread(colors: NDArray[np.float32]) -> float:
    return float(np.linalg.det(np.cov(colors.T) + np.eye(3)) ** (1 / 3))


def _beside_border(
    lab: NDArray[np.float32], columns: NDArray[np.int_], rows: NDArray[np.int_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The colours five rows above and below the border."""
    last = len(lab) - 1
    return lab[np.maximum(rows - 5, 0), columns], lab[np.minimum(rows + 5, last), columns]


def _refine(small: RGB, border: _Flags, seen: _Features) -> _Flags:
    """GrabCut from the border: sure well inside it, never where there is texture or near the lower edge."""
    sure = cv2.erode(border.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    labels = np.where(border, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[sure] = cv2.GC_FGD
    labels[(seen.texture > 0.045) & ~sure] = cv2.GC_BGD
    labels[int(len(labels) * 0.9) :] = cv2.GC_BGD
    return cut_out(np.asarray(cv2.GaussianBlur(small, (0, 0), 0.8), np.uint8), labels, rounds=3)


def cut_out(small: RGB, labels: NDArray[np.uint8], *, rounds: int) -> _Flags:
    """GrabCut at half size, which takes a quarter of the time; nothing where it has too little to learn from."""
    height, width = labels.shape
    half = (width // 2, height // 2)
    few = np.ascontiguousarray(cv2.resize(labels, half, interpolation=cv2.INTER_NEAREST))
    if min((few == cv2.GC_FGD).sum(), (few == cv2.GC_BGD).sum()) < 25:
        return np.zeros(labels.shape, np.bool_)
    cv2.setRNGSeed(0)  # its k-means draws; the same photo must give the same mask
    cv2.grabCut(
        cv2.resize(small, half, interpolation=cv2.INTER_AREA),
        few,
        (0, 0, 0, 0),
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        rounds,
        cv2.GC_INIT_WITH_MASK,
    )
    kept = ((few == cv2.GC_FGD) | (few == cv2.GC_PR_FGD)).astype(np.float32)
    whole = guide(to_luma(small), resize_map(kept, width, height), 3, 1e-4) > 0.5
    return np.asarray(cv2.morphologyEx(whole.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _touching_the_top(mask: _Flags) -> _Flags:
    """The parts that reach the upper edge, without small holes (birds, wires)."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    keep = [n for n in range(1, count) if stats[n, cv2.CC_STAT_TOP] <= 2 and stats[n, 4] > 0.01 * mask.size]
    kept = np.isin(parts, keep)
    count, parts, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8))
    holes = [n for n in range(1, count) if stats[n, 4] < 0.002 * mask.size and stats[n, cv2.CC_STAT_TOP] > 2]
    return kept | np.isin(parts, holes)


def _rate(mask: _Flags, seen: _Features) -> float:
    """0..1: has it a colour that skies have, is it calmer than the rest, does it span the top?"""
    light, green, yellow = (float(seen.lab[..., channel][mask].mean()) for channel in range(3))
    calm_here = float(np.median(seen.texture[mask]))
    calm_there = float(np.median(seen.texture[~mask])) if (~mask).any() else 0.0
    smooth = np.clip((0.02 - calm_here) / 0.015, 0, 1)
    contrast = np.clip((calm_there - calm_here) / 0.012, 0, 1)
    span = np.clip(mask[:3].mean() / 0.35, 0, 1) * np.clip(mask.mean() / 0.06, 0, 1)
    return float(_color_odds(light, green, yellow) * (0.35 + 0.65 * smooth) * (0.35 + 0.65 * contrast) * span)


def _color_odds(light: float, green: float, yellow: float) -> float:
    """L*, a*, b* of the mean: blue, bright gray, evening, night; a lawn is none."""
    if green < -9 and yellow > 6:
        return 0.05
    if yellow < -3 or (light > 62 and abs(green) < 14 and yellow < 12):
        return 1.0
    if 38 < light < 98 and yellow > 8 and green < 35:
        return 0.7
    return 0.6 if light < 45 and yellow < 6 and abs(green) < 12 else 0.2


def _with_clouds(core: _Flags, seen: _Features) -> _Flags:
    """Gaps between branches, bright clouds, and dark ones that do not reach the ground."""
    height, width = core.shape
    lowest = _lowest_rows(core)
    smooth = cv2.GaussianBlur(lowest.astype(np.float32).reshape(1, -1), (0, 0), width * 0.12).ravel()
    above = np.arange(height)[:, None] < smooth[None, :]
    whole = core | ((_unlikeness(seen.lab, core) < 5) & above)
    chroma = np.hypot(seen.lab[..., 1], seen.lab[..., 2])
    level = max(60.0, float(np.median(seen.lab[..., 0][core])) + 8)
    bright = (seen.lab[..., 0] > level) & (chroma < 16) & above & (seen.texture < 0.06)
    _, parts = cv2.connectedComponents((bright | whole).astype(np.uint8))
    whole |= bright & np.isin(parts, np.setdiff1d(np.unique(parts[core]), [0]))
    closed = cv2.morphologyEx(whole.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    return _with_islands(np.asarray(closed), seen)


def _lowest_rows(mask: _Flags) -> NDArray[np.int_]:
    """For each column the lowest row of the mask; 0 where there is none."""
    return np.where(mask.any(0), len(mask) - 1 - mask[::-1].argmax(0), 0)


def _unlikeness(lab: NDArray[np.float32], mask: _Flags) -> Map:
    """Mahalanobis distance of each pixel's colour to those of the mask, squared."""
    colors = lab[mask]
    inverse = np.linalg.inv(np.cov(colors.T) + 4 * np.eye(3))
    offset = lab - colors.mean(0)
    return np.asarray(np.einsum("hwi,ij,hwj->hw", offset, inverse, offset), np.float32)


def _with_islands(mask: _Flags, seen: _Features) -> _Flags:
    """Calm areas inside the sky that end above the ground: dark clouds, blue gaps."""
    ground = float(np.median(_lowest_rows(mask)))
    count, parts, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    for number in range(1, count):
        bottom = stats[number, cv2.CC_STAT_TOP] + stats[number, cv2.CC_STAT_HEIGHT]
        if bottom < ground * 0.97 and stats[number, 4] < 0.25 * mask.size:
            island = parts == number
            if seen.texture[island].mean() < 0.03:
                mask = mask | island
    return mask


def _find_horizon(mask: _Flags, seen: _Features) -> int | None:
    """A lake in the sky's colours lies below one strong, level edge that crosses the mask."""
    height = len(mask)
    top, bottom = int(height * 0.2), height - 3
    strengths = [_level_edge(mask, seen.lab, row) for row in range(top, bottom)]
    if not strengths:
        return None
    row, strongest = top + int(np.argmax(strengths)), max(strengths)
    clear = strongest > 2.2 and strongest > 4 * float(np.median(np.asarray(strengths) + 0.05))
    return row if clear and mask[row].mean() > 0.4 and mask[row:].sum() > 0.02 * mask.size else None


def _level_edge(mask: _Flags, lab: NDArray[np.float32], row: int) -> float:
    here = mask[row]
    if here.mean() < 0.35:
        return 0.0
    steps = lab[row - 3 : row][:, here].mean(0) - lab[row : row + 3][:, here].mean(0)
    return float(np.linalg.norm(np.median(steps, axis=0)) * here.mean())  # the same step in most columns


def _contrast(luma: Map, mask: _Flags) -> float:
    """Of what is left when a smooth surface (third degree) is taken away: dusk, lamps and vignettes are smooth."""
    rows, columns = np.nonzero(cv2.erode(mask.astype(np.uint8), np.ones((9, 9), np.uint8)))
    if len(rows) < 100:
        return 0.0
    x, y = columns / mask.shape[1] - 0.5, rows / mask.shape[0] - 0.5
    powers = [x**across * y**down for across in range(4) for down in range(4 - across)]
    surface = np.stack(powers, axis=1)
    seen = luma[rows, columns]
    fitted, *_ = np.linalg.lstsq(surface, seen, rcond=None)
    return float(np.std(seen - surface @ fitted))


def _roughness(texture: Map, mask: _Flags) -> float:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return float(np.percentile(texture[inner], 90)) if inner.sum() > 50 else 1.0
