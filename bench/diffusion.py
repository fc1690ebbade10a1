#!/usr/bin/env python3
"""A diffusion preset beside stock diffusers with the same model and steps, and beside the floor, in one run.

    bench/diffusion.py [--preset standard] [--quick] [--json] [--rounds 3] [--tiny] [--float8] [--probes]

On a GPU at full size with RANDOM weights, whose time is that of the real ones; no text encoder runs. Without a GPU: tiny pipelines
on the CPU, which show only that our own code adds nothing, and the goals are skipped. Stock is the pipeline as diffusers' and the
models' pages have it (eager, Wan's autoencoder in float32), decoded at once and then encoded; ours is what a worker runs. Random weights
draw noise, which takes an encoder far longer than any clip: it is given a drawn landscape of the same size instead, for both. The
floor is the operations of one clip, at the rate at which this machine multiplies bfloat16 matrices. `--probes` measures the parts:
attention backends, convolution layouts, 8 bits, two clips at once.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from parts import fullsize, probes
from parts.drawn import landscape
from parts.figures import Figure, show
from PIL import Image

from engine import logs
from engine.config import RendererTable
from engine.errors import ConfigError
from engine.media.clip import Frame, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.renderers import unwatched
from engine.renderers.diffusion.machine import Machine, import_torch
from engine.renderers.diffusion.model import Model, Take
from engine.renderers.diffusion.presets import PRESETS, Family, Preset
from engine.renderers.scene.picture import to_picture

FASTER_GOAL = 3.0
FLOOR_GOAL = 2.0
SOUND_GOAL_SECONDS = 3.5


@dataclass(frozen=True, slots=True)
class Bench:
    """One preset's pipelines over the same weights. `stock` returns the clip's frames; `hasten` makes ours of it."""

    preset: Preset
    take: Take
    stock: Callable[[], np.ndarray]
    hasten: Callable[[], Model]
    machine: Machine
    full: bool
    scenery: tuple[Frame, ...]


@click.command()
@click.option("--preset", default="standard", show_default=True, type=click.Choice(list(PRESETS)))
@click.option("--quick", is_flag=True, help="One round; on a GPU, a small clip.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--tiny", is_flag=True, help="Wan's clips are decoded by the tiny decoder.")
@click.option("--float8", is_flag=True, help="The denoiser multiplies in 8 bits.")
@click.option("--probes", "probed", is_flag=True, help="The parts by themselves, instead of a clip.")
def main(
    *, preset: str, quick: bool, as_json: bool, rounds: int, tiny: bool, float8: bool, probed: bool
) -> None:
    """Measure and print."""
    logs.configure(process="bench")  # to stderr
    try:
        machine = Machine.find(RendererTable(float8=float8, decoder="tiny" if tiny else "full"))
        with import_torch().no_grad():
            figures = (
                probes.probe(machine)
                if probed
                else measure(make(PRESETS[preset], machine, quick=quick), rounds=1 if quick else rounds)
            )
            for figure in figures:
                show(figure, as_json=as_json)
    except ConfigError as error:
        show(Figure("diffusion", None, "", skipped=str(error)), as_json=as_json)


def make(preset: Preset, machine: Machine, *, quick: bool) -> Bench:
    full = machine.device == "cuda"
    size, frames = (
        ((preset.short_side, preset.long_side), preset.frames) if full and not quick else ((128, 192), 9)
    )
    photo = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    take = Take(photo=Image.fromarray(photo), caption="snow", frames=frames, seed=1)
    return (_wan if preset.family is Family.WAN else _ltx)(preset, take, machine, full)


def _wan(preset: Preset, take: Take, machine: Machine, full: bool) -> Bench:
    from engine.renderers.diffusion.schedulers import make_scheduler
    from engine.renderers.diffusion.wan import Wan

    pipe = fullsize.wan_pipeline(machine, full=full, quality=not preset.expand_timesteps)
    text = fullsize.wan_text(pipe, machine)
    ours, exact = pipe.vae, (fullsize.wan_vae if preset.expand_timesteps else fullsize.wan_21_vae)
    pipe.vae = exact(machine, full=full, dtype="float32")
    pipe.to(machine.device)

    def stock() -> np.ndarray:
        pipe.scheduler = make_scheduler(preset.sampler, preset.sigmas)
        pipe.scheduler.rng = machine.generator(1)
        width, height = take.photo.size
        video = pipe(
            image=take.photo, width=width, height=height, num_frames=take.frames, num_inference_steps=len(preset.sigmas),
            guidance_scale=1.0, generator=machine.generator(take.seed), output_type="np", **text,
        ).frames[0]  # fmt: skip
        return np.rint(video * 255).astype(np.uint8)

    def hasten() -> Model:
        pipe.vae = ours
        tiny = machine.options.decoder == "tiny" and preset.tiny
        wan = Wan(preset, pipe, machine, tiny=fullsize.tiny_decoder(tiny, machine) if tiny else None)
        wan._encode = lambda _caption: text  # type: ignore[assignment]  # noqa: SLF001  # there is no text encoder
        return wan

    return Bench(preset, take, stock, hasten, machine, full, draw_scenery(take))


def _ltx(preset: Preset, take: Take, machine: Machine, full: bool) -> Bench:
    from diffusers import LTX2LatentUpsamplePipeline
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
    from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES as DRAFT
    from diffusers.pipelines.ltx2.utils import STAGE_2_DISTILLED_SIGMA_VALUES as REFINE

    from engine.renderers.diffusion.ltx import NO_GUIDANCE, PHOTO_CRF, Ltx

    pipe, upsampler = fullsize.ltx_pipeline(machine, full=full)
    text = fullsize.ltx_text(pipe, machine, full=full)
    pipe.to(machine.device)
    enlarge = LTX2LatentUpsamplePipeline(vae=pipe.vae, latent_upsampler=upsampler)
    enlarge.set_progress_bar_config(disable=True)

    def stock() -> np.ndarray:
        width, height = take.photo.size
        settings: dict[str, Any] = {
            "conditions": [LTX2VideoCondition(frames=take.photo, crf=PHOTO_CRF)], "num_frames": take.frames,
            "frame_rate": float(preset.frames_per_second), "generator": machine.generator(1), "return_dict": False,
            **NO_GUIDANCE, **text,
        }  # fmt: skip
        draft, sound = pipe(
            width=width // 2, height=height // 2, sigmas=DRAFT, output_type="latent", **settings
        )
        large = enlarge(latents=draft, latents_normalized=False, output_type="latent", return_dict=False)[0]
        video, _ = pipe(
            width=width, height=height, latents=large, audio_latents=sound, sigmas=REFINE, noise_scale=REFINE[0],
            output_type="np", **settings,
        )  # fmt: skip
        return np.rint(video[0] * 255).astype(np.uint8)

    def hasten() -> Model:
        ltx = Ltx(preset, pipe, upsampler, machine)
        ltx._encode = lambda _caption: text  # type: ignore[assignment]  # noqa: SLF001
        return ltx

    return Bench(preset, take, stock, hasten, machine, full, draw_scenery(take))


def measure(bench: Bench, *, rounds: int) -> Iterator[Figure]:
    """Stock first, then ours over the same weights: both fit into the memory that way."""
    what = f"{bench.preset.name}, {'full size' if bench.full else 'tiny on the CPU'}, random weights"
    rate = probes.matmul_rate(bench.machine)
    yield Figure("matrix products", rate / 1e12, "TFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "clip.mp4")
        operations = probes.count_operations(bench.stock)
        yield Figure(f"operations of a clip ({what})", operations / 1e12, "TFLOP")
        floor = operations / rate
        yield Figure("floor", floor, "s")
        blank = np.zeros((bench.take.photo.height, bench.take.photo.width, 3), np.uint8)
        alone = seconds(lambda: write(iter([blank] * bench.take.frames), bench, target))
        yield Figure("encoding alone", alone, "s")
        stock = [seconds(lambda: write(iter(bench.stock()), bench, target)) for _ in range(rounds)]
        yield Figure(f"stock diffusers ({what})", statistics.median(stock), "s, with encoding")
        model = bench.hasten()
        yield Figure(
            "first clip of ours, with compiling", seconds(lambda: run_ours(model, bench, target)), "s"
        )
        parts = [run_ours(model, bench, target) for _ in range(rounds)]
        ours = statistics.median(map(sum, parts))
        yield Figure(f"ours ({what})", ours, "s, with encoding")
        yield Figure("  of it denoising", statistics.median(drawn for drawn, _ in parts), "s")
        yield Figure("  of it decoding and encoding", statistics.median(rest for _, rest in parts), "s")
    if bench.machine.device == "cuda":
        memory = import_torch().cuda.max_memory_allocated() / 2**30
        yield Figure("most GPU memory", memory, "GiB, stock and ours")
    yield from judge(bench, stock=statistics.median(stock), ours=ours, floor=floor)


def judge(bench: Bench, *, stock: float, ours: float, floor: float) -> Iterator[Figure]:
    """The goals are those of the preset at full size."""
    at_size = bench.full and bench.take.frames == bench.preset.frames
    aims = at_size and bench.preset.name == "standard" and bench.machine.options.decoder == "full"
    if not at_size:
        yield Figure("goals", None, "", skipped="only at full size, on a GPU")
    yield Figure("stock over ours", stock / ours, "times", FASTER_GOAL if aims else None, at_least=True)
    yield Figure("ours over the floor", ours / floor, "times", FLOOR_GOAL if aims else None)
    if at_size and bench.preset.name == "sound":
        yield Figure("sound", ours, "s", SOUND_GOAL_SECONDS)


def run_ours(model: Model, bench: Bench, target: Path) -> tuple[float, float]:
    """Seconds of denoising, and of decoding and encoding."""
    drawn: list[Any] = []
    first = seconds(lambda: drawn.append(model.draw(bench.take, unwatched, share=1.0)))
    rest = seconds(
        lambda: write((pixels for piece in model.decode(drawn[0]) for pixels in piece), bench, target)
    )
    return first, rest


def write(pictures: Iterator[np.ndarray], bench: Bench, target: Path) -> None:
    """Each picture is made a frame, and then another one is encoded in its place."""
    take, preset = bench.take, bench.preset
    frames: Iterator[Frame] = (
        to_picture(pixels).to_frame() and frame for pixels, frame in zip(pictures, bench.scenery, strict=True)
    )
    width, height = take.photo.size
    clip = RenderedClip(
        frames=frames, frame_count=take.frames, width=width, height=height, frames_per_second=preset.frames_per_second,
        renderer=preset.name, digital_source_type="", models=(TrainedModel(preset.title, "", ""),), made=Made(),
    )  # fmt: skip
    write_mp4(clip, target)


def draw_scenery(take: Take) -> tuple[Frame, ...]:
    """A landscape that the camera rises over, a frame for each of the clip's."""
    width, height = take.photo.size
    tall = np.clip(landscape(height + 2 * take.frames, width), 0, 255).astype(np.uint8)
    return tuple(
        to_picture(np.ascontiguousarray(tall[2 * number : 2 * number + height])).to_frame()
        for number in range(take.frames)
    )


def seconds(work: Callable[[], Any]) -> float:
    torch = import_torch()
    synchronize = torch.cuda.synchronize if torch.cuda.is_available() else (lambda: None)
    synchronize()
    started = time.perf_counter()
    work()
    synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
