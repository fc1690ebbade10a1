"""Reads the number of a watermark out of pictures: the only reader that holds the key, and it sees no file.

`main` runs in a child process, because a search takes seconds.
"""

from __future__ import annotations

import numpy as np

from engine.provenance.copies import Found, Search, SmallPicture
from engine.provenance.reading import Picture, read_pictures
from engine.provenance.verify import Link


def main(link: Link) -> None:
    """The child: one video, one answer."""
    search: Search = link.receive(Search)
    reading = read_pictures([_unpacked(picture) for picture in search.pictures], search.key)
    link.send(Found(None if reading is None else reading.number))


def _unpacked(picture: SmallPicture) -> Picture:
    canvas = np.frombuffer(picture.canvas, np.float32).reshape(picture.canvas_shape)
    return Picture(canvas, np.frombuffer(picture.small, np.uint8).reshape(picture.small_shape), picture.scale)
