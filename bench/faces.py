#!/usr/bin/env python3
"""Whether people stay who they are while they move, and what that costs beside the camera alone.

    bench/faces.py [--quick] [--json] [--models data/models]

Every effect that moves people, at every strength, with a push-in: the lowest cosine (SFace) with the photo over the
frames that show the face. A face is drawn; the astronaut of scikit-image is added where that package is installed.
Costs are CPU of render and encode, in turns with the camera alone. Without the weights nothing can be measured.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker; before numpy is imported

import cv2
import numpy as np
from parts.drawn import portrait

from engine import logs
from engine.classifiers.faces import FaceReader
from engine.errors import ConfigError
from engine.media.decode import read_frames
from engine.media.encode import write_mp4
from engine.models import find_model
from engine.prompts.directions import Directions, Wish
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene import SceneRenderer
from engine.verdicts import PhotoFacts

CODES = ("blink", "wink", "smile", "breathing", "hair")
STRENGTHS = (0.5, 1.0, 1.6)
COSINE_GOAL, COST_GOAL = 0.6, 1.15


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
            return f"{self.name:<44} skipped: {self.skipped}"
        aim = "" if self.goal is None else f"   goal {self.goal:g}: {'met' if self.met else 'MISSED'}"
        return f"{self.name:<44} {self.value:8.3f} {self.unit}{aim}"


@click.command()
@click.option("--quick", is_flag=True, help="The drawn face only, a second at 360 pixels.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--models", default=Path("data/models"), type=click.Path(path_type=Path), show_default=True)
def main(*, quick: bool, as_json: bool, models: Path) -> None:
    """Measure and print."""
    logs.configure(process="bench")  # to stderr
    cv2.setNumThreads(1)
    try:
        lines = measure(models, quick=quick)
    except ConfigError as error:
        lines = iter([Line("faces", None, "", skipped=str(error))])
    for line in lines:
        print(json.dumps(dataclasses.asdict(line)) if as_json else line, flush=True)


def measure(models: Path, *, quick: bool) -> Iterator[Line]:
    """Raises ConfigError, at once, where weights are missing."""
    for name in ("u2netp", "face_landmarks"):
        find_model(models, name)
    studio = Studio(models, ClipFormat(short_side=360, seconds=1.0) if quick else ClipFormat(seconds=4.0))
    return _measure(studio, quick=quick)


def _measure(studio: Studio, *, quick: bool) -> Iterator[Line]:
    photos = {"drawn": portrait().pixels}
    if not quick:
        astronaut = find_astronaut()
        if astronaut is None:
            yield Line("astronaut", None, "", skipped="scikit-image is not installed")
        else:
            photos["astronaut"] = astronaut
    for where, pixels in photos.items():
        for code in CODES:
            lowest = min(studio.lowest_cosine(pixels, code, strength) for strength in STRENGTHS)
            yield Line(f"{code}, {where}: same face", lowest, "cosine", COSINE_GOAL, lowest >= COSINE_GOAL)
    cost = statistics.median(studio.cost(photos["drawn"]) for _ in range(1 if quick else 5))
    goal = None if quick else COST_GOAL
    yield Line(
        "breathing and blink against the camera", cost, "times", goal, None if goal is None else cost <= goal
    )


class Studio:
    """Takes clips and knows faces again."""

    def __init__(self, models: Path, look: ClipFormat) -> None:
        self._renderer, self._faces, self._look = SceneRenderer(models), FaceReader.load(), look
        self._renderer.warm_up()

    def lowest_cosine(self, pixels: np.ndarray, code: str, strength: float) -> float:
        """Over the frames of a finished clip that show the face."""
        directions = Directions(camera="push_in", wishes=(Wish(effect=code, strength=strength),))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "clip.mp4")
            self._write(pixels, directions, path)
            frames = list(read_frames(path))
        known = self._embed(pixels)
        found = [self._embed(frame) for frame in frames]
        return min(float(face @ known) for face in found if face is not None)

    def cost(self, pixels: np.ndarray) -> float:
        """CPU of the default look of a portrait against that of the camera alone."""
        seconds = []
        for refused in ((), CODES):
            with tempfile.TemporaryDirectory() as folder:
                started = time.process_time()
                self._write(pixels, Directions(refused=refused), Path(folder, "clip.mp4"))
                seconds.append(time.process_time() - started)
        return seconds[0] / seconds[1]

    def _write(self, pixels: np.ndarray, directions: Directions, path: Path) -> None:
        faces = tuple(found.face for found in self._faces.find(pixels))
        scene = Scene(pixels, directions, PhotoFacts(faces=faces), 1, self._look)
        clip = self._renderer.animate(scene)
        if clip.made.not_found:
            raise click.ClickException(f"the photo should have {clip.made.not_found}")
        write_mp4(clip, path)

    def _embed(self, pixels: np.ndarray) -> np.ndarray | None:
        found = self._faces.find(pixels)
        return self._faces.embed(pixels, found[0]) if found else None


def find_astronaut() -> np.ndarray | None:
    """The photo in the package, which is looked up and not run."""
    spec = find_spec("skimage")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return cv2.imread(str(Path(folders[0], "data", "astronaut.png")))[..., ::-1].copy() if folders else None


if __name__ == "__main__":
    main()
