"""A last look at a generated clip, while it is made: frozen, noisy, flickering, or another picture is no clip."""

from __future__ import annotations

from collections.abc import Iterator

from engine import logs
from engine.errors import PoorClip
from engine.media.clip import Frame
from engine.media.motion import Gray, Motion, measure, shrink

log = logs.get(__name__)

FIRST_AT_LEAST = 0.6
"""SSIM to the photo; the autoencoder and, with LTX, a compression of the photo cost some. Another photo has .2."""

MOVED_AT_LEAST = 0.0008
"""A still photo with grain has .0012 and less; the slowest clip that anybody would call alive .002. Frozen ones repeat themselves."""

TORN_AT_MOST = 0.04
"""Noise has .10, flickering .02 and more, honest motion less than .01."""

FLICKER_AT_MOST = 0.01
FROZEN_AT_MOST = 0.3


def watch_quality(frames: Iterator[Frame], photo: Gray, *, frames_per_second: float) -> Iterator[Frame]:
    """The same frames; after the last one, PoorClip is raised where the whole is not worth showing."""
    small: list[Gray] = []
    for frame in frames:
        small.append(shrink(frame.y))
        yield frame
    motion = measure(small, shrink(photo), frames_per_second=frames_per_second)
    faults = list(find_faults(motion))
    if faults:
        log.warning("a clip came out badly", faults=faults)
        raise PoorClip(", ".join(faults))


def find_faults(motion: Motion) -> Iterator[str]:
    """What is wrong, in the words of the log."""
    if motion.first < FIRST_AT_LEAST:
        yield "does not begin with the photo"
    if motion.moved < MOVED_AT_LEAST or motion.frozen > FROZEN_AT_MOST:
        yield "does not move"
    if motion.torn > TORN_AT_MOST:
        yield "is noise"
    if motion.flicker > FLICKER_AT_MOST:
        yield "flickers"
