"""Small parts of the photo that look otherwise at a moment, laid on before anything moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.renderers.scene.picture import Picture
from engine.renderers.scene.warp import Region


@dataclass(frozen=True, slots=True)
class Patch:
    """What the photo shows in one region; `picture` has its size."""

    region: Region
    picture: Picture


class Canvas:
    """A picture with this moment's patches on it; those of the moment before are taken off first."""

    def __init__(self, picture: Picture) -> None:
        self._clean, self._picture = picture, picture
        self._patched: list[Region] = []

    def show(self, patches: Iterable[Patch]) -> Picture:
        """Good until the next call. The picture itself where there never was a patch."""
        for region in self._patched:
            self._lay(region, part(self._clean, region))
        self._patched.clear()
        for patch in patches:
            if self._picture is self._clean:
                self._picture = Picture(self._clean.y.copy(), self._clean.uv.copy())
            self._lay(patch.region, patch.picture)
            self._patched.append(patch.region)
        return self._picture

    def _lay(self, region: Region, picture: Picture) -> None:
        self._picture.y[region.full] = picture.y
        self._picture.uv[region.half] = picture.uv


def part(picture: Picture, region: Region) -> Picture:
    """A view of one region."""
    return Picture(picture.y[region.full], picture.uv[region.half])
