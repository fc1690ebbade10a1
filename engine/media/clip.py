"""The stages of a clip as types: `RenderedClip → LabeledClip → CheckedClip → SignedClip`.

Each stage is made from the one before, so that an unlabelled, unchecked or unsigned clip cannot reach the
ledger by mistake. Frames are planar YUV 4:2:0, 8 bit, BT.709 limited range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.verdicts import Allowed, Screened

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: `y` is (height, width); `u` and `v` are (height / 2, width / 2). Sizes are even."""

    y: Plane
    u: Plane
    v: Plane


@dataclass(frozen=True, slots=True)
class Made:
    """What a renderer did, in codes: what moved, what the photo lacks, which words it cannot follow, what is heard.

    `suggestions` are looks that would suit this photo, where the caption asked for nothing.
    """

    moved: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    not_possible: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model that shaped this clip; goes into the AI disclosure."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True)
class RenderedClip:
    """Frames as they come from a renderer. `frames` can be read once, and yields `frame_count` frames.

    `sound` is (samples, 2) float32 in -1..1 at 48 kHz, or None. `models` must not be empty: a clip that no
    trained model shaped is not made (DESIGN.md, "Honest source type"). `done_before` is the share of the work that
    was done before the first frame is read, 0..1.
    """

    frames: Iterator[Frame]
    frame_count: int
    width: int
    height: int
    frames_per_second: int
    renderer: str
    digital_source_type: str
    models: tuple[TrainedModel, ...]
    made: Made
    sound: NDArray[np.float32] | None = None
    done_before: float = 0.0


@dataclass(frozen=True, slots=True)
class LabeledClip:
    """An encoded mp4 file with the label burnt in, as a worker hands it over. Not signed, not yet checked."""

    path: Path
    sha256: str
    width: int
    height: int
    duration_seconds: float
    label: str
    renderer: str
    digital_source_type: str
    models: tuple[TrainedModel, ...]
    made: Made
    has_sound: bool = False
    watermark: int | None = None
    """The number in its pixels; None where the clip is too small to carry one."""


@dataclass(frozen=True, slots=True)
class CheckedClip:
    """A labelled clip that every clip gate allowed. Raises ValueError for any other verdict."""

    labeled: LabeledClip
    screened: Screened

    def __post_init__(self) -> None:
        if not isinstance(self.screened.verdict, Allowed):
            raise ValueError("only an allowed clip is a checked clip")


@dataclass(frozen=True, slots=True)
class SignedClip:
    """The final file: credentials embedded and verified. `sha256` is of the signed bytes."""

    checked: CheckedClip
    path: Path
    sha256: str
    size_bytes: int
    manifest: bytes = field(repr=False)
    fingerprint: bytes | None = None
    """The clip's ISCC Video-Code; None where it could not be read."""
