"""Reads width and height from the first bytes of a JPEG, PNG, WebP or GIF; decodes nothing."""

from __future__ import annotations

from typing import NamedTuple

_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's start-of-frame markers; the three left out are tables (ITU T.81, table B.1)."""

_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers without a length after them."""


class Picture(NamedTuple):
    """What a header says: MIME type, and the size in pixels as stored, before any EXIF rotation."""

    mime: str
    width: int
    height: int


def read_picture(data: bytes) -> Picture | None:
    """The picture that these bytes claim to be, or None when no known header says so."""
    size: tuple[int, int] | None = None
    if data[:3] == b"\xff\xd8\xff":
        mime, size = "image/jpeg", _jpeg(data)
    elif data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        mime, size = "image/png", (_big(data, 16, 4), _big(data, 20, 4))
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        mime, size = "image/webp", _webp(data)
    elif data[:4] == b"GIF8" and len(data) >= 10:
        mime, size = "image/gif", (_little(data, 6, 2), _little(data, 8, 2))
    if size is None or not all(size):
        return None
    return Picture(mime, *size)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte before a marker
            at += 1
        elif marker in _BARE_MARKERS:
            at += 2
        elif marker in _SIZE_MARKERS:
            return _big(data, at + 7, 2), _big(data, at + 5, 2)
        else:
            at += 2 + _big(data, at + 2, 2)
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    match data[12:16]:
        case b"VP8X":
            return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
        case b"VP8L":
            bits = _little(data, 21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
        case _:
            return None


def _big(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "big")


def _little(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")
