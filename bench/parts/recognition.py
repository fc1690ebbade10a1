"""How surely a clip is known again from a copy: watermark and fingerprint, over clips of the `scene` renderer."""

from __future__ import annotations

import itertools
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from parts.copies import BEYOND, COPIES, FRAMES_PER_SECOND, Copy, read, write
from parts.drawn import SCENES
from parts.figures import Figure
from parts.gallery import find_photos

from engine.errors import ConfigError
from engine.ledger.registry import NEAR_BITS
from engine.media.clip import Frame, RenderedClip
from engine.media.encode import write_mp4
from engine.models import find_model
from engine.prompts.parse import parse_prompt
from engine.provenance.fingerprint import read_fingerprint
from engine.provenance.label import make_label
from engine.provenance.mark import Mark, mark_number
from engine.provenance.reading import picture_of, read_pictures, read_watermark
from engine.provenance.watermark import Stamp
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene import SceneRenderer
from engine.verdicts import PhotoFacts

KEY = bytes(range(32))
PROMPTS = ("push in, let it snow", "push in", "the sky drifts, golden hour", "rain", "pan left", "fog")
WINDOWS, SEARCHED_EVERY, OTHER_CLIPS = 2000, 100, 200


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip of ours: marked and encoded, what marking cost, and what it would be without."""

    path: Path
    number: int
    fingerprint: bytes
    psnr: float
    milliseconds: float
    grows: float
    share: float


def measure(models: Path, folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Nothing without the renderer's weights, and that is said."""
    try:
        find_model(models, "u2netp")
    except ConfigError:
        yield Figure("recognition", None, "", skipped="needs the weights: python -m engine models fetch")
        return
    samples = list(make_samples(models, folder, quick=quick))
    yield from costs(samples, quick=quick)
    for number, (name, copy) in enumerate((COPIES | BEYOND).items()):
        wanted = name in COPIES
        marks, codes = recognised(samples, copy, folder / "copy.mp4")
        yield Figure(f"number read, {name}", marks, "%", goal=95 if wanted else None, at_least=True)
        yield Figure(
            f"fingerprint found, {name}",
            codes,
            "%",
            goal=100 if wanted and name != "mirrored" else None,
            at_least=True,
        )
        if quick and number == 2:
            break
    yield from false_reads(samples, count=200 if quick else WINDOWS)
    yield from false_matches(samples, folder, count=20 if quick else OTHER_CLIPS)


def make_samples(models: Path, folder: Path, *, quick: bool) -> Iterator[Sample]:
    renderer = SceneRenderer(models)
    renderer.warm_up()
    photos = [(name, draw().pixels) for name, draw in SCENES.items()] + find_photos()[0]
    look = ClipFormat(
        short_side=360 if quick else 720, seconds=1.0 if quick else 2.0, frames_per_second=FRAMES_PER_SECOND
    )
    for (name, pixels), prompt in zip(photos[:: 3 if quick else 1], itertools.cycle(PROMPTS)):
        scene = Scene(
            pixels=pixels,
            directions=parse_prompt(prompt, locale="en"),
            facts=PhotoFacts(),
            seed=1,
            clip_format=look,
            prompt=prompt,
        )
        yield make_sample(renderer, scene, folder / f"{name}.mp4")


def make_sample(renderer: SceneRenderer, scene: Scene, path: Path) -> Sample:
    begun = time.process_time()
    clip = renderer.animate(scene)
    frames = list(clip.frames)
    rendering = time.process_time() - begun
    begun = time.process_time()
    label = make_label(clip.digital_source_type, "en", width=clip.width, height=clip.height)
    for frame in frames:
        label.stamp(frame)
    labelling = time.process_time() - begun
    plain, encoding = encoded(clip, frames, path.with_suffix(".plain.mp4"))
    before = [frame.y.copy() for frame in frames]
    number = mark_number(KEY, path.stem)
    begun = time.process_time()
    stamp = Stamp(Mark(number=number, key=KEY), width=clip.width, height=clip.height)
    for frame in frames:
        stamp.stamp(frame)
    marking = time.process_time() - begun
    encoded(clip, frames, path)
    fingerprint, coding = fingerprinted(path)
    return Sample(
        path=path,
        number=number,
        fingerprint=fingerprint,
        psnr=min(psnr(one, other.y) for one, other in zip(before, frames, strict=True)),
        milliseconds=1000 * marking / len(frames),
        grows=100 * (path.stat().st_size / plain.stat().st_size - 1),
        share=100 * (labelling + marking + coding) / (rendering + encoding),
    )


def costs(samples: Sequence[Sample], *, quick: bool) -> Iterator[Figure]:
    """Goals hold for the default format."""
    grows = [sample.grows for sample in samples]
    yield Figure("clips", len(samples), "")
    yield Figure("watermark, a frame", statistics.median(it.milliseconds for it in samples), "cpu ms", goal=5)
    yield Figure(
        "watermark, worst PSNR of a frame", min(it.psnr for it in samples), "dB", goal=46, at_least=True
    )
    yield Figure(
        "watermark, clip grows by (median)", statistics.median(grows), "%", goal=None if quick else 25
    )
    yield Figure("watermark, clip grows by (worst)", max(grows), "%")
    yield Figure(
        "label, watermark, fingerprint, of making",
        statistics.median(it.share for it in samples),
        "%",
        goal=None if quick else 25,
    )


def recognised(samples: Sequence[Sample], copy: Copy, path: Path) -> tuple[float, float]:
    """Shares of clips, in percent, whose number is read, and whose fingerprint is near."""
    marks = codes = 0
    for sample in samples:
        copy(list(read(sample.path)), path)
        reading = read_watermark(path, KEY)
        marks += reading is not None and reading.number == sample.number
        found = (read_fingerprint(path, mirrored=mirrored) for mirrored in (False, True))
        codes += any(code is not None and apart(code, sample.fingerprint) <= NEAR_BITS for code in found)
    return 100 * marks / len(samples), 100 * codes / len(samples)


def false_reads(samples: Sequence[Sample], *, count: int) -> Iterator[Figure]:
    """Windows of clips that carry nothing: any place and size; now and then with the whole search."""
    random = np.random.default_rng(0)
    frames = [frame.y for it in samples for frame in list(read(it.path.with_suffix(".plain.mp4")))[::12]]
    wrong = 0
    for number in range(count):
        luma = frames[number % len(frames)]
        height, width = (int(side * random.uniform(0.4, 1.0)) for side in luma.shape)
        top, left = (
            int(random.integers(0, whole - part + 1))
            for whole, part in zip(luma.shape, (height, width), strict=True)
        )
        window = picture_of(luma[top : top + height, left : left + width])
        wrong += read_pictures([window], KEY, everywhere=number % SEARCHED_EVERY == 0) is not None
    yield Figure(f"numbers read in {count} unmarked windows", wrong, "", goal=0)


def false_matches(samples: Sequence[Sample], folder: Path, *, count: int) -> Iterator[Figure]:
    """Clips of different pictures: those of the renderer, and drawn ones that pan."""
    codes = [sample.fingerprint for sample in samples]
    for seed in range(count - len(codes)):
        code = read_fingerprint(write(pan(seed), folder / "other.mp4", crf=23))
        assert code is not None
        codes.append(code)
    distances = [apart(one, other) for one, other in itertools.combinations(codes, 2)]
    yield Figure(
        f"nearest of {len(codes)} different clips", min(distances), "bits", goal=NEAR_BITS + 1, at_least=True
    )
    yield Figure("false matches among them", sum(it <= NEAR_BITS for it in distances), "", goal=0)


def pan(seed: int) -> Iterator[Frame]:
    """A second of a drawn picture: ground, shapes with edges, grain."""
    random = np.random.default_rng(seed)
    noise = random.normal(125, 40, (5, 4)).astype(np.float32)
    picture = cv2.resize(noise, (260, 320), interpolation=cv2.INTER_CUBIC)
    for _ in range(25):
        middle = (int(random.integers(260)), int(random.integers(320)))
        axes = (int(random.integers(8, 70)), int(random.integers(8, 70)))
        cv2.ellipse(picture, middle, axes, random.uniform(0, 180), 0, 360, random.uniform(16, 235), -1)
    picture += random.normal(0, 6, picture.shape)
    luma = np.clip(picture, 16, 235).astype(np.uint8)
    chroma = np.full((160, 90), 128, np.uint8)
    for number in range(FRAMES_PER_SECOND):
        yield Frame(np.ascontiguousarray(luma[:, number : number + 180]), chroma, chroma)


def encoded(clip: RenderedClip, frames: Sequence[Frame], path: Path) -> tuple[Path, float]:
    """As a worker does; and the CPU seconds."""
    begun = time.process_time()
    write_mp4(replace(clip, frames=iter(frames)), path)
    return path, time.process_time() - begun


def fingerprinted(path: Path) -> tuple[bytes, float]:
    """And the CPU seconds of the program that reads it."""
    begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    code = read_fingerprint(path)
    assert code is not None
    return code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = float(((one.astype(np.float32) - other) ** 2).mean())
    return 10 * np.log10(255**2 / max(error, 1e-9))


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
