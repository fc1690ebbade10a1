"""A diffusion preset as a renderer: photo and caption in; latents are drawn at once, frames as they are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine import logs
from engine.config import RendererTable
from engine.errors import ConfigError, RenderFailed
from engine.media.clip import Frame, RenderedClip, TrainedModel
from engine.prompts.directions import Directions
from engine.renderers import ClipFormat, Scene
from engine.renderers.described import SOURCE_TYPE, say_made
from engine.renderers.diffusion.framing import count_frames, frame_photo
from engine.renderers.diffusion.machine import Machine, import_torch
from engine.renderers.diffusion.model import Drawn, Model, Take
from engine.renderers.diffusion.presets import Family, Preset
from engine.renderers.diffusion.texts import write_caption
from engine.renderers.quality import watch_quality
from engine.renderers.scene.picture import to_picture
from engine.verdicts import PhotoFacts

log = logs.get(__name__)

DRAWN_SHARE = 0.45
"""How much of a clip's time denoising takes, until the first clip was timed; decoding and encoding are the rest."""

SMALLER = 0.75
"""Sides of a clip that did not fit into memory."""

T = TypeVar("T")


class DiffusionRenderer:
    """See `engine.renderers.Renderer`."""

    def __init__(
        self,
        preset: Preset,
        models: Path,
        options: RendererTable,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = preset.name
        self._preset = preset
        self._folder = Path(options.weights) if options.weights else models / preset.folder
        self._options = options
        self._model: Model | None = None
        self._relief = 0
        self._clock = clock
        self._drawn_share = DRAWN_SHARE

    def warm_up(self) -> None:
        """Load, and draw one shortest clip of each shape. Raises ConfigError where the weights are not whole.

        A machine that cannot compile (no C compiler, a chip that the compiler does not know) draws without.
        """
        try:
            self._draw_each_shape()
        except (ConfigError, RenderFailed):
            raise
        except Exception as error:
            if not (self._options.compile and self._load().compiled):
                raise
            log.warning("compiling failed; going on without", error=type(error).__name__)
            self._options = msgspec.structs.replace(self._options, compile=False)
            self._model = None
            self._draw_each_shape()

    def _draw_each_shape(self) -> None:
        self._load()
        for height, width in ((16, 9), (1, 1), (9, 16)):
            gray = np.full((height * 40, width * 40, 3), 128, np.uint8)
            scene = Scene(
                pixels=gray, directions=Directions(), facts=PhotoFacts(), seed=0, clip_format=self._shortest
            )
            drawn, take = self._with_relief(lambda scene=scene: self._draw(scene))  # type: ignore[misc]
            for _ in self._decode(drawn, take):
                pass

    def animate(self, scene: Scene) -> RenderedClip:
        """Draws now, decodes as frames are read. Raises RenderFailed; what `scene.watch` raises comes out."""
        began = self._clock()
        drawn, take = self._with_relief(lambda: self._draw(scene))
        frames = self._look_at(self._decode(drawn, take), take)
        return RenderedClip(
            frames=self._timed(frames, began=began, drawn=self._clock() - began),
            frame_count=take.frames,
            width=take.photo.width,
            height=take.photo.height,
            frames_per_second=self._preset.frames_per_second,
            renderer=self.name,
            digital_source_type=SOURCE_TYPE,
            models=(TrainedModel(self._preset.title, self._preset.version, self._preset.licence),),
            made=say_made(scene),
            sound=drawn.sound,
            done_before=self._drawn_share,
        )

    @property
    def _shortest(self) -> ClipFormat:
        return ClipFormat(seconds=self._preset.frame_step / self._preset.frames_per_second)

    def _draw(self, scene: Scene) -> tuple[Drawn, Take]:
        take = self._take(scene)
        return self._load().draw(take, scene.watch, share=self._drawn_share), take

    def _take(self, scene: Scene) -> Take:
        height, width = scene.pixels.shape[:2]
        framing = frame_photo(
            self._preset,
            width=width,
            height=height,
            faces=scene.facts.faces,
            clip_format=scene.clip_format,
            scale=SMALLER if self._relief >= 2 else 1.0,
        )
        return Take(
            photo=Image.fromarray(framing.cut(scene.pixels)),
            caption=write_caption(scene.prompt, scene.look),
            frames=count_frames(self._preset, scene.clip_format),
            seed=scene.seed,
        )

    def _timed(self, frames: Iterator[Frame], *, began: float, drawn: float) -> Iterator[Frame]:
        """The same frames; what the clip took is the next one's measure."""
        yield from frames
        whole = self._clock() - began
        if whole > 0:
            self._drawn_share = min(0.95, max(0.05, drawn / whole))

    def _look_at(self, frames: Iterator[Frame], take: Take) -> Iterator[Frame]:
        if not self._options.check_quality:
            return frames
        photo = np.asarray(take.photo.convert("L"), np.uint8)
        return watch_quality(frames, photo, frames_per_second=self._preset.frames_per_second)

    def _decode(self, drawn: Drawn, take: Take) -> Iterator[Frame]:
        """One piece at a time; a piece that does not fit into memory is decoded again with less."""
        told = 0
        pieces = self._load().decode(drawn)
        while told < take.frames:
            try:
                piece = next(pieces)
            except StopIteration:
                raise RenderFailed(f"{told} frames came out instead of {take.frames}") from None
            except import_torch().OutOfMemoryError:
                self._relieve()
                pieces = _skipping(self._load().decode(drawn), told)
                continue
            for pixels in piece:
                yield to_picture(pixels).to_frame()
            told += len(piece)

    def _with_relief(self, work: Callable[[], T]) -> T:
        """Once more, with less memory each time. What helped once is kept for the jobs that follow."""
        while True:
            try:
                return work()
            except import_torch().OutOfMemoryError:
                self._relieve()

    def _relieve(self) -> None:
        """The next rung: tiles → smaller clips → parts wait in main memory. Raises RenderFailed after the last."""
        model, torch = self._load(), import_torch()
        rungs: tuple[tuple[str, Callable[[], None]], ...] = (
            ("tiles", model.tile),
            ("smaller", lambda: None),
            ("offload", model.offload),
        )
        if self._relief == len(rungs):
            raise RenderFailed("out of memory, also with tiles, smaller and offloaded")
        name, use = rungs[self._relief]
        self._relief += 1
        torch.cuda.empty_cache()
        log.warning("out of memory; trying with less", relief=name)
        use()

    def _load(self) -> Model:
        if self._model is None:
            self._model = _load_model(self._preset, self._folder, Machine.find(self._options))
        return self._model


def _load_model(preset: Preset, folder: Path, machine: Machine) -> Model:
    match preset.family:
        case Family.WAN:
            from engine.renderers.diffusion.wan import Wan

            return Wan.load(preset, folder, machine)
        case Family.LTX:
            from engine.renderers.diffusion.ltx import Ltx

            return Ltx.load(preset, folder, machine)


def _skipping(pieces: Iterator[NDArray[np.uint8]], frames: int) -> Iterator[NDArray[Any]]:
    """The same pieces without the first frames."""
    for piece in pieces:
        left, frames = piece[frames:], max(0, frames - len(piece))
        if len(left):
            yield left
