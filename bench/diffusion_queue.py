#!/usr/bin/env python3
"""How busy a GPU is with a queue of ten clips of `standard`, through the fleet as the engine runs it.

    bench/diffusion_queue.py [--jobs 10] [--workers 2] [--quick] [--json]

Full size with RANDOM weights on a GPU; tiny without one, where nothing but the time is told. Each clip is drawn, decoded, labelled,
watermarked, encoded and looked at in a worker process; gates and signing follow in other processes and do not wait for the GPU. Random
weights draw noise, which costs an encoder more than any clip, and which the look at quality refuses: a refusal counts as a clip here.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import numpy as np
from parts import fullsize
from parts.drawn import landscape
from parts.figures import Figure, show
from PIL import Image

from engine import logs
from engine.config import RendererTable
from engine.errors import PoorClip
from engine.fleet import RenderOrder
from engine.fleet.local import Deadlines, LocalFleet
from engine.provenance.mark import Mark
from engine.renderers import ClipFormat
from engine.renderers.diffusion.machine import Machine, import_torch

BUSY_GOAL = 90.0
LOOK_SECONDS = 0.05


@click.command()
@click.option("--jobs", default=10, show_default=True)
@click.option("--workers", default=2, show_default=True, help="On the same GPU.")
@click.option("--float8", is_flag=True)
@click.option("--quick", is_flag=True, help="Three tiny clips.")
@click.option("--json", "as_json", is_flag=True)
def main(*, jobs: int, workers: int, float8: bool, quick: bool, as_json: bool) -> None:
    """Build, save, and send the queue through."""
    logs.configure(process="bench")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # all workers share it
    machine = Machine.find(RendererTable())
    full = machine.device == "cuda" and not quick
    with tempfile.TemporaryDirectory() as folder:
        save_pipeline(Path(folder, "weights"), machine, full=full)
        options = RendererTable(weights=str(Path(folder, "weights")), float8=float8)
        run = run_queue(Path(folder), options, jobs=3 if quick else jobs, workers=workers, full=full)
        for figure in asyncio.run(run):
            show(figure, as_json=as_json)


def save_pipeline(folder: Path, machine: Machine, *, full: bool) -> None:
    """With a text encoder of one small layer; each caption is encoded once, and that is no part of the figure."""
    from transformers import UMT5Config, UMT5EncoderModel

    from tests.tiny_pipelines import t5_tokenizer

    pipe = fullsize.wan_pipeline(machine, full=full, quality=False)
    pipe.tokenizer = t5_tokenizer()
    config = UMT5Config(
        vocab_size=len(pipe.tokenizer), d_model=pipe.transformer.config.text_dim, d_kv=8, d_ff=32, num_layers=1,
        num_heads=4, feed_forward_proj="gated-gelu", relative_attention_num_buckets=8,
    )  # fmt: skip
    pipe.text_encoder = UMT5EncoderModel(config).to(getattr(import_torch(), machine.dtype))
    pipe.register_to_config(text_encoder=("transformers", "UMT5EncoderModel"), tokenizer=("transformers", "T5Tokenizer"))  # fmt: skip
    pipe.save_pretrained(folder)
    del pipe
    if machine.device == "cuda":
        import_torch().cuda.empty_cache()


async def run_queue(
    folder: Path, options: RendererTable, *, jobs: int, workers: int, full: bool
) -> list[Figure]:
    photo = folder / "photo.jpg"
    Image.fromarray(np.clip(landscape(1280, 704), 0, 255).astype(np.uint8)).save(photo)
    shape = ClipFormat(short_side=720, seconds=5.0) if full else ClipFormat(short_side=96, seconds=0.5)
    orders = [
        RenderOrder(
            job_id=f"job-{number}", attempt=1, photo_path=photo, prompt="soft wind", locale="en", seed=number,
            clip_format=shape, mark=Mark(number=number, key=b"a bench has no secrets"),
        )
        for number in range(jobs + workers)
    ]  # fmt: skip
    deadlines = Deadlines(load=600, first_step=300, step=300)
    async with LocalFleet(
        renderer="standard", models=folder, work=folder / "work", options=options, devices=workers, deadlines=deadlines,
    ) as fleet:  # fmt: skip
        started = time.perf_counter()
        await asyncio.gather(*(render(fleet, order) for order in orders[:workers]))  # whoever is slow to warm
        warm = time.perf_counter() - started
        with watch_gpu() as looks:
            started = time.perf_counter()
            ends = await asyncio.gather(*(render(fleet, order) for order in orders[workers:]))
            whole = time.perf_counter() - started
    what = f"{jobs} clips, {workers} workers, {'full size' if full else 'tiny'}, random weights"
    return [
        Figure("workers warm, first clips made", warm, "s"),
        Figure(f"clips a minute ({what})", 60 * jobs / whole, ""),
        Figure("a clip, from claim to file, median", float(np.median(ends)), "s"),
        Figure("GPU busy", float(np.mean(looks)), "%", BUSY_GOAL if full else None, at_least=True)
        if looks
        else Figure("GPU busy", None, "", skipped="needs a GPU and nvidia-ml-py"),
    ]


async def render(fleet: LocalFleet, order: RenderOrder) -> float:
    """Seconds that a worker had the order."""
    async with fleet.worker() as worker:
        started = time.perf_counter()
        with suppress(PoorClip):
            await worker.render(order, on_progress=lambda _doing: None)
        return time.perf_counter() - started


@contextmanager
def watch_gpu() -> Iterator[list[float]]:
    """What the driver says: the share of the time in which some kernel ran, looked at every 50 ms."""
    looks: list[float] = []
    try:
        import pynvml

        pynvml.nvmlInit()
        gpu: Any = pynvml.nvmlDeviceGetHandleByIndex(0)
    except Exception:  # noqa: BLE001  # no driver, no package
        yield looks
        return
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            looks.append(float(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
