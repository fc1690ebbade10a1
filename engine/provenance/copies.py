"""What the engine and the readers of copies say to each other (`traces.py`, `mark_reader.py`); nothing heavy is loaded here."""

from __future__ import annotations

import msgspec


class UntrustedVideo(msgspec.Struct, frozen=True, tag=True):
    """A video as somebody sent it."""

    data: bytes


class SmallPicture(msgspec.Struct, frozen=True):
    """A `reading.Picture` on the wire; shapes are (height, width), the canvas is float32."""

    canvas: bytes
    canvas_shape: tuple[int, int]
    small: bytes
    small_shape: tuple[int, int]
    scale: float


class Traces(msgspec.Struct, frozen=True, tag=True):
    """Empty where the file is no video that can be read. `fingerprints` are as it is seen, then as in a mirror."""

    pictures: tuple[SmallPicture, ...] = ()
    fingerprints: tuple[bytes, ...] = ()


class Search(msgspec.Struct, frozen=True, tag=True):
    """Pictures of one video, and the key of our marks."""

    pictures: tuple[SmallPicture, ...]
    key: bytes

    def __repr__(self) -> str:
        return f"Search({len(self.pictures)} pictures)"


class Found(msgspec.Struct, frozen=True, tag=True):
    """The number; None where no mark of the key is in the pictures."""

    number: int | None
