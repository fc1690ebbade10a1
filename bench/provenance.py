#!/usr/bin/env python3
"""What the marks of a clip cost, beside the encoding that a clip needs anyway, and how surely they tell whose a copy is.

    bench/provenance.py [--quick] [--json] [--models data/models]

One clip of the default format, 720 x 1280, 4 s; `--quick` takes 1 s of 360 x 640. CPU time, the median of several runs, in
this process; "in a child" is wall time, as a person who asks what a file is waits for it. Then clips of the `scene` renderer over drawn
photos, and those of scikit-image and scikit-learn where they are installed: which copies of them are known again. With `--json` one object a line.
"""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from parts import recognition
from parts.figures import Figure, show

from engine import logs
from engine.detector import Detector
from engine.media.clip import Frame, LabeledClip, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import init_keys, load_keys, read_root
from engine.provenance.label import Label, make_label
from engine.provenance.source_type import SourceType
from engine.provenance.verify import examine

OPERATOR = "Bench"
MODELS = (TrainedModel(name="U2-Netp", version="1", licence="Apache-2.0"),)


@dataclass(frozen=True, slots=True)
class Size:
    width: int
    height: int
    frames: int


DEFAULT, QUICK = Size(720, 1280, 96), Size(360, 640, 24)


def drift(size: Size) -> Iterator[Frame]:
    """A natural amount of detail that pans: smooth noise, two pixels a frame."""
    coarse = np.random.default_rng(0).normal(
        128, 40, (size.height // 8 + 1, (size.width + 2 * size.frames) // 8 + 2)
    )
    wide = np.clip(np.kron(coarse, np.ones((8, 8))), 16, 235).astype(np.uint8)
    for number in range(size.frames):
        luma = wide[: size.height, 2 * number : 2 * number + size.width].copy()
        chroma = np.full((size.height // 2, size.width // 2), 128, np.uint8)
        yield Frame(luma, chroma, chroma.copy())


def encode(size: Size, path: Path, *, label: Label) -> None:
    clip = RenderedClip(
        frames=drift(size),
        frame_count=size.frames,
        width=size.width,
        height=size.height,
        frames_per_second=24,
        renderer="bench",
        digital_source_type=SourceType.MODIFIED,
        models=MODELS,
        made=Made(),
    )
    write_mp4(clip, path, stamp=label.stamp)


def labeled(size: Size, path: Path, *, label: Label) -> LabeledClip:
    return LabeledClip(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        width=size.width,
        height=size.height,
        duration_seconds=size.frames / 24,
        label=label.text,
        renderer="bench",
        digital_source_type=SourceType.MODIFIED,
        models=MODELS,
        made=Made(),
    )


def cpu_milliseconds(action: Callable[[], object], *, times: int) -> float:
    return statistics.median(timed(action, time.process_time) for _ in range(times))


def timed(action: Callable[[], object], clock: Callable[[], float]) -> float:
    begun = clock()
    action()
    return (clock() - begun) * 1000


def measure(size: Size, folder: Path, *, times: int) -> Iterator[Figure]:
    """The goals for shares are for the default format: a tiny clip is encoded in no time."""
    init_keys(folder / "keys", operator=OPERATOR)
    keys = load_keys(folder / "keys")
    signer = ClipSigner(keys)
    label = make_label(SourceType.MODIFIED, "en", width=size.width, height=size.height)
    plain, signed = folder / "plain.mp4", folder / "signed.mp4"

    encoding = cpu_milliseconds(lambda: encode(size, plain, label=label), times=max(1, times // 3))
    yield Figure("encode, with label", encoding, "cpu ms")
    frames = list(drift(size))
    stamping = cpu_milliseconds(lambda: [label.stamp(frame) for frame in frames], times=times)
    making = cpu_milliseconds(
        lambda: make_label(SourceType.MODIFIED, "ar", width=size.width, height=size.height), times=times
    )
    yield Figure("make the label", making, "cpu ms")
    yield Figure("stamp every frame", stamping, "cpu ms")
    clip = labeled(size, plain, label=label)
    signing = cpu_milliseconds(lambda: signer.sign(clip, to=signed), times=times)
    yield Figure("sign and read back", signing, "cpu ms")
    data = signed.read_bytes()
    yield Figure(
        "verify", cpu_milliseconds(lambda: examine(data, root_pem=keys.root_pem), times=times), "cpu ms"
    )
    yield Figure(
        "verify in a child", asyncio.run(in_a_child(folder / "keys", data, times=times)), "wall ms", goal=2000
    )
    yield Figure(
        "label, share of encoding",
        100 * (making + stamping) / encoding,
        "%",
        goal=2 if size == DEFAULT else None,
    )
    yield Figure(
        "signing, share of encoding", 100 * signing / encoding, "%", goal=5 if size == DEFAULT else None
    )
    yield Figure("file grows by", len(data) - plain.stat().st_size, "bytes", goal=8192)


class EmptyRegistry:
    """Nothing was made here; a whole clip is known without it."""

    def find_watermark(self, _number: int) -> None:
        return None

    async def find_fingerprint(self, _fingerprint: bytes) -> None:
        return None


async def in_a_child(keys: Path, data: bytes, *, times: int) -> float:
    detector = Detector(root_pem=read_root(keys), watermark_key=bytes(32), registry=EmptyRegistry())
    walls = []
    for _ in range(times):
        begun = time.perf_counter()
        report = await detector.examine(data)
        assert report.made_here
        walls.append((time.perf_counter() - begun) * 1000)
    return statistics.median(walls)


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="A small, short clip.")
@click.option("--json", "as_json", is_flag=True)
@click.option("--models", default=Path("data/models"), type=click.Path(path_type=Path), show_default=True)
def main(*, quick: bool, as_json: bool, models: Path) -> None:
    """Print the figures."""
    logs.configure(process="bench")  # to stderr
    size = QUICK if quick else DEFAULT
    with tempfile.TemporaryDirectory() as folder:
        for figure in measure(size, Path(folder), times=3 if quick else 9):
            show(figure, as_json=as_json)
        for figure in recognition.measure(models, Path(folder), quick=quick):
            show(figure, as_json=as_json)


if __name__ == "__main__":
    main()
