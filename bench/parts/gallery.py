"""The photos of bench/quality.py: drawn ones, those of installed packages, and what is in each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from parts.drawn import SCENES

from engine.classifiers.faces import FaceReader
from engine.renderers import ClipFormat
from engine.renderers.scene.analysis import read_photo
from engine.renderers.scene.framing import Framing
from engine.renderers.scene.matte import NearObjectModel
from engine.verdicts import Face, PhotoFacts

PLACES = frozenset({"clouds", "water", "shore", "white_water", "vegetation", "flame", "opening"})
"""What an effect may need and a photo may lack; faces and people are judged by who finds them."""

LACKING: Mapping[str, frozenset[str]] = {
    "astronaut": PLACES,
    "chelsea": PLACES,
    "motorcycle_left": PLACES - {"vegetation"},
    "coffee": PLACES - {"opening"},
    "flower": PLACES - {"vegetation"},
    "china": frozenset({"white_water", "flame", "opening"}),
    "rocket": frozenset({"water", "shore", "white_water", "vegetation", "opening"}),
}
"""What people see at once that these photos do not show."""

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left")


@dataclass(frozen=True, slots=True)
class Photo:
    """`parts` are masks by the name of what an effect needs; `truth` is the photo as the clip should begin.

    `lacks` names what is certainly not there.
    """

    name: str
    pixels: np.ndarray
    facts: PhotoFacts
    truth: np.ndarray
    parts: Mapping[str, np.ndarray]
    lacks: frozenset[str]


class Gallery:
    """Photos at the size of one clip format, with the faces that a detector finds in them."""

    def __init__(self, models: Path, look: ClipFormat) -> None:
        self._look, self._matte, self._faces = look, NearObjectModel(models), FaceReader.load()

    def drawn(self) -> Iterator[Photo]:
        for name, draw in SCENES.items():
            yield self.frame(name, draw().pixels, draw().parts)

    def frame(self, name: str, pixels: np.ndarray, parts: Mapping[str, np.ndarray]) -> Photo:
        """Where faces were found, their boxes are parts too."""
        faces = tuple(found.face for found in self._faces.find(pixels))
        facts = PhotoFacts(faces=faces)
        framing = read_photo(pixels, facts, clip_format=self._look, model=self._matte).framing
        masks = {
            part: _cut_mask(framing, mask)
            for part, mask in (dict(parts) | _face_parts(pixels, faces)).items()
        }
        lacks = LACKING.get(name, PLACES - set(parts))
        return Photo(name, pixels, facts, framing.cut(pixels), masks, lacks)


def find_photos() -> tuple[list[tuple[str, np.ndarray]], list[tuple[str, str]]]:
    """Photos of installed packages, and which of them are missing and why."""
    found: list[tuple[str, np.ndarray]] = []
    missing: list[tuple[str, str]] = []
    try:
        import skimage
    except ImportError:
        missing.append(("photos of scikit-image", "the package is not installed"))
    else:
        folder = Path(skimage.__file__).parent / "data"
        paths = [path for name in PHOTOS for path in sorted(folder.glob(f"{name}.*"))]
        found += [(path.stem, cv2.imread(str(path))[..., ::-1].copy()) for path in paths]
    try:
        from sklearn.datasets import load_sample_image
    except ImportError:
        missing.append(("photos of scikit-learn", "the package is not installed"))
    else:
        found += [(name, np.array(load_sample_image(f"{name}.jpg"))) for name in ("china", "flower")]
    return found, missing


def _face_parts(pixels: np.ndarray, faces: tuple[Face, ...]) -> dict[str, np.ndarray]:
    """Boxes of a detector, not the renderer's own landmarks; eyes are in the upper half."""
    if not faces:
        return {}
    face, eyes = (np.zeros(pixels.shape[:2], bool) for _ in range(2))
    for found in faces:
        rows = slice(max(0, int(found.y)), int(found.y + found.height))
        upper = slice(rows.start, int(found.y + 0.55 * found.height))
        columns = slice(max(0, int(found.x)), int(found.x + found.width))
        face[rows, columns], eyes[upper, columns] = True, True
    return {"face": face, "eyes": eyes}


def _cut_mask(framing: Framing, mask: np.ndarray) -> np.ndarray:
    return framing.cut(np.repeat(mask[..., None], 3, 2).astype(np.uint8) * 255)[..., 0] > 127
