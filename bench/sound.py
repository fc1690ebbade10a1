#!/usr/bin/env python3
"""What the synthetic ambience costs, how loud it is, and where it stands beside recordings.

    bench/sound.py [--quick] [--json] [--spectrograms FILE.png]

Loudness is told twice where pyloudnorm is installed: by the meter that the engine uses (FFmpeg's ebur128) and by that
library. Nobody has listened for these figures; a spectrogram shows what a figure does not.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import click
import cv2
import numpy as np
from scipy import signal

from engine import logs
from engine.media.clip import Frame, Made, RenderedClip
from engine.media.encode import SOUND_RATE, write_mp4
from engine.media.loudness import measure_loudness
from engine.renderers.scene.sound import TEXTURES, make_ambience

COST_GOAL_SECONDS = 0.35  # CPU, for four seconds
LOUDNESS, LOUDNESS_TOLERANCE, PEAK_GOAL = -23.0, 2.0, -3.0

RECORDED: Mapping[str, tuple[float, float]] = {
    "waves": (980, 0.45),
    "birds": (5091, 1.00),
    "wind": (452, 0.31),
    "fire": (874, 0.41),
    "rain": (2551, 0.19),
}
"""Centroid (Hz) and modulation of recordings in Debian packages: csoundqt Seashore.wav, gnome-shell-pomodoro birds.ogg,
lugaru Wind.ogg, ardentryst fire_loop.ogg and Rain_Loop.ogg. Only the figures are here."""

CENTROID_FACTOR, MODULATION_TOLERANCE = 1.4, 0.15


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    value: float | None
    unit: str
    goal: float | None = None
    met: bool | None = None
    skipped: str | None = None

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.name:<36} skipped: {self.skipped}"
        aim = "" if self.goal is None else f"   goal {self.goal:g}: {'met' if self.met else 'MISSED'}"
        return f"{self.name:<36} {self.value:9.2f} {self.unit}{aim}"


@click.command()
@click.option("--quick", is_flag=True, help="One round.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--spectrograms", type=click.Path(path_type=Path), help="Draw all textures into this PNG.")
def main(*, quick: bool, as_json: bool, spectrograms: Path | None) -> None:
    """Measure and print."""
    logs.configure(process="bench")  # to stderr
    for line in measure(rounds=1 if quick else 5):
        print(json.dumps(dataclasses.asdict(line)) if as_json else line, flush=True)
    if spectrograms is not None:
        cv2.imwrite(str(spectrograms), draw_all())


def measure(*, rounds: int) -> Iterator[Line]:
    if importlib.util.find_spec("pyloudnorm") is None:
        yield Line("second meter", None, "", skipped="pyloudnorm is not installed")
    for code in TEXTURES:
        costs = []
        for _ in range(rounds):
            started = time.process_time()
            sound = make_ambience({code: 1.0}, seconds=4, seed=1)
            costs.append(time.process_time() - started)
        cost = statistics.median(costs)
        yield Line(f"{code}: four seconds", cost, "s CPU", COST_GOAL_SECONDS, met=cost <= COST_GOAL_SECONDS)
        yield from loudness_lines(code, sound)
        yield from recorded_lines(code)


def loudness_lines(code: str, sound: np.ndarray) -> Iterator[Line]:
    heard = through_aac(sound)
    lufs, peak = measure_loudness(heard)
    near = abs(lufs - LOUDNESS) <= LOUDNESS_TOLERANCE
    yield Line(f"{code}: loudness after AAC", lufs, "LUFS", LOUDNESS, met=near)
    yield Line(f"{code}: true peak after AAC", peak, "dBTP", PEAK_GOAL, met=peak <= PEAK_GOAL)
    if importlib.util.find_spec("pyloudnorm") is not None:
        from pyloudnorm import Meter

        second = float(Meter(SOUND_RATE).integrated_loudness(heard))
        yield Line(f"{code}: loudness, second meter", second, "LUFS", lufs, met=abs(second - lufs) < 0.3)


def recorded_lines(code: str) -> Iterator[Line]:
    centroid, modulation = find_place(make_ambience({code: 1.0}, seconds=8, seed=2, loops=True))
    if code not in RECORDED:
        yield Line(f"{code}: centroid", centroid, "Hz")
        yield Line(f"{code}: modulation", modulation, "")
        return
    there, moved = RECORDED[code]
    near = there / CENTROID_FACTOR < centroid < there * CENTROID_FACTOR
    yield Line(f"{code}: centroid", centroid, "Hz", there, met=near)
    yield Line(
        f"{code}: modulation", modulation, "", moved, met=abs(modulation - moved) < MODULATION_TOLERANCE
    )


def find_place(sound: np.ndarray) -> tuple[float, float]:
    """The middle of the power spectrum in Hz; deviation over mean of the level in windows of 20 ms."""
    mono = sound.mean(axis=1).astype(np.float64)
    pitch, power = signal.welch(mono, SOUND_RATE, nperseg=4096)
    window = SOUND_RATE // 50
    levels = np.sqrt((mono[: len(mono) // window * window].reshape(-1, window) ** 2).mean(axis=1))
    return float((pitch * power).sum() / power.sum()), float(levels.std() / levels.mean())


def through_aac(sound: np.ndarray) -> np.ndarray:
    """As it is heard: encoded beside black frames, as in a clip, and decoded."""
    rate, black = (
        10,
        Frame(*(np.full((size, size), level, np.uint8) for size, level in ((64, 16), (32, 128), (32, 128)))),
    )
    count = len(sound) * rate // SOUND_RATE
    clip = RenderedClip(
        frames=iter([black] * count),
        frame_count=count,
        width=64,
        height=64,
        frames_per_second=rate,
        renderer="bench",
        digital_source_type="",
        models=(),
        made=Made(),
        sound=sound,
    )
    with tempfile.TemporaryDirectory() as folder:
        write_mp4(clip, Path(folder, "clip.mp4"))
        with av.open(str(Path(folder, "clip.mp4"))) as container:
            planes = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(planes, axis=1).T


def draw_all() -> np.ndarray:
    """Spectrograms, 40 Hz to 18 kHz over four seconds, and the waves below them."""
    tiles = []
    for code in TEXTURES:
        sound = make_ambience({code: 1.0}, seconds=4, seed=3).mean(axis=1)
        tile = np.concatenate([draw_spectrogram(sound), draw_wave(sound)])
        cv2.putText(tile, code, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
        tiles.append(np.pad(tile, ((2, 2), (2, 2), (0, 0))))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 3)
    return np.concatenate([np.concatenate(tiles[at : at + 3], axis=1) for at in range(0, len(tiles), 3)])


def draw_spectrogram(sound: np.ndarray, *, width: int = 420, height: int = 220) -> np.ndarray:
    pitch, _, bins = signal.stft(sound, SOUND_RATE, nperseg=2048, noverlap=1536)
    levels, rows = 20 * np.log10(np.abs(bins) + 1e-7), np.geomspace(18_000, 40, height)
    picture = np.stack([np.interp(rows, pitch, column) for column in levels.T], axis=1)
    shade = np.clip((picture + 120) / 80, 0, 1) * 255
    return cv2.applyColorMap(cv2.resize(shade, (width, height)).astype(np.uint8), cv2.COLORMAP_INFERNO)


def draw_wave(sound: np.ndarray, *, width: int = 420, height: int = 60) -> np.ndarray:
    tile, parts = np.zeros((height, width, 3), np.uint8), np.array_split(sound, width)
    for column, part in enumerate(parts):
        top, bottom = (int(height / 2 - 45 * level) for level in (part.max(), part.min()))
        cv2.line(tile, (column, top), (column, bottom), (200, 200, 200))
    return tile


if __name__ == "__main__":
    main()
