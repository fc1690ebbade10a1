#!/usr/bin/env python3
"""What the scene renderer costs, beside the encoding of the very same frames, and beside ffmpeg's zoompan.

    bench/scene.py [--quick] [--json] [--short-side 720 --short-side 1080] [--photo FILE] [--models data/models]

In each round every feature set is encoded from memory and rendered anew, in turns with ffmpeg's zoompan; the figures are
the medians of the rounds, in CPU time, so that a busy machine disturbs all alike. Without --photo, one is drawn here: a
sky with clouds, a lake, and a ball before them. Without the weights (`python -m engine models fetch`) nothing can be measured, and that is said.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker; before numpy is imported

import cv2
import numpy as np

from engine import logs
from engine.config import RendererTable
from engine.errors import ConfigError
from engine.media.clip import Frame, RenderedClip
from engine.media.encode import write_mp4
from engine.models import find_model
from engine.prompts.directions import Directions, Wish
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene import SceneRenderer
from engine.verdicts import PhotoFacts

SETS = {
    "camera": ("push_in", ()),
    "push_sky_water": ("push_in", ("sky_drift", "water")),
    "all_with_snow": ("push_in", ("sky_drift", "water", "golden_hour", "snow")),
}
GOALS = {"camera": 1.3, "push_sky_water": 1.5, "all_with_snow": 1.4}
"""Times the CPU of the pure encode of the same frames."""

ANALYSIS_GOAL_SECONDS = 0.6
MEMORY_GOAL_MB, MEMORY_GOAL_SIDE = 350.0, 720
ZOOMS = {"zoompan": 1, "zoompan of a 4x picture": 4}
"""How much larger than the clip the picture is that zoompan zooms over: at 1 it jitters by whole pixels."""


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    value: float | None
    unit: str
    goal: float | None = None
    skipped: str | None = None

    @property
    def met(self) -> bool | None:
        return None if self.goal is None or self.value is None else self.value <= self.goal

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.name:<34} skipped: {self.skipped}"
        aim = "" if self.goal is None else f"   goal {self.goal:g}: {'met' if self.met else 'MISSED'}"
        return f"{self.name:<34} {self.value:8.2f} {self.unit}{aim}"


@click.command()
@click.option("--quick", is_flag=True, help="One second at 360 pixels, two rounds; no goals.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--short-side", "short_sides", multiple=True, type=int, default=(720, 1080), show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option(
    "--photo", type=click.Path(exists=True, path_type=Path), help="Another photo than the drawn one."
)
@click.option("--models", default=Path("data/models"), type=click.Path(path_type=Path), show_default=True)
@click.option("--peak-memory", is_flag=True, hidden=True)
def main(
    *,
    quick: bool,
    as_json: bool,
    short_sides: tuple[int, ...],
    rounds: int,
    photo: Path | None,
    models: Path,
    peak_memory: bool,
) -> None:
    """Measure and print."""
    logs.configure(process="bench")  # to stderr
    cv2.setNumThreads(1)
    try:
        find_model(models, "u2netp")
    except ConfigError as error:
        show([Line("scene", None, "", skipped=str(error))], as_json=as_json)
        return
    if peak_memory and photo:
        render_once(models, ClipFormat(short_side=short_sides[0]), photo)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = photo or save_drawn_photo(Path(folder, "photo.png"))
        for short_side in (360,) if quick else short_sides:
            look = ClipFormat(short_side=short_side, seconds=1.0 if quick else 4.0)
            lines = measure(models, look, path, rounds=2 if quick else rounds, goals=not quick)
            show((replace(line, name=f"{short_side}p {line.name}") for line in lines), as_json=as_json)


def save_drawn_photo(path: Path) -> Path:
    cv2.imwrite(str(path), draw_photo()[..., ::-1])
    return path


def load(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def show(lines: Iterable[Line], *, as_json: bool) -> None:
    for line in lines:
        fields = {
            "name": line.name,
            "value": line.value,
            "unit": line.unit,
            "goal": line.goal,
            "met": line.met,
        }
        print(json.dumps(fields | {"skipped": line.skipped}) if as_json else line, flush=True)


def measure(models: Path, look: ClipFormat, path: Path, *, rounds: int, goals: bool) -> Iterator[Line]:
    renderer = SceneRenderer(models, RendererTable(drawn_background=False))
    renderer.warm_up()
    photo = load(path)
    kept = {name: list(animate(renderer, photo, name, look).frames) for name in SETS}
    per_frame = 1000 / len(kept["camera"])
    encodes: dict[str, list[float]] = {name: [] for name in SETS}
    ours: dict[str, list[float]] = {name: [] for name in SETS}
    zooms: dict[str, list[float]] = {name: [] for name in ZOOMS}
    analyses: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "clip.mp4")
        for _ in range(rounds):
            for name in SETS:
                started = time.process_time()
                clip = animate(renderer, photo, name, look)
                analyses.append(time.process_time() - started)
                encodes[name].append(cpu(lambda clip=clip, name=name: encode(clip, kept[name], target)))
                ours[name].append(cpu(lambda clip=clip: write_mp4(clip, target)))
            for name, scale in ZOOMS.items():
                zooms[name] += zoompan(path, target, look, scale)
    yield Line("analysis", statistics.median(analyses), "s CPU", ANALYSIS_GOAL_SECONDS if goals else None)
    for name in SETS:
        yield Line(f"{name}: pure encode", statistics.median(encodes[name]) * per_frame, "ms CPU a frame")
        yield Line(f"{name}: render and encode", statistics.median(ours[name]) * per_frame, "ms CPU a frame")
        ratios = [mine / pure for mine, pure in zip(ours[name], encodes[name], strict=True)]
        goal = GOALS[name] if goals else None
        yield Line(f"{name}: against the encode", statistics.median(ratios), "times", goal)
    yield from compare_zoompan(zooms, {name: statistics.median(ours[name]) for name in SETS}, per_frame)
    yield from peak_memory_lines(models, look, path, goals=goals and look.short_side == MEMORY_GOAL_SIDE)


def animate(renderer: SceneRenderer, photo: np.ndarray, name: str, look: ClipFormat) -> RenderedClip:
    camera, effects = SETS[name]
    unasked = frozenset({"sky_drift"} - set(effects))  # it comes along by itself else
    directions = Directions(
        camera=camera, wishes=tuple(Wish(effect=effect) for effect in effects), refused=unasked
    )
    scene = Scene(pixels=photo, directions=directions, facts=PhotoFacts(), seed=1, clip_format=look)
    clip = renderer.animate(scene)
    if clip.made.not_found:
        raise click.ClickException(f"the photo should have {clip.made.not_found}")
    return clip


def encode(clip: RenderedClip, frames: list[Frame], target: Path) -> None:
    write_mp4(replace(clip, frames=iter(frames)), target)


def cpu(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def zoompan(picture: Path, target: Path, look: ClipFormat, scale: int) -> list[float]:
    """CPU seconds of ffmpeg's own zoom over the same photo at the same length; nothing where there is no ffmpeg."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        return []
    count, short = round(look.seconds * look.frames_per_second), look.short_side
    width, height = short, int(short * 16 / 9) // 16 * 16
    zoom = (
        f"scale={scale * width}:{scale * height},zoompan=z='1+0.09*on/{count}':x='iw/2-iw/zoom/2'"
        f":y='ih/2-ih/zoom/2':d={count}:s={width}x{height}:fps={look.frames_per_second}"
    )
    command = [get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(picture), "-vf", zoom, "-c:v", "libx264"]
    command += ["-preset", "veryfast", "-crf", "21", "-pix_fmt", "yuv420p", "-threads", "4", str(target)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime]


def compare_zoompan(
    zooms: dict[str, list[float]], ours: dict[str, float], per_frame: float
) -> Iterator[Line]:
    for name, seconds in zooms.items():
        if not seconds:
            yield Line(name, None, "", skipped="imageio-ffmpeg is not installed")
            continue
        theirs = statistics.median(seconds)
        yield Line(name, theirs * per_frame, "ms CPU a frame")
        for feature_set, mine in ours.items():
            yield Line(f"{feature_set} against {name}", mine / theirs, "times", 1.0)


def peak_memory_lines(models: Path, look: ClipFormat, path: Path, *, goals: bool) -> Iterator[Line]:
    """Of a process that renders one clip and nothing else."""
    command = [sys.executable, __file__, "--peak-memory", "--models", str(models), "--photo", str(path)]
    command += ["--short-side", str(look.short_side)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    yield Line("peak memory", float(said.stdout), "MB", MEMORY_GOAL_MB if goals else None)


def render_once(models: Path, look: ClipFormat, path: Path) -> None:
    renderer = SceneRenderer(models, RendererTable(drawn_background=False))
    with tempfile.TemporaryDirectory() as folder:
        write_mp4(animate(renderer, load(path), "all_with_snow", look), Path(folder, "clip.mp4"))
    status = Path("/proc/self/status").read_text(encoding="utf-8")  # getrusage would tell the parent's peak
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def draw_photo() -> np.ndarray:
    """1080×1920: blue sky with soft clouds, a lake with level streaks, grass, and a shaded ball."""
    height, width = 1920, 1080
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    share = (rows / height)[..., None]
    picture = np.float32([90, 140, 215]) + share * np.float32([110, 80, 30])
    clouds = cv2.resize(
        random.standard_normal((14, 9)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    picture += np.clip(clouds, 0, 1)[..., None] * (np.float32([245, 245, 248]) - picture) * 0.7
    streaks = (9 * np.sin(rows * 0.16) + 6 * np.sin(rows * 0.41 + columns * 0.004))[..., None]
    picture = np.where(share > 0.5, np.float32([70, 120, 190]) + streaks, picture)
    grain = cv2.GaussianBlur(random.standard_normal((height, width)).astype(np.float32), (0, 0), 1.5)[
        ..., None
    ]
    picture = np.where(share > 0.85, np.float32([88, 104, 52]) + 90 * grain, picture)
    away = np.hypot(columns - 540, rows - 1250) / 270
    lit = np.clip(1.15 - np.hypot(columns - 450, rows - 1150) / 520, 0.2, 1)[..., None]
    cover = np.clip((1 - away) * 150, 0, 1)[..., None]
    picture = picture * (1 - cover) + (np.float32([225, 45, 40]) * lit + 20 * grain) * cover
    return np.clip(picture + 6 * grain, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
