"""How loud a sound is: ITU-R BS.1770 with its gates, as EBU R 128 measures it, by FFmpeg's own meter."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from engine.media.encode import SOUND_RATE

_SHORTEST = SOUND_RATE
"""A block of the meter is 0.4 s long; a sound that is shorter than a second is measured as it repeats."""


class Loudness(NamedTuple):
    """`lufs` is -70 for silence; `true_peak` is in dB of full scale, between the samples too."""

    lufs: float
    true_peak: float


def measure_loudness(sound: NDArray[np.floating]) -> Loudness:
    """Of (samples, 2) in -1..1 at 48 kHz."""
    repeated = np.tile(sound, (-(-_SHORTEST // len(sound)), 1))
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=SOUND_RATE, format="fltp", layout="stereo", time_base=Fraction(1, SOUND_RATE)
    )
    meter, sink = graph.add("ebur128", "metadata=1:peak=true"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    source.push(_frame(repeated))
    source.push(None)
    return _read(graph)


def _frame(sound: NDArray[np.floating]) -> av.AudioFrame:
    planes = np.ascontiguousarray(sound.T, dtype=np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = SOUND_RATE, 0
    return frame


def _read(graph: av.filter.Graph) -> Loudness:
    """The last loudness stands for the whole, peaks are those of a block; a rest that fills no block has neither."""
    lufs, peak = -70.0, 0.0
    while True:
        try:
            said = graph.pull().metadata
        except EOFError:
            return Loudness(lufs, 20 * float(np.log10(max(peak, 1e-6))))
        if "lavfi.r128.I" in said:
            lufs, peak = float(said["lavfi.r128.I"]), max(peak, float(said["lavfi.r128.true_peak"]))
