"""What happens to copies of a clip on their way through the world: encoded anew, cut, scaled, mirrored, painted over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import av
import cv2
import numpy as np

from engine.media.clip import Frame, Plane

Copy = Callable[[list[Frame], Path], Path]
"""Writes a copy of these frames."""

FRAMES_PER_SECOND = 24


def read(path: Path) -> Iterator[Frame]:
    """As stored, 4:2:0."""
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            yield Frame(*(_rows(plane) for plane in picture.planes))


def write(
    frames: Iterable[Frame], path: Path, *, crf: int, frames_per_second: int = FRAMES_PER_SECOND
) -> Path:
    """As a messenger or an editor might: x264, its own settings."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = None
        for frame in frames:
            height, width = frame.y.shape
            if stream is None:
                stream = container.add_stream("libx264", rate=frames_per_second)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.options = {"preset": "veryfast", "crf": str(crf)}
                stream.codec_context.thread_count = 1
            planes = np.concatenate([plane.ravel() for plane in (frame.y, frame.u, frame.v)])
            picture = av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def scaled(frame: Frame, width: int, height: int) -> Frame:
    return planewise(
        frame, lambda plane, n: cv2.resize(plane, (width // n, height // n), interpolation=cv2.INTER_AREA)
    )


def half(frame: Frame) -> Frame:
    height, width = frame.y.shape
    return scaled(frame, width // 4 * 2, height // 4 * 2)


def cut(frame: Frame) -> Frame:
    """90 % each way, off the middle."""
    height, width = frame.y.shape
    left, top, wide, high = (
        int(it) // 4 * 4 for it in (width * 0.07, height * 0.04, width * 0.9, height * 0.9)
    )
    return planewise(
        frame, lambda plane, n: plane[top // n : (top + high) // n, left // n : (left + wide) // n]
    )


def cut_and_enlarged(frame: Frame) -> Frame:
    height, width = frame.y.shape
    return scaled(cut(frame), width, height)


def mirrored(frame: Frame) -> Frame:
    return planewise(frame, lambda plane, _: plane[:, ::-1])


def with_logo(frame: Frame) -> Frame:
    """A white bar with a colour below, a dark square in the middle."""
    height, width = frame.y.shape
    painted = planewise(frame, lambda plane, _: plane.copy())
    painted.y[-height // 5 : -height // 10, width // 20 : width // 2] = 235
    painted.u[-height // 10 : -height // 20, width // 40 : width // 4] = 90
    painted.y[height // 3 : height // 3 + height // 8, width // 2 : -width // 10] = 30
    return painted


def turned(frame: Frame) -> Frame:
    """By two degrees, enlarged so that no corner is empty."""

    def turn(plane: Plane, _: int) -> Plane:
        height, width = plane.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 2.0, 1.06)
        return np.asarray(cv2.warpAffine(plane, matrix, (width, height)), np.uint8)

    return planewise(frame, turn)


def planewise(frame: Frame, change: Callable[[Plane, int], Plane]) -> Frame:
    """`change` gets a plane, and by how much it is smaller than the picture."""
    return Frame(
        *(np.ascontiguousarray(change(plane, n)) for plane, n in ((frame.y, 1), (frame.u, 2), (frame.v, 2)))
    )


COPIES: Mapping[str, Copy] = {
    "crf 23": lambda frames, path: write(frames, path, crf=23),
    "crf 28": lambda frames, path: write(frames, path, crf=28),
    "crf 33": lambda frames, path: write(frames, path, crf=33),
    "half size, crf 28": lambda frames, path: write(map(half, frames), path, crf=28),
    "cut by 10 %": lambda frames, path: write(map(cut, frames), path, crf=23),
    "half the frame rate": lambda frames, path: write(
        frames[::2], path, crf=23, frames_per_second=FRAMES_PER_SECOND // 2
    ),
    "one second of it": lambda frames, path: write(frames[12 : 12 + FRAMES_PER_SECOND], path, crf=23),
    "mirrored": lambda frames, path: write(map(mirrored, frames), path, crf=23),
    "logo": lambda frames, path: write(map(with_logo, frames), path, crf=23),
}
"""What every clip must outlive."""

BEYOND: Mapping[str, Copy] = {
    "cut, enlarged, crf 30": lambda frames, path: write(map(cut_and_enlarged, frames), path, crf=30),
    "turned by 2 degrees": lambda frames, path: write(map(turned, frames), path, crf=23),
}
"""What we would like it to."""


def _rows(plane: av.video.plane.VideoPlane) -> Plane:
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width].copy()
