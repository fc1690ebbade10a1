#!/usr/bin/env python3
"""A diffusion preset beside stock diffusers with the same model and steps, and beside the floor, in one run.

    bench/diffusion.py [--quick] [--json] [--rounds 3]

On a GPU: `standard` (704×1280, 121 frames) at full size with RANDOM weights, whose time is that of the real ones; no text
encoder runs. Without a GPU: the tiny pipeline of the tests on the CPU, which shows only that our own code adds nothing, and the goals
are skipped. Stock is the pipeline as diffusers ships it, decoded at once and then encoded; ours is what a worker runs. The
floor is the operations of the graph that ran, at the rate at which this machine multiplies matrices.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from engine import logs
from engine.config import RendererTable
from engine.errors import ConfigError
from engine.media.clip import Frame, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.renderers.diffusion.machine import Machine, import_torch
from engine.renderers.diffusion.model import Take
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.scene.picture import to_picture

FASTER_GOAL = 3.0
FLOOR_GOAL = 2.0
PRESET = PRESETS["standard"]


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
        return f"{self.name:<44} {self.value:10.3f} {self.unit}{aim}"


@click.command()
@click.option("--quick", is_flag=True, help="One round; on a GPU, a small clip.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--rounds", default=3, show_default=True)
def main(*, quick: bool, as_json: bool, rounds: int) -> None:
    """Measure and print."""
    logs.configure(process="bench")  # to stderr
    try:
        lines = list(measure(rounds=1 if quick else rounds, quick=quick))
    except ConfigError as error:
        lines = [Line("diffusion", None, "", skipped=str(error))]
    for line in lines:
        fields = {
            "name": line.name,
            "value": line.value,
            "unit": line.unit,
            "goal": line.goal,
            "met": line.met,
        }
        print(json.dumps(fields | {"skipped": line.skipped}) if as_json else line, flush=True)


def measure(*, rounds: int, quick: bool) -> Iterator[Line]:
    from engine.renderers.diffusion.wan import Wan

    machine = Machine.find(RendererTable())
    on_gpu = machine.device == "cuda"
    what = "full size, random weights" if on_gpu else "tiny, random weights, CPU"
    size, frames = (
        ((PRESET.short_side, PRESET.long_side), PRESET.frames) if on_gpu and not quick else ((96, 160), 9)
    )
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    take = Take(photo=photo, caption="snow", frames=frames, seed=1)
    stock_pipe, our_pipe = (build(machine, full=on_gpu) for _ in range(2))
    stock_pipe.to(machine.device)
    wan = Wan(PRESET, our_pipe, machine)
    text = {"prompt_embeds": a_text(stock_pipe, machine)}
    wan._encode = lambda _caption: text  # noqa: SLF001  # there is no text encoder
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "clip.mp4")
        stock = lambda: run_stock(stock_pipe, take, text, target, machine)  # noqa: E731
        ours = lambda: run_ours(wan, take, target)  # noqa: E731
        operations = count_operations(ours)
        ours(), stock()  # both are warm
        times: dict[str, list[float]] = {"stock": [], "ours": []}
        for _ in range(rounds):
            times["stock"].append(seconds(stock))
            times["ours"].append(seconds(ours))
    faster = statistics.median(s / o for s, o in zip(times["stock"], times["ours"], strict=True))
    floor = operations / matmul_rate(machine)
    yield Line(f"stock diffusers ({what})", statistics.median(times["stock"]), "s a clip, with encoding")
    yield Line(f"ours ({what})", statistics.median(times["ours"]), "s a clip, with encoding")
    yield Line("floor of the graph that ran", floor, "s a clip")
    if on_gpu and not quick:
        yield Line("faster than stock", faster, "times", FASTER_GOAL, faster >= FASTER_GOAL)
        over = statistics.median(times["ours"]) / floor
        yield Line("over the floor", over, "times", FLOOR_GOAL, over <= FLOOR_GOAL)
        return
    yield Line("stock over ours", faster, "times")
    yield Line("faster than stock at full size", None, "", skipped="needs a GPU")
    yield Line("over the floor at full size", None, "", skipped="needs a GPU")


def run_stock(pipe: Any, take: Take, text: dict[str, Any], target: Path, machine: Machine) -> None:
    """As the documentation of diffusers has it: the whole clip as an array, then a file."""
    from engine.renderers.diffusion.schedulers import make_scheduler

    pipe.scheduler = make_scheduler(PRESET.sampler, PRESET.sigmas)
    pipe.scheduler.rng = machine.generator(1)
    width, height = take.photo.size
    video = pipe(
        image=take.photo, width=width, height=height, num_frames=take.frames, num_inference_steps=len(PRESET.sigmas),
        guidance_scale=1.0, generator=machine.generator(take.seed), output_type="np", **text,
    ).frames[0]  # fmt: skip
    write(iter(np.rint(video * 255).astype(np.uint8)), take, target)


def run_ours(wan: Any, take: Take, target: Path) -> None:
    drawn = wan.draw(take, lambda _share: None, share=1.0)
    write((pixels for piece in wan.decode(drawn) for pixels in piece), take, target)


def write(pictures: Iterator[np.ndarray], take: Take, target: Path) -> None:
    frames: Iterator[Frame] = (to_picture(pixels).to_frame() for pixels in pictures)
    width, height = take.photo.size
    clip = RenderedClip(
        frames=frames, frame_count=take.frames, width=width, height=height, frames_per_second=PRESET.frames_per_second,
        renderer=PRESET.name, digital_source_type="", models=(TrainedModel(PRESET.title, "", ""),), made=Made(),
    )  # fmt: skip
    write_mp4(clip, target)


def build(machine: Machine, *, full: bool) -> Any:
    """FastWan 5B's pipeline without a text encoder, weights drawn by torch."""
    from diffusers import (
        AutoencoderKLWan,
        UniPCMultistepScheduler,
        WanImageToVideoPipeline,
        WanTransformer3DModel,
    )

    torch = import_torch()
    torch.manual_seed(0)
    torch.set_default_dtype(getattr(torch, machine.dtype))
    heads, head, text, feed, layers = (24, 128, 4096, 14336, 30) if full else (2, 12, 32, 32, 2)
    base, decoder, multiples, blocks = (160, 256, [1, 2, 4, 4], 2) if full else (8, 8, [1, 1, 1, 1], 1)
    with torch.device(machine.device):
        denoiser = WanTransformer3DModel(
            num_attention_heads=heads, attention_head_dim=head, in_channels=48, out_channels=48, text_dim=text,
            ffn_dim=feed, num_layers=layers, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        )  # fmt: skip
        vae = AutoencoderKLWan(
            base_dim=base, decoder_base_dim=decoder, z_dim=48, in_channels=12, out_channels=12, is_residual=True,
            patch_size=2, dim_mult=multiples, num_res_blocks=blocks, latents_mean=[0.0] * 48, latents_std=[1.0] * 48,
            scale_factor_spatial=16, scale_factor_temporal=4, temperal_downsample=[False, True, True],
        )  # fmt: skip
    torch.set_default_dtype(torch.float32)
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
    )
    pipe = WanImageToVideoPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=vae,
        transformer=denoiser,
        scheduler=scheduler,
        expand_timesteps=True,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def a_text(pipe: Any, machine: Machine) -> Any:
    """An encoded caption of the usual length; what it says does not change the time."""
    torch = import_torch()
    width, dtype = pipe.transformer.config.text_dim, getattr(torch, machine.dtype)
    return torch.randn(1, 512, width, device=machine.device, dtype=dtype)


def count_operations(work: Callable[[], None]) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def matmul_rate(machine: Machine) -> float:
    """Operations a second of a large matrix product, in the type that the model uses."""
    torch = import_torch()
    side = 8192 if machine.device == "cuda" else 1024
    one = torch.randn(side, side, device=machine.device, dtype=getattr(torch, machine.dtype))

    def multiply() -> None:
        for _ in range(10):
            one @ one

    multiply()
    return 10 * 2 * side**3 / min(seconds(multiply) for _ in range(3))


def seconds(work: Callable[[], None]) -> float:
    torch = import_torch()
    synchronize = torch.cuda.synchronize if torch.cuda.is_available() else (lambda: None)
    synchronize()
    started = time.perf_counter()
    work()
    synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
