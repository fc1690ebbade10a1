#!/usr/bin/env python3
"""Whether a stranger's face ever leaves, whether honest clips are stopped, and what looking costs.

    bench/identity.py [--quick] [--json] [--clips 500] [--photos FOLDER ...] [--models data/models]

People are the astronaut of scikit-image, where that is installed, faces in pictures below FOLDER (sample photos in
unpacked packages: face_recognition's and insightface's source archives show people known in public), and a drawn one.
Nothing of them is kept. Clips of the `scene` renderer are the honest ones; other faces are put into their frames, and
each is encoded and judged as the gate child does it. Cost is CPU of the whole clip gate beside rendering and encoding.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker; before numpy is imported

import cv2
import numpy as np
from faces import find_astronaut
from parts.drawn import portrait
from parts.figures import Figure, show
from parts.impostors import (
    FOR_ALL,
    FOR_ONE,
    FOR_TWO,
    Person,
    Pixels,
    Plot,
    find_people,
    side_by_side,
    with_poster,
    write_quickly,
)

from engine import logs
from engine.classifiers.faces import FaceReader
from engine.classifiers.nsfw import NudityScorer
from engine.config import PolicyConfig
from engine.errors import ConfigError
from engine.gates.exposure import remake_exposure
from engine.gates.stranger import look_twice
from engine.media.decode import frames_at, read_frames
from engine.media.encode import write_mp4
from engine.media.luminance import read_luminance
from engine.media.samples import choose_frames
from engine.models import find_model
from engine.prompts.directions import Directions, Wish
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene import SceneRenderer
from engine.screener import CHANGES, SAMPLES
from engine.verdicts import PhotoFacts, Remake

RATE = 24
HONEST = {
    "as it comes": Directions(),
    "smile": Directions(wishes=(Wish(effect="smile", strength=1.6),)),
    "blink": Directions(wishes=(Wish(effect="blink"),)),
    "night": Directions(wishes=(Wish(effect="night"),)),
    "rain": Directions(wishes=(Wish(effect="rain", strength=1.6),)),
    "orbit": Directions(camera="orbit"),
}
COST_GOAL, HONEST_GOAL = 40.0, 1.0


@dataclass(frozen=True, slots=True)
class Photo:
    name: str
    pixels: Pixels
    people: tuple[Person, ...]
    pair: bool = False


@dataclass(slots=True)
class Count:
    clips: int = 0
    passed: int = 0
    which: list[str] = field(default_factory=list)


@click.command()
@click.option("--quick", is_flag=True, help="A handful of clips of 2 s at 360 pixels.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--clips", default=500, show_default=True, help="Clips with somebody else.")
@click.option("--photos", multiple=True, type=click.Path(path_type=Path, exists=True), help="More people.")
@click.option("--models", default=Path("data/models"), type=click.Path(path_type=Path), show_default=True)
def main(*, quick: bool, as_json: bool, clips: int, photos: tuple[Path, ...], models: Path) -> None:
    """Measure and print."""
    logs.configure(process="bench")  # to stderr
    cv2.setNumThreads(1)
    try:
        for name in ("u2netp", "face_landmarks"):
            find_model(models, name)
        studio = Studio(models)
    except ConfigError as error:
        show(Figure("identity", None, "", skipped=str(error)), as_json=as_json)
        return
    for figure in measure(studio, photos, clips=min(clips, 16) if quick else clips, quick=quick):
        show(figure, as_json=as_json)


def measure(studio: Studio, folders: tuple[Path, ...], *, clips: int, quick: bool) -> Iterator[Figure]:
    """Figures as they come."""
    people = find_people(studio.reader, _pictures(folders))
    yield Figure("people", len(people), "faces")
    photos = _photos(people, quick=quick)
    if len(people) < 2:
        yield Figure("strangers that pass", None, "%", 0.0, skipped="scikit-image or --photos is missing")
    else:
        yield from _impostors(studio, photos, people, clips)
    yield from _honest(studio, photos, quick=quick)
    yield Figure("clip gate / render and encode", studio.cost(portrait().pixels, quick=quick), "%", COST_GOAL)


def _impostors(studio: Studio, photos: list[Photo], people: list[Person], clips: int) -> Iterator[Figure]:
    counts = {kind: Count() for kind in (*FOR_ONE, *FOR_ALL, *FOR_TWO)}
    rng = np.random.default_rng(7)
    rounds = itertools.count()
    while sum(count.clips for count in counts.values()) < clips:
        turn = next(rounds)
        photo = photos[turn % len(photos)]
        directions = list(HONEST.values())[turn // len(photos) % len(HONEST)]
        frames = studio.film(photo.pixels, directions, seed=turn)
        faces = [studio.reader.find(frame) for frame in frames]
        mine = FOR_ALL | (FOR_ONE if photo.people else {}) | (FOR_TWO if photo.pair else {})
        for kind, act in mine.items():
            others = [it for it in people if all(it.name != own.name for own in photo.people)]
            donor = others[int(rng.integers(len(others)))]
            plot = Plot(frames, faces, photo.people, donor, rng, RATE)
            count = counts[kind]
            count.clips += 1
            if not studio.stops(photo.pixels, act(plot)):
                count.passed += 1
                count.which.append(f"{photo.name} by {donor.name}")
    for kind, count in counts.items():
        if count.clips:
            yield Figure(f"{kind}: pass, of {count.clips}", count.passed, "clips", 0.0)
        for which in count.which:
            click.echo(f"passed: {kind}: {which}", err=True)


def _honest(studio: Studio, photos: list[Photo], *, quick: bool) -> Iterator[Figure]:
    stopped = total = 0
    for name, directions in HONEST.items():
        count = Count()
        for seed, photo in enumerate(photos[:2] if quick else photos):
            count.clips += 1
            if studio.stops(photo.pixels, studio.film(photo.pixels, directions, seed=100 + seed)):
                count.passed += 1
                click.echo(f"stopped: {name}: {photo.name}", err=True)
        stopped, total = stopped + count.passed, total + count.clips
        yield Figure(f"honest, {name}: stopped, of {count.clips}", count.passed, "clips")
    yield Figure(f"honest: stopped, of {total}", 100 * stopped / total, "%", HONEST_GOAL)


class Studio:
    """Takes clips, and judges them as the gate child does."""

    def __init__(self, models: Path) -> None:
        self.reader, self._scorer, self._policy = FaceReader.load(), NudityScorer.load(), PolicyConfig()
        self._renderer, self._look = SceneRenderer(models), ClipFormat(short_side=360, seconds=2.0)
        self._renderer.warm_up()

    def film(self, pixels: Pixels, directions: Directions, *, seed: int) -> list[Pixels]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "clip.mp4")
            self._render(pixels, directions, seed, self._look, path)
            return list(read_frames(path))

    def stops(self, photo: Pixels, frames: list[Pixels]) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "clip.mp4")
            write_quickly(frames, path, rate=RATE)
            return self._judge(photo, path)

    def cost(self, pixels: Pixels, *, quick: bool) -> float:
        """CPU of sampling, exposure and identity in a clip of a portrait, in % of that of making it."""
        look = ClipFormat(seconds=2.0) if quick else ClipFormat()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "clip.mp4")
            begun = time.process_time()
            self._render(pixels, Directions(), 1, look, path)
            made = time.process_time()
            self._judge(pixels, path, exposure=True)
            return 100 * (time.process_time() - made) / (made - begun)

    def _render(
        self, pixels: Pixels, directions: Directions, seed: int, look: ClipFormat, path: Path
    ) -> None:
        facts = PhotoFacts(faces=tuple(found.face for found in self.reader.find(pixels)))
        write_mp4(self._renderer.animate(Scene(pixels, directions, facts, seed, look)), path)

    def _judge(self, photo: Pixels, path: Path, *, exposure: bool = False) -> bool:
        luminance = read_luminance(path)
        frames = frames_at(path, choose_frames(luminance, evenly=SAMPLES, changes=CHANGES))
        if exposure:
            remake_exposure(self._scorer.scores(frames), photo_score=0.0)
        ruling = look_twice(
            self.reader,
            photo,
            frames,
            match=self._policy.face_match,
            stranger_below=self._policy.stranger_below,
        )
        return isinstance(ruling.verdict, Remake)


def _pictures(folders: tuple[Path, ...]) -> dict[str, Pixels]:
    found = {"drawn": portrait().pixels}
    astronaut = find_astronaut()
    if astronaut is not None:
        found["astronaut"] = astronaut
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"}):
            pixels = cv2.imread(str(path))
            if pixels is not None and min(pixels.shape[:2]) >= 200:
                found[path.stem] = pixels[..., ::-1].copy()
    return found


def _photos(people: list[Person], *, quick: bool) -> list[Photo]:
    """Portraits, pairs, a poster on the wall, and nobody."""
    alone = [Photo(person.name, person.pixels, (person,)) for person in people]
    pairs = [
        Photo(f"{a.name} and {b.name}", side_by_side(a, b), (a, b), pair=True)
        for a, b in itertools.pairwise(people)
    ]
    posters = [
        Photo(f"{a.name}, poster of {b.name}", with_poster(a, b), (a, b))
        for a, b in zip(people, people[2:], strict=False)
    ]
    wall = np.full((640, 480, 3), (120, 150, 190), np.uint8)
    wall[400:] = (90, 110, 60)
    nobody = [Photo("nobody", wall, ())]
    return alone[:1] + pairs[:1] + nobody if quick else alone + pairs + posters + nobody


if __name__ == "__main__":
    main()
