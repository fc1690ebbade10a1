"""The default renderer: a photo comes to life on any CPU, and stays the photo. How: README.md in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine import logs
from engine.config import RendererTable
from engine.errors import ConfigError
from engine.media.clip import Frame, RenderedClip, TrainedModel
from engine.prompts.directions import Directions
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene.aids import Aids, load_aids
from engine.renderers.scene.analysis import View, read_photo
from engine.renderers.scene.camera import Camera
from engine.renderers.scene.compose import Composer
from engine.renderers.scene.effects import EFFECTS, Need
from engine.renderers.scene.landmarks import MODEL as LANDMARKS
from engine.renderers.scene.landmarks import LandmarkModel
from engine.renderers.scene.layers import Layers, part
from engine.renderers.scene.matte import NearObjectModel, name_model
from engine.renderers.scene.painter import MODEL as DRAWING
from engine.renderers.scene.painter import Painter
from engine.renderers.scene.plan import STILL, Plan, direct, find_needs, make_plan, wants_landmarks
from engine.renderers.scene.sound import make_ambience
from engine.renderers.scene.stage import Stage
from engine.verdicts import PhotoFacts

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""Parted and moved along a trained model's matte: a composite, not a generated picture."""

log = logs.get(__name__)

_WARM_UP = ClipFormat(short_side=96, seconds=0.25)


class SceneRenderer:
    """See `engine.renderers.Renderer`. `models` is the folder with weights."""

    name = "scene"

    def __init__(self, models: Path, options: RendererTable | None = None) -> None:
        self._models = models
        self._options = options or RendererTable()
        self._model: NearObjectModel | None = None
        self._landmarks: LandmarkModel | None = None
        self._aids = Aids()

    def warm_up(self) -> None:
        """Raises ConfigError where the matte's weights are missing: without a trained model no clip is made."""
        cv2.setNumThreads(1)  # one clip per process; OpenCV's own threads spin
        self._load()
        self._aids = load_aids(self._models, draws=self._options.drawn_background)
        gray = np.full((160, 96, 3), 128, np.uint8)
        scene = Scene(pixels=gray, directions=Directions(), facts=PhotoFacts(), seed=0, clip_format=_WARM_UP)
        for _ in self.animate(scene).frames:
            pass

    def animate(self, scene: Scene) -> RenderedClip:
        """Read the photo and decide now; frames are made as they are read. Raises RenderFailed: unknown look."""
        directions = direct(scene.directions, scene.look)
        view = read_photo(
            scene.pixels,
            scene.facts,
            clip_format=scene.clip_format,
            model=self._load(),
            aids=self._aids,
            needs=find_needs(directions),
            face_model=self._load_landmarks() if _needs_landmarks(directions, scene.facts) else None,
        )
        plan = make_plan(directions, view.reading)
        shows_behind = view.reading.near_parts and plan.camera != STILL
        painter = self._aids.painter if shows_behind else None
        count = max(2, round(scene.clip_format.seconds * scene.clip_format.frames_per_second))
        return RenderedClip(
            frames=_render(view, plan, scene, count, painter=painter),
            frame_count=count,
            width=view.framing.width,
            height=view.framing.height,
            frames_per_second=scene.clip_format.frames_per_second,
            renderer=self.name,
            digital_source_type=SOURCE_TYPE,
            models=_name_models(view, plan, draws=painter is not None),
            made=plan.made,
            sound=_make_sound(plan, scene, count),
        )

    def _load(self) -> NearObjectModel:
        if self._model is None:
            self._model = NearObjectModel(self._models)
        return self._model

    def _load_landmarks(self) -> LandmarkModel | None:
        """None where the weights are missing: faces stand still then, and wishes for them are not found."""
        if self._landmarks is None:
            try:
                self._landmarks = LandmarkModel(self._models)
            except ConfigError as error:
                log.warning("faces stand still", why=str(error))
        return self._landmarks


def _needs_landmarks(directions: Directions, facts: PhotoFacts) -> bool:
    return bool(facts.faces) and wants_landmarks(directions)


def _name_models(view: View, plan: Plan, *, draws: bool) -> tuple[TrainedModel, ...]:
    """Those that shaped the clip."""
    named = list(view.models)
    if draws:
        named.append(name_model(DRAWING))
    if any(EFFECTS[wish.effect].needs in {Need.FACE, Need.EYES} for wish in plan.wishes):
        named.append(name_model(LANDMARKS))
    return tuple(named)


def _render(view: View, plan: Plan, scene: Scene, count: int, *, painter: Painter | None) -> Iterator[Frame]:
    layers = part(view, painter)
    stage = _set_stage(view, layers, scene)
    camera = Camera(plan.camera, plan.amount, view.reading.focus, stage.width, stage.height)
    strengths = {wish.effect: wish.strength for wish in plan.wishes}
    effects = [make(stage, strengths[code]) for code, make in EFFECTS.items() if code in strengths]
    yield from Composer(stage, layers, camera, effects, speed=plan.speed, loops=plan.loops).frames(count)


def _make_sound(plan: Plan, scene: Scene, count: int) -> NDArray[np.float32] | None:
    """As long as the frames."""
    if not plan.sounds:
        return None
    seconds = count / scene.clip_format.frames_per_second
    flashes = [second for wish in plan.wishes for second in EFFECTS[wish.effect].flashes(scene.seed, seconds)]
    return make_ambience(
        plan.sounds, seconds=seconds, seed=scene.seed, loops=plan.loops, flashes=sorted(flashes)
    )


def _set_stage(view: View, layers: Layers, scene: Scene) -> Stage:
    return Stage(
        photo=layers.photo,
        reading=view.reading,
        width=view.framing.width,
        height=view.framing.height,
        seconds=scene.clip_format.seconds,
        seed=scene.seed,
    )
