"""The fleet renders: these are the words between the engine and a worker, wherever the worker runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.config import RendererTable
from engine.media.clip import LabeledClip
from engine.provenance.mark import Mark
from engine.renderers import ClipFormat
from engine.schema import Step
from engine.verdicts import PhotoFacts


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="settings"):
    """The first thing that a worker hears. `models` is the folder with weights, `work` where clips go."""

    renderer: str
    models: Path
    work: Path
    options: RendererTable = RendererTable()


class RenderOrder(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="order"):
    """One clip to make. `photo_path` is a photo that `engine.media.photo` cleaned."""

    job_id: str
    attempt: int
    photo_path: Path
    prompt: str
    locale: str
    seed: int
    facts: PhotoFacts = PhotoFacts()
    clip_format: ClipFormat = ClipFormat()
    look: str | None = None
    mark: Mark | None = None
    """The watermark: its key is a secret, and crosses by the pipe only."""

    @property
    def clip_name(self) -> str:
        """The file name of the finished clip; both parts are made by us, never by a sender."""
        return f"{self.job_id}-{self.attempt}.mp4"

    @property
    def unfinished_name(self) -> str:
        """The file name while the clip is being written; whatever has it at a start is an orphan."""
        return f"{UNFINISHED}{self.clip_name}"


UNFINISHED = "part-"


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="cancel"):
    """Stop this job before its next frame."""

    job_id: str


class Loading(msgspec.Struct, frozen=True, tag_field="type", tag="loading"):
    """The worker is up, and loads and warms this renderer."""

    renderer: str


class Ready(msgspec.Struct, frozen=True, tag_field="type", tag="ready"):
    """The renderer is warm; its name, which "auto" leaves open."""

    renderer: str = ""


class Unusable(msgspec.Struct, frozen=True, tag_field="type", tag="unusable"):
    """The renderer cannot be used at all; `sentence` tells the operator what to change."""

    sentence: str


class Drawing(msgspec.Struct, frozen=True, tag_field="type", tag="step"):
    """The clip is being drawn; `fraction` is 0..1 of its making. A model is at pass `step` of `steps`; else both are 0."""

    fraction: float
    step: int = 0
    steps: int = 0


class Decoding(msgspec.Struct, frozen=True, tag_field="type", tag="decoding"):
    """What a model drew becomes frames, and each goes on to label, watermark and encoder."""

    fraction: float


class Encoding(msgspec.Struct, frozen=True, tag_field="type", tag="encoding"):
    """All frames are made; the file is being finished."""

    fraction: float


Progress = Drawing | Decoding | Encoding
"""The main loop moved on. These, and nothing else, prove liveness."""


class Done(msgspec.Struct, frozen=True, tag_field="type", tag="done"):
    """The labelled clip is on disk, complete and synced."""

    clip: LabeledClip


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="failed"):
    """The renderer raised at `place`. `poisoned` says that the process must not be used again.

    `poor` says that there was a clip, and that it was not worth showing: another seed may do better.
    """

    place: str
    poisoned: bool
    poor: bool = False


class Canceled(msgspec.Struct, frozen=True, tag_field="type", tag="canceled"):
    """The worker stopped as asked, and left nothing behind."""


ToWorker = RenderOrder | Cancel
FromWorker = Progress | Done | Failed | Canceled


@dataclass(frozen=True, slots=True)
class Doing:
    """What a running job is doing, as the engine tells it on. See `engine.schema.JobView`."""

    step: Step
    fraction: float = 0.0
    pass_number: int = 0
    passes: int = 0


OnProgress = Callable[[Doing], None]
