#!/usr/bin/env python3
"""What the scene renderer's clips look like in figures: every effect and every move, over photos whose parts are known.

    bench/quality.py [--quick] [--json] [--all] [--sheets DIR] [--only CODE] [--models data/models]

Drawn photos have true masks; photos of scikit-image and scikit-learn are added where those packages are installed. One
line tells the worst clip of an effect or a move; `--all` tells every clip. `engine/media/measures.py` says how it is
measured. Without the weights (`python -m engine models fetch`) nothing can be measured, and that is said.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker; before numpy is imported

import cv2
import numpy as np
from parts.gallery import PLACES, Gallery, Photo, find_photos
from parts.sheets import save_sheet, strip

from engine import logs
from engine.errors import ConfigError
from engine.media.clip import RenderedClip
from engine.media.decode import read_frames
from engine.media.encode import write_mp4
from engine.media.measures import Measures, measure_clip
from engine.models import find_model
from engine.prompts.directions import Directions, Wish
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene import SceneRenderer
from engine.renderers.scene.camera import MOVES
from engine.renderers.scene.effects import EFFECTS

FIRST_FRAME_GOAL, REGION_GOAL, FLICKER_GOAL, DUPLICATES_GOAL, SEAM_GOAL = 0.95, 2.0, 3.0, 0.05, 2.0

FLICKERS = frozenset({"lightning", "flicker"})
"""Effects that are a flicker."""

QUICK_SCENE = "lake"  # has most of what effects need


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    value: float | None
    unit: str
    goal: float | None = None
    met: bool | None = None
    where: str | None = None
    skipped: str | None = None

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.name:<44} skipped: {self.skipped}"
        aim = "" if self.goal is None else f"   goal {self.goal:g}: {'met' if self.met else 'MISSED'}"
        return f"{self.name:<44} {self.value:9.4f} {self.unit:<10} {self.where or '':<10}{aim}"


@dataclass(frozen=True, slots=True)
class Taken:
    """One clip. `asked` is the motion where it was asked for; None where the place is not known."""

    photo: str
    measures: Measures
    asked: float | None


@click.command()
@click.option("--quick", is_flag=True, help="One drawn photo for each, a second at 180 pixels.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--all", "every", is_flag=True, help="Every clip, not only the worst.")
@click.option("--only", multiple=True, help="Only these effects or moves.")
@click.option(
    "--sheets", type=click.Path(path_type=Path), help="Write a contact sheet of each into this folder."
)
@click.option("--models", default=Path("data/models"), type=click.Path(path_type=Path), show_default=True)
def main(
    *, quick: bool, as_json: bool, every: bool, only: tuple[str, ...], sheets: Path | None, models: Path
) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    logs.configure(process="bench")  # to stderr
    try:
        find_model(models, "u2netp")
    except ConfigError as error:
        show([Line("quality", None, "", skipped=str(error))], as_json=as_json)
        return
    look = ClipFormat(short_side=180, seconds=1.0) if quick else ClipFormat(short_side=270, seconds=2.0)
    studio = Studio(models, look, sheets)
    lines = measure(Gallery(models, look), studio, quick=quick, every=every, only=only)
    show(lines, as_json=as_json)


def show(lines: Iterator[Line] | list[Line], *, as_json: bool) -> None:
    for line in lines:
        print(json.dumps(dataclasses.asdict(line)) if as_json else line, flush=True)


def measure(
    gallery: Gallery, studio: Studio, *, quick: bool, every: bool, only: tuple[str, ...]
) -> Iterator[Line]:
    photos = [photo for photo in gallery.drawn() if photo.name == QUICK_SCENE or not quick]
    if not quick:
        found, missing = find_photos()
        yield from (Line(name, None, "", skipped=why) for name, why in missing)
        photos += [gallery.frame(name, pixels, {}) for name, pixels in found]
    for code in EFFECTS:
        if not only or code in only:
            directions = Directions(camera="static", wishes=(Wish(effect=code),), sound=False)
            need = EFFECTS[code].needs.value
            taken = studio.take(code, directions, photos, need=need)
            yield from report_places(code, need, {it.photo for it in taken}, photos)
            yield from report_effect(code, taken, every=every)
    for code in MOVES:
        if not only or code in only:
            directions = Directions(camera=code, refused=tuple(EFFECTS), sound=False)
            yield from report_move(code, studio.take(code, directions, photos), every=every)
    for code in () if quick else (*EFFECTS, *MOVES):
        if not only or code in only:
            yield from report_loop(code, studio, photos)


class Studio:
    """Takes clips, measures them, keeps contact sheets."""

    def __init__(self, models: Path, look: ClipFormat, sheets: Path | None) -> None:
        self._look, self._sheets = look, sheets
        self._renderer = SceneRenderer(models)
        self._renderer.warm_up()

    def take(
        self, code: str, directions: Directions, photos: list[Photo], *, need: str | None = None
    ) -> list[Taken]:
        """A clip of each photo that has what it takes."""
        taken, strips = [], []
        for photo in photos:
            clip = self._animate(photo, directions)
            if code in clip.made.not_found:
                continue
            frames = self._record(clip)
            mask = photo.parts.get(need or "")
            regions = {} if mask is None else {"asked": mask}
            backwards = code == "pull_out"  # begins at a crop and ends at the photo
            measures = measure_clip(
                frames[::-1] if backwards else frames,
                photo=photo.truth,
                frames_per_second=clip.frames_per_second,
                regions=regions,
            )
            taken.append(Taken(photo.name, measures, measures.regions.get("asked")))
            strips.append(strip(frames, f"{code}: {photo.name}"))
        if self._sheets is not None and strips:
            loop = "-loop" if directions.loop else ""
            save_sheet(self._sheets / f"{code}{loop}.png", strips)
        return taken

    def _animate(self, photo: Photo, directions: Directions) -> RenderedClip:
        scene = Scene(
            pixels=photo.pixels, directions=directions, facts=photo.facts, seed=1, clip_format=self._look
        )
        return self._renderer.animate(scene)

    def _record(self, clip: RenderedClip) -> list[np.ndarray]:
        with tempfile.TemporaryDirectory() as folder:
            write_mp4(clip, Path(folder, "clip.mp4"))
            return list(read_frames(Path(folder, "clip.mp4")))


def report_places(code: str, need: str, found: set[str], photos: list[Photo]) -> Iterator[Line]:
    """Whether the renderer tells those photos that have what the effect needs from those that have not."""
    if need not in PLACES:
        return
    wrong = [photo.name for photo in photos if need in photo.lacks and photo.name in found]
    missed = [photo.name for photo in photos if need in photo.parts and photo.name not in found]
    for name, names in (("where there is none", wrong), ("overlooked", missed)):
        where = " ".join(names)
        yield Line(f"{code}: {need} {name}", len(names), "photos", 0, met=not names, where=where)


def report_effect(code: str, taken: list[Taken], *, every: bool) -> Iterator[Line]:
    if not taken:
        yield Line(code, None, "", skipped="no photo here has what it needs")
        return
    yield from _first_frame(code, taken, every=every)
    placed = [it for it in taken if it.asked is not None]
    if placed:
        ratios = {it.photo: it.asked / max(1e-4, it.measures.rest) for it in placed}
        yield from _worst(
            f"{code}: asked region / rest", ratios, "times", REGION_GOAL, every=every, least=True
        )
    flickers = {it.photo: it.measures.flicker for it in taken}
    goal = None if code in FLICKERS else FLICKER_GOAL
    yield from _worst(f"{code}: flicker p95", flickers, "luma", goal, every=every)
    motion = {it.photo: it.measures.flow for it in taken}
    yield from _worst(f"{code}: motion", motion, "widths/s", None, every=every, least=True)


def report_move(code: str, taken: list[Taken], *, every: bool) -> Iterator[Line]:
    yield from _first_frame(code, taken, every=every)
    flickers = {it.photo: it.measures.flicker for it in taken}
    yield from _worst(f"{code}: flicker p95", flickers, "luma", FLICKER_GOAL, every=every)
    if code != "static":
        still = {it.photo: it.measures.duplicates for it in taken}
        yield from _worst(f"{code}: duplicates", still, "of frames", DUPLICATES_GOAL, every=every)
    motion = {it.photo: it.measures.flow for it in taken}
    yield from _worst(f"{code}: motion", motion, "widths/s", None, every=every, least=True)


def report_loop(code: str, studio: Studio, photos: list[Photo]) -> Iterator[Line]:
    """On the first drawn photo that has what it takes."""
    camera, wishes = (code, ()) if code in MOVES else ("static", (Wish(effect=code),))
    refused = tuple(EFFECTS) if code in MOVES else ()
    directions = Directions(camera=camera, wishes=wishes, refused=refused, loop=True, sound=False)
    for photo in photos:
        taken = studio.take(code, directions, [photo])
        if taken and code != "static":
            seams = {photo.name: taken[0].measures.seam}
            yield from _worst(f"{code}: loop seam", seams, "steps", SEAM_GOAL, every=False)
        if taken:
            return


def _first_frame(code: str, taken: list[Taken], *, every: bool) -> Iterator[Line]:
    firsts = {it.photo: it.measures.similarity for it in taken}
    yield from _worst(f"{code}: first frame SSIM", firsts, "", FIRST_FRAME_GOAL, every=every, least=True)


def _worst(
    name: str, values: Mapping[str, float], unit: str, goal: float | None, *, every: bool, least: bool = False
) -> Iterator[Line]:
    """The line of the worst photo, or of all."""
    choose = min if least else max
    for where in values if every else (choose(values, key=values.__getitem__),):
        value = values[where]
        met = None if goal is None else (value >= goal if least else value <= goal)
        yield Line(name, value, unit, goal, met, where)


if __name__ == "__main__":
    main()
