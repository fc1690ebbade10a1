"""Clips with somebody who is not in their photo: faces swapped in, strangers put in, people exchanged, faces that morph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.classifiers.faces import FaceReader, FoundFace
from engine.verdicts import Face

Pixels = NDArray[np.uint8]

BRIEF_SECONDS = 0.25
HEAD_ROOM = 0.9
"""Around a face's frame, in its own widths, in a portrait that is cut out of a larger photo."""
SAME_PERSON = 0.363
"""OpenCV's threshold for SFace's cosine: photos above it show one person."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's portrait, with the face found in it."""

    name: str
    pixels: Pixels
    found: FoundFace
    vector: NDArray[np.float32]


def find_people(reader: FaceReader, pictures: Mapping[str, Pixels], *, least: int = 60) -> list[Person]:
    """Each person once: the largest face first; faces below `least` pixels are left out."""
    people: list[Person] = []
    for name, pixels in pictures.items():
        for number, found in enumerate(reader.find(pixels)):
            if found.face.width < least or found.face.score < 0.85:
                continue
            portrait = cut_portrait(pixels, found.face)
            again = reader.find(portrait)
            if not again:
                continue
            vector = reader.embed(portrait, again[0])
            if all(float(vector @ other.vector) < SAME_PERSON for other in people):
                people.append(Person(f"{name} {number + 1}", portrait, again[0], vector))
    return people


def cut_portrait(pixels: Pixels, face: Face, *, height: int = 640, width: int = 480) -> Pixels:
    """Head and shoulders of one face, alone: what lies beyond the photo's edge is its edge, blurred."""
    middle_x, middle_y = face.x + face.width / 2, face.y + 0.65 * face.height
    half = (0.5 + HEAD_ROOM) * face.width
    zoom = width / (2 * half)
    matrix = np.float32([[zoom, 0, width / 2 - zoom * middle_x], [0, zoom, height * 0.45 - zoom * middle_y]])
    return cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
    )


def put_face(frame: Pixels, target: FoundFace, donor: Person, *, share: float = 1.0) -> Pixels:
    """The donor's face over another, by its five points, in the other's colours; `share` blends the two."""
    matrix = cv2.estimateAffinePartial2D(donor.found.landmarks, target.landmarks, method=cv2.LMEDS)[0]
    cover = cv2.warpAffine(_face_mask(donor), matrix, frame.shape[1::-1])
    face = cv2.warpAffine(donor.pixels, matrix, frame.shape[1::-1], flags=cv2.INTER_AREA).astype(np.float32)
    inside = cover > 0.5
    if not inside.any():
        return frame
    face += frame[inside].mean(axis=0) - face[inside].mean(axis=0)
    return _blend(frame, face, cover * share)


def put_person(frame: Pixels, donor: Person, *, x: float, y: float, width: float) -> Pixels:
    """The donor's whole head; `x`, `y` is the middle of the face, `width` that of its frame, in pixels."""
    face = donor.found.face
    zoom = width / face.width
    matrix = np.float32(
        [[zoom, 0, x - zoom * (face.x + face.width / 2)], [0, zoom, y - zoom * (face.y + face.height / 2)]]
    )
    mask = np.zeros(donor.pixels.shape[:2], np.float32)
    middle = (int(face.x + face.width / 2), int(face.y + 0.42 * face.height))
    cv2.ellipse(mask, middle, (int(0.72 * face.width), int(0.8 * face.height)), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.03 * face.width)
    cover = cv2.warpAffine(mask, matrix, frame.shape[1::-1])
    head = cv2.warpAffine(donor.pixels, matrix, frame.shape[1::-1], flags=cv2.INTER_AREA)
    return _blend(frame, head.astype(np.float32), cover)


def _face_mask(donor: Person) -> NDArray[np.float32]:
    face = donor.found.face
    mask = np.zeros(donor.pixels.shape[:2], np.float32)
    middle = (int(face.x + face.width / 2), int(face.y + face.height / 2))
    cv2.ellipse(mask, middle, (int(0.5 * face.width), int(0.54 * face.height)), 0, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.05 * face.width), np.float32)


def _blend(frame: Pixels, other: NDArray[np.float32], cover: NDArray[np.float32]) -> Pixels:
    mixed = frame + cover[..., None] * (other - frame)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Plot:
    """What is done to an honest clip. `faces` are its people's, in each frame; `donor` is nobody of them."""

    frames: Sequence[Pixels]
    faces: Sequence[Sequence[FoundFace]]
    people: Sequence[Person]
    donor: Person
    rng: np.random.Generator
    rate: float

    def swap(self, begin: int, end: int) -> list[Pixels]:
        return [
            put_face(frame, found[0], self.donor) if begin <= number < end and found else frame
            for number, (frame, found) in enumerate(zip(self.frames, self.faces, strict=True))
        ]

    def add(self, begin: int, end: int) -> list[Pixels]:
        height, width = self.frames[0].shape[:2]
        size = float(self.rng.uniform(52, 0.28 * width))
        x = float(self.rng.choice([0.2, 0.8])) * width
        y = float(self.rng.uniform(0.78, 0.85) if self.people else self.rng.uniform(0.3, 0.7)) * height
        return [
            put_person(frame, self.donor, x=x, y=y, width=size) if begin <= number < end else frame
            for number, frame in enumerate(self.frames)
        ]

    def brief(self) -> tuple[int, int]:
        long = round(BRIEF_SECONDS * self.rate)
        begin = int(self.rng.integers(2, len(self.frames) - long))
        return begin, begin + long


def _morphed(plot: Plot) -> list[Pixels]:
    last = len(plot.frames) - 1
    return [
        put_face(frame, found[0], plot.donor, share=min(1.0, 1.6 * number / last)) if found else frame
        for number, (frame, found) in enumerate(zip(plot.frames, plot.faces, strict=True))
    ]


def _exchanged(plot: Plot) -> list[Pixels]:
    """From the middle on the two people of the photo have each other's face."""
    made = []
    for number, (frame, found) in enumerate(zip(plot.frames, plot.faces, strict=True)):
        changed = frame
        if number >= len(plot.frames) // 2 and len(found) > 1:
            for face in found[:2]:
                left = face.face.x + face.face.width / 2 < frame.shape[1] / 2
                changed = put_face(changed, face, plot.people[1 if left else 0])
        made.append(changed)
    return made


FOR_ONE: Mapping[str, Callable[[Plot], list[Pixels]]] = {
    "swapped all along": lambda plot: plot.swap(1, len(plot.frames)),
    "swapped halfway": lambda plot: plot.swap(len(plot.frames) // 2, len(plot.frames)),
    "swapped briefly": lambda plot: plot.swap(*plot.brief()),
    "morphs": _morphed,
}
FOR_ALL: Mapping[str, Callable[[Plot], list[Pixels]]] = {
    "stranger all along": lambda plot: plot.add(1, len(plot.frames)),
    "stranger halfway": lambda plot: plot.add(len(plot.frames) // 2, len(plot.frames)),
    "stranger briefly": lambda plot: plot.add(*plot.brief()),
}
FOR_TWO: Mapping[str, Callable[[Plot], list[Pixels]]] = {"faces exchanged": _exchanged}


def side_by_side(left: Person, right: Person) -> Pixels:
    """One photo of two people."""
    return np.concatenate([left.pixels, right.pixels], axis=1)


def with_poster(person: Person, shown: Person) -> Pixels:
    """A portrait before a wall on which another's picture hangs: the poster's face is one of the photo."""
    picture = person.pixels.copy()
    picture[20:180, 14:134] = cv2.resize(shown.pixels, (120, 160), interpolation=cv2.INTER_AREA)
    return picture


def write_quickly(frames: Sequence[Pixels], path: Path, *, rate: int) -> None:
    """H.264, limited range, BT.709, as our clips are."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            for packet in stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
