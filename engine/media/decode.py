"""Reads our own clips back: sampled frames for gates and tests, and what the file says about itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
"""(height, width, 3)."""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A clip as its file states it. `sound_seconds` is 0 without sound."""

    width: int
    height: int
    duration_seconds: float
    frame_count: int
    frames_per_second: float
    codec: str
    pixel_format: str
    sound_seconds: float = 0.0

    @property
    def has_sound(self) -> bool:
        return self.sound_seconds > 0


def sample_frames(path: Path, count: int) -> list[RGB]:
    """At most `count` frames, evenly spaced, the first and the last among them. ValueError: not a readable clip."""
    with _open(path) as container:
        total = _count(container)
    return frames_at(path, {round(number) for number in np.linspace(0, total - 1, min(count, total))})


def frames_at(path: Path, numbers: Collection[int]) -> list[RGB]:
    """The frames with these numbers, in order of time. Raises ValueError: not a readable clip, or it is shorter."""
    wanted = set(numbers)
    with _open(path) as container:
        frames = [
            _to_rgb(frame) for number, frame in enumerate(container.decode(video=0)) if number in wanted
        ]
    if len(frames) < len(wanted):
        raise ValueError(f"not a readable clip: {len(frames)} of {len(wanted)} frames")
    return frames


def read_frames(path: Path) -> Iterator[RGB]:
    """Every frame, in order, as it is decoded. Raises ValueError: not a readable clip."""
    with _open(path) as container:
        for frame in container.decode(video=0):
            yield _to_rgb(frame)


def read_clip_info(path: Path) -> ClipInfo:
    """Raises ValueError for a file that is not a readable clip."""
    with _open(path) as container:
        video = container.streams.video[0]
        rate = float(video.average_rate or 0)
        frames = _count(container)
        return ClipInfo(
            width=video.width,
            height=video.height,
            duration_seconds=frames / rate if rate else 0.0,
            frame_count=frames,
            frames_per_second=rate,
            codec=video.codec_context.name,
            pixel_format=video.codec_context.pix_fmt or "",
            sound_seconds=_sound_seconds(container),
        )


@contextmanager
def _open(path: Path) -> Iterator[av.container.InputContainer]:
    try:
        with av.open(str(path), "r", format="mp4") as container:
            if not container.streams.video:
                raise ValueError("not a readable clip: no picture")
            yield container
    except av.FFmpegError as error:
        raise ValueError(f"not a readable clip: {type(error).__name__}") from error


def _count(container: av.container.InputContainer) -> int:
    frames = container.streams.video[0].frames
    if frames < 1:
        raise ValueError("not a readable clip: no frames")
    return int(frames)


def _to_rgb(frame: av.VideoFrame) -> RGB:
    return np.asarray(frame.to_ndarray(format="rgb24", src_colorspace="ITU709"), np.uint8)


def _sound_seconds(container: av.container.InputContainer) -> float:
    audio = container.streams.audio
    if not audio or audio[0].duration is None or audio[0].time_base is None:
        return 0.0
    return float(audio[0].duration * audio[0].time_base)
