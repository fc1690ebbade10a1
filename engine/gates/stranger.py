"""Stops a clip with a face that its photo does not have, or in which a face turned into another, or went.

Faces of each frame are matched one to one to those of the photo (Hungarian algorithm over cosines), so that a face
that appears twice is one too many. What is too small or unsure to recognise counts neither way; one frame never decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from engine.classifiers.faces import FaceReader
from engine.gates import Ruling
from engine.gates.sightings import Frame, Sighting, Track, Vectors, follow, see_frame, see_photo
from engine.schema import Reason
from engine.verdicts import Allowed, Remake

GATE = "clip.stranger"

DRIFT_FRAMES = 3
SURE, ONCE_SURE = 0.8, 0.1
"""A face that was as surely itself as this may fall less far: so much above the match."""
LATE_BELOW = 0.05
"""So much below the match a face's last third may fall, not its whole track."""
SIDE_BELOW = 0.21
"""Faces that are seen from the side are strangers below this cosine only (SFace on CFP-FP)."""


@dataclass(frozen=True, slots=True)
class _Matched:
    """One sample: which face of the photo each sighting is, with the cosine; and the strangers' best cosines."""

    known: dict[int, tuple[int, float]]
    strangers: tuple[float, ...]


def remake_stranger(
    photo: Vectors, frames: Sequence[Frame], *, match: float, stranger_below: float, remade: bool = False
) -> Ruling:
    """`frames` are the faces of the samples, in order. A face that went is no reason to make a third clip (`remade`).

    A stranger counts in two neighbouring samples; a face has drifted when its cosine falls below `match` (clearly above it, where the face was sure once) in two
    running, below `match` in the middle of all, or clearly in the middle of its last third; it is swapped when it is somebody else of the photo from one sample to the next two.
    """
    matched = [_match(photo, frame, stranger_below) for frame in frames]
    tracks = follow(frames)
    suspects = [
        *(min(a.strangers + b.strangers) for a, b in pairwise(matched) if a.strangers and b.strangers),
        *_drifted(photo, tracks, frames, matched, match),
        *_swapped(photo, tracks, frames, matched, match=match, stranger_below=stranger_below),
        *(() if remade else _vanished(tracks, frames)),
    ]
    if suspects:
        score = 1.0 - max(0.0, min(suspects))
        return Ruling(Remake(reason=Reason.UNKNOWN_FACE, gate=GATE, score=score), score)
    lowest = min((cosine for sample in matched for _, cosine in sample.known.values()), default=1.0)
    return Ruling(Allowed(), 1.0 - max(0.0, lowest))


def look_twice(
    reader: FaceReader,
    pixels: NDArray[np.uint8],
    samples: Sequence[NDArray[np.uint8]],
    *,
    match: float,
    stranger_below: float,
    remade: bool = False,
) -> Ruling:
    """`remake_stranger` of RGB pictures; before a clip is stopped, its photo is searched for small faces too."""
    frames = [see_frame(reader, sample) for sample in samples]
    for closely in (False, True):
        photo = see_photo(reader, pixels, closely=closely)
        ruling = remake_stranger(photo, frames, match=match, stranger_below=stranger_below, remade=remade)
        if isinstance(ruling.verdict, Allowed):
            break
    return ruling


def _match(photo: Vectors, frame: Frame, stranger_below: float) -> _Matched:
    clear = [(number, seen) for number, seen in enumerate(frame) if seen.vector is not None]
    if not clear:
        return _Matched({}, ())
    if not len(photo):
        return _Matched({}, (0.0,) * len(clear))
    cosines = _cosines(photo, [seen for _, seen in clear])
    known = {
        clear[int(i)][0]: (int(j), float(cosines[i, j]))
        for i, j in zip(*linear_sum_assignment(-cosines), strict=True)
        if cosines[i, j] >= (SIDE_BELOW if clear[int(i)][1].turned else stranger_below)
    }
    # A face beyond the photo's number is a stranger however alike: it is there twice.
    strangers = tuple(
        0.0 if len(clear) > len(photo) else float(cosines[i].max())
        for i, (number, _) in enumerate(clear)
        if number not in known
    )
    return _Matched(known, strangers)


def _drifted(
    photo: Vectors,
    tracks: Sequence[Track],
    frames: Sequence[Frame],
    matched: Sequence[_Matched],
    match: float,
) -> Iterator[float]:
    for track in tracks:
        own = _identity(track, frames, matched)
        front = [seen for _, seen in track if seen.vector is not None and not seen.turned]
        if own is None or not front:
            continue
        cosines = [float(value) for value in _cosines(photo, front)[:, own]]
        least = match + ONCE_SURE if max(cosines) >= SURE else match
        yield from (max(pair) for pair in pairwise(cosines) if max(pair) < least)
        if len(cosines) < DRIFT_FRAMES:
            continue
        late = cosines[-max(2, len(cosines) // 3) :]
        if median(cosines) < match or median(late) < match - LATE_BELOW:
            yield min(median(cosines), median(late))


def _swapped(
    photo: Vectors,
    tracks: Sequence[Track],
    frames: Sequence[Frame],
    matched: Sequence[_Matched],
    *,
    match: float,
    stranger_below: float,
) -> Iterator[float]:
    """A face that stays where it is and is somebody else of the photo, and no more itself, in two samples running."""
    for track in tracks:
        own = _identity(track, frames, matched)
        clear = [seen for _, seen in track if seen.vector is not None]
        if own is None or len(photo) < 2 or len(clear) < 2:
            continue
        cosines = _cosines(photo, clear)
        best = cosines.argmax(axis=1)
        for (i, a), (j, b) in pairwise(enumerate(best)):
            another = a == b != own and min(cosines[i, a], cosines[j, b]) >= match
            if another and max(cosines[i, own], cosines[j, own]) < stranger_below:
                yield float(max(cosines[i, own], cosines[j, own]))


def _identity(track: Track, frames: Sequence[Frame], matched: Sequence[_Matched]) -> int | None:
    """Whom of the photo a track shows when it is first recognised."""
    for number, seen in track:
        for place, other in enumerate(frames[number]):
            if other is seen and place in matched[number].known:
                return matched[number].known[place][0]
    return None


def _vanished(tracks: Sequence[Track], frames: Sequence[Frame]) -> Iterator[float]:
    """Faces of the first sample that end inside the picture, where more than half of the samples show fewer faces."""
    fewer = sum(len(frame) < len(frames[0]) for frame in frames) if frames else 0
    for track in tracks:
        (first, begun), (_, last) = track[0], track[-1]
        if first == 0 and begun.vector is not None and last.central and len(track) < len(frames) / 2 < fewer:
            yield 0.0


def _cosines(photo: Vectors, sightings: Sequence[Sighting]) -> Vectors:
    """(sightings, faces of the photo)."""
    return np.stack([seen.vector for seen in sightings if seen.vector is not None]) @ photo.T
