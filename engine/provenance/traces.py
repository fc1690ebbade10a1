"""What a stranger's video leaves to go by: small pictures in which a watermark may lie, and a fingerprint.

`main` runs in a child process, one file per process, that may take much time and memory and holds no secret: where
the watermark lies is read from the pictures by `mark_reader.py`, which sees no file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine.provenance.copies import SmallPicture, Traces, UntrustedVideo
from engine.provenance.fingerprint import read_fingerprint
from engine.provenance.reading import Picture, read_luma
from engine.provenance.verify import Link

MOST_PICTURE_BYTES = 40 * 2**20
"""More than twice a tall phone video; only a strip a hundred times as long as wide has so much."""

MIRROR_SECONDS = 5.0
"""For a second look, in the mirror: it must not cost a long video what the first one found."""


def main(link: Link) -> None:
    """The child: one video, one answer."""
    untrusted: UntrustedVideo = link.receive(UntrustedVideo)
    link.send(take_traces(untrusted.data))


def take_traces(data: bytes) -> Traces:
    """Never raises for what the bytes are."""
    with _as_file(data) as path:
        try:
            pictures = tuple(_small_pictures(path))
        except ValueError:
            return Traces()
        mirrored = read_fingerprint(path, mirrored=True, timeout_seconds=MIRROR_SECONDS)
        codes = (read_fingerprint(path), mirrored)
        return Traces(pictures=pictures, fingerprints=tuple(code for code in codes if code is not None))


def _small_pictures(path: Path) -> Iterator[SmallPicture]:
    """Raises ValueError for what is no video, or one whose small pictures would not be small."""
    size = 0
    for picture in read_luma(path):
        size += picture.canvas.nbytes + picture.small.nbytes
        if size > MOST_PICTURE_BYTES:
            raise ValueError("not a video that could be ours: too long and narrow")
        yield _packed(picture)


def _packed(picture: Picture) -> SmallPicture:
    height, width = picture.canvas.shape
    rows, columns = picture.small.shape
    return SmallPicture(
        canvas=np.ascontiguousarray(picture.canvas).tobytes(),
        canvas_shape=(height, width),
        small=np.ascontiguousarray(picture.small).tobytes(),
        small_shape=(rows, columns),
        scale=picture.scale,
    )


@contextmanager
def _as_file(data: bytes) -> Iterator[Path]:
    """The bytes under a path that FFmpeg can open, also in a process of its own: in memory, and on no disk."""
    descriptor = os.memfd_create("video")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    finally:
        os.close(descriptor)
