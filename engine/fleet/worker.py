"""What runs in a worker process: one warm renderer, and one clip after another until the engine hangs up."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from engine.children import Link
from engine.errors import ConfigError
from engine.fleet import Decoding, Drawing, Encoding, Loading, RenderOrder, Unusable, WorkerSettings
from engine.fleet.serving import MakeClip, Tell, serve
from engine.media.clip import Frame, LabeledClip, RenderedClip
from engine.media.encode import Stamp as FrameStamp
from engine.media.encode import write_mp4
from engine.media.photo import read_pixels
from engine.prompts.parse import parse_prompt
from engine.provenance.label import Label, make_label
from engine.provenance.mark import Mark
from engine.provenance.watermark import Stamp, can_carry
from engine.renderers import Renderer, Scene, find_renderer


def main(link: Link) -> None:
    """Warm the renderer up, then serve."""
    settings: WorkerSettings = link.receive(WorkerSettings)
    link.send(Loading(settings.renderer))
    try:
        name, make = prepare(settings)
    except ConfigError as error:
        link.send(Unusable(str(error)))
        return
    serve(link, make, renderer=name)


def prepare(settings: WorkerSettings) -> tuple[str, MakeClip]:
    """Load and warm the renderer: its name, and what makes clips with it. Raises ConfigError."""
    renderer = find_renderer(settings.renderer)(settings.models, settings.options)
    renderer.warm_up()
    return renderer.name, lambda order, tell: make_clip(order, renderer, settings.work, tell)


def make_clip(order: RenderOrder, renderer: Renderer, work: Path, tell: Tell) -> LabeledClip:
    """Photo and prompt to a labelled mp4 in `work`; the file has its name only once it is whole and synced."""
    rendered = renderer.animate(_scene(order, tell))
    label = make_label(
        rendered.digital_source_type, order.locale, width=rendered.width, height=rendered.height
    )
    mark = order.mark if can_carry(rendered.width, rendered.height) else None
    watched = dataclasses.replace(rendered, frames=_watched(rendered, tell))
    unfinished = work / order.unfinished_name
    try:
        write_mp4(watched, unfinished, stamp=_stamps(rendered, label, mark))
        tell(Encoding(1.0))
        digest = _sync(unfinished)
        path = unfinished.rename(work / order.clip_name)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(work)
    return _labeled(rendered, path=path, sha256=digest, label=label.text, mark=mark)


def _stamps(rendered: RenderedClip, label: Label, mark: Mark | None) -> FrameStamp:
    """The label, then the watermark over all of it."""
    if mark is None:
        return label.stamp
    watermark = Stamp(mark, width=rendered.width, height=rendered.height)

    def stamp(frame: Frame) -> None:
        label.stamp(frame)
        watermark.stamp(frame)

    return stamp


def _scene(order: RenderOrder, tell: Tell) -> Scene:
    def watch(share: float, *, step: int = 0, steps: int = 0) -> None:
        tell(Drawing(share, step, steps))

    return Scene(
        pixels=read_pixels(order.photo_path.read_bytes()),
        directions=parse_prompt(order.prompt, locale=order.locale, hints=order.facts.hints),
        facts=order.facts,
        seed=order.seed,
        clip_format=order.clip_format,
        look=order.look,
        prompt=order.prompt,
        watch=watch,
    )


def _watched(rendered: RenderedClip, tell: Tell) -> Iterator[Frame]:
    """The same frames; each one that is made proves that the work goes on, and may be the last."""
    done, share = rendered.done_before, rendered.done_before
    for number, frame in enumerate(rendered.frames):
        share = done + (1 - done) * number / rendered.frame_count
        tell(Decoding(share) if done else Drawing(share))
        yield frame
    tell(Encoding(share))


def _labeled(
    rendered: RenderedClip, *, path: Path, sha256: str, label: str, mark: Mark | None
) -> LabeledClip:
    return LabeledClip(
        path=path,
        sha256=sha256,
        width=rendered.width,
        height=rendered.height,
        duration_seconds=rendered.frame_count / rendered.frames_per_second,
        label=label,
        renderer=rendered.renderer,
        digital_source_type=rendered.digital_source_type,
        models=rendered.models,
        made=rendered.made,
        has_sound=rendered.sound is not None,
        watermark=None if mark is None else mark.number,
    )


def _sync(path: Path) -> str:
    """Bring the file to the disk; its SHA-256."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
