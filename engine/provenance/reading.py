"""The number in a file's frames, wherever its watermark lies: as it was written, mirrored, cut, scaled or turned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Plane
from engine.provenance.alignment import align, read_aligned, votes_of
from engine.provenance.watermark import (
    SHORT_SIDE,
    Coefficients,
    Lattice,
    Poll,
    Reading,
    canvas_size,
    coefficients,
    energy,
    shrink,
)

MOST_FRAMES = 48
"""That are looked at, spread over the clip."""

MOST_DECODED = 1800
"""Half a minute at 60 a second; what lies beyond is not looked at."""

LEAST_PIXELS, MOST_PIXELS = SHORT_SIDE // 2, 4096
"""Of a side: below, nothing of a mark is left; above, no clip of ours was enlarged, and memory is not endless."""

_STRANGERS = {"format_whitelist": "mov,matroska", "protocol_whitelist": "file"}
"""A list of addresses is no video, whatever its name says."""

_SEARCHED = 4
"""Frames in which a cut or turned mark is looked for."""

_SEARCH_SHORT_SIDE = 360
"""Of these frames: half as much again as the canvas, so that a cut picture is not enlarged."""

_SHORT_SIDES_MADE = (720,)
"""Of clips as they leave us: a clip that was cut, and not scaled, has the pixels that it had."""

_GAINS = np.arange(0.70, 1.40, 0.01)
"""Contrast that may have been added since; full-range luma is 255 / 219 of ours."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of a decoded frame: its canvas, if nobody cut it, and a small picture to look in."""

    canvas: NDArray[np.float32]
    small: Plane
    scale: float

    def mirrored(self) -> Picture:
        return Picture(self.canvas[:, ::-1], np.ascontiguousarray(self.small[:, ::-1]), self.scale)


def read_watermark(path: Path, key: bytes) -> Reading | None:
    """None where no mark of this key is found. Seconds of CPU, so in a child: strangers' files are decoded here.

    Raises ValueError for a file that is not a readable video.
    """
    return read_pictures(list(read_luma(path)), key)


def read_pictures(pictures: Sequence[Picture], key: bytes, *, everywhere: bool = True) -> Reading | None:
    """The cheapest way first: as it was written, then with another contrast, then, for seconds, wherever it may lie."""
    if not pictures:
        return None
    lattice = Lattice(key)
    sides = (pictures, [picture.mirrored() for picture in pictures])
    for look in (_as_written, _with_other_contrast, *(_wherever,) * everywhere):
        for side in sides:
            reading = look(side, lattice, key)
            if reading is not None:
                return reading
    return None


def read_luma(path: Path) -> Iterator[Picture]:
    """Spread over the first frames of a video, as it stores them. Raises ValueError: not a readable video."""
    try:
        with av.open(str(path), "r", options=_STRANGERS) as container:
            video = container.streams.video[0]
            if video.codec_context is None:
                raise ValueError("not a readable video: an unknown codec")
            if max(video.width, video.height) > MOST_PIXELS:
                raise ValueError("not a readable video: too large")
            if min(video.width, video.height) < LEAST_PIXELS:
                return
            every = max(1, min(video.frames, MOST_DECODED) // MOST_FRAMES)
            decoded = islice(container.decode(video=0), 0, min(MOST_DECODED, every * MOST_FRAMES), every)
            for frame in decoded:
                yield picture_of(_luma(frame))
    except (av.FFmpegError, IndexError) as error:  # IndexError: there is no picture stream
        raise ValueError(f"not a readable video: {type(error).__name__}") from error


def picture_of(luma: Plane) -> Picture:
    height, width = luma.shape
    scale = min(1.0, _SEARCH_SHORT_SIDE / min(width, height))
    size = (int(width * scale), int(height * scale))
    # both ways by exactly one scale: what is left over on the right and below is cut, not squeezed in
    even = luma[: round(size[1] / scale), : round(size[0] / scale)]
    small = cv2.resize(even, size, interpolation=cv2.INTER_AREA)
    return Picture(shrink(luma, canvas_size(width, height)), np.asarray(small, np.uint8), scale)


def _luma(frame: av.VideoFrame) -> Plane:
    if not frame.format.name.startswith(("yuv4", "yuvj4", "nv12")) or "p1" in frame.format.name:
        frame = frame.reformat(format="yuv420p")
    plane = frame.planes[0]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _as_written(pictures: Sequence[Picture], lattice: Lattice, key: bytes) -> Reading | None:
    return _poll(_canvases(pictures), lattice).decide(key)


def _with_other_contrast(pictures: Sequence[Picture], lattice: Lattice, key: bytes) -> Reading | None:
    tried = list(_canvases(pictures[:: max(1, len(pictures) // 3)]))

    def strength(gain: float) -> float:
        return max(energy(lattice.votes(it / np.float32(gain)), count=it.size) for it in tried)

    return _poll(_canvases(pictures), lattice, gain=max(_GAINS, key=strength)).decide(key)


def _wherever(pictures: Sequence[Picture], lattice: Lattice, key: bytes) -> Reading | None:
    small = [picture.small for picture in pictures]
    scales = [pictures[0].scale * side / SHORT_SIDE for side in _SHORT_SIDES_MADE]
    for alignment in align(small[:: max(1, len(small) // _SEARCHED)][:_SEARCHED], lattice, scales=scales):
        poll = Poll()
        for picture in small:
            found, whole = read_aligned(picture, alignment)
            poll.add(votes_of(found, whole, lattice), count=int(whole.sum()) * found.shape[2])
        reading = poll.decide(key)
        if reading is not None:
            return reading
    return None


def _poll(frames: Iterable[Coefficients], lattice: Lattice, *, gain: float = 1.0) -> Poll:
    """`gain` is the contrast that was added since."""
    poll = Poll()
    for found in frames:
        poll.add(lattice.votes(found / np.float32(gain)), count=found.size)
    return poll


def _canvases(pictures: Sequence[Picture]) -> Iterator[Coefficients]:
    return (coefficients(picture.canvas) for picture in pictures)
