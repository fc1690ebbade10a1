"""The parts of a diffusion clip by themselves, at the sizes of `standard`: what an option gains, before it is used."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from parts import fullsize
from parts.figures import Figure

from engine.renderers.diffusion import tiny, wan
from engine.renderers.diffusion.decoder import hasten
from engine.renderers.diffusion.float8 import make_float8, quantize, use_float8
from engine.renderers.diffusion.machine import ATTENTION, Machine, import_torch, make_channels_last
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.diffusion.stopping import blocks_of

TOKENS, HEADS, HEAD = 27_280, 24, 128
"""Of FastWan 5B at 704×1280×121."""

CONVOLUTIONS = ((512, 512, 4, 176, 320), (256, 256, 4, 352, 640), (1024, 1024, 2, 88, 160))
"""Channels in and out, frames, height, width: the decoder's costliest, for one latent frame."""


def probe(machine: Machine) -> Iterator[Figure]:
    """Needs a GPU."""
    if machine.device != "cuda":
        yield Figure("probes", None, "", skipped="needs a GPU")
        return
    yield Figure("matrix products, bfloat16", matmul_rate(machine) / 1e12, "TFLOP/s")
    yield Figure("copies, read and written", _copy_rate() / 1e12, "TB/s")
    parts = {
        "attention": _attention(),
        "convolutions": _convolutions(),
        "8 bits": _float8(machine),
        "decoder": _decoder(machine),
        "passes": _passes(machine),
    }
    for name, part in parts.items():
        try:
            yield from part
        except Exception as error:  # noqa: BLE001  # what one chip cannot do says nothing of the others
            yield Figure(name, None, "", skipped=f"{type(error).__name__}: {str(error)[:200]}")


def matmul_rate(machine: Machine) -> float:
    """Operations a second of a large matrix product, in the type that the model uses; random values."""
    torch = import_torch()
    side = 8192 if machine.device == "cuda" else 1024
    one = torch.randn(side, side, device=machine.device, dtype=getattr(torch, machine.dtype))
    return 2 * side**3 / median_seconds(lambda: one @ one)


def count_operations(work: Callable[[], Any]) -> float:
    """Of eager code: what is compiled would not be seen."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def median_seconds(work: Callable[[], Any], *, rounds: int = 10) -> float:
    """By the GPU's own clock where there is one."""
    torch = import_torch()
    if not torch.cuda.is_available():
        work()
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    for _ in range(3):
        work()
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
    marks[0].record()
    for mark in marks[1:]:
        work()
        mark.record()
    torch.cuda.synchronize()
    times = sorted(one.elapsed_time(two) for one, two in itertools.pairwise(marks))
    return float(times[rounds // 2]) / 1000


def _float8(machine: Machine) -> Iterator[Figure]:
    torch = import_torch()
    layer = torch.nn.Linear(3072, 14336, device="cuda", dtype=getattr(torch, machine.dtype))
    rows = torch.randn(TOKENS, 3072, device="cuda", dtype=getattr(torch, machine.dtype))
    operations = 2 * TOKENS * 3072 * 14336
    eight, (weight, scale_b), (x, scale_a) = make_float8(layer), quantize(layer.weight), quantize(rows)
    product = lambda: torch._scaled_mm(  # noqa: E731, SLF001
        x, weight.t(), scale_a=scale_a, scale_b=scale_b.t().contiguous(), out_dtype=rows.dtype, use_fast_accum=True
    )  # fmt: skip
    compiled = torch.compile(eight)
    for name, work in (
        ("bfloat16", lambda: layer(rows)),
        ("8 bits, product", product),
        ("8 bits, compiled", lambda: compiled(rows)),
    ):
        yield Figure(f"linear 3072 → 14336, {name}", operations / median_seconds(work) / 1e12, "TFLOP/s")
    exact = torch.nn.functional.linear(rows.float(), layer.weight.float(), layer.bias.float())
    for name, out in (("bfloat16", layer(rows)), ("8 bits", eight(rows))):
        yield Figure(f"linear, {name}, error", float((out.float() - exact).norm() / exact.norm()), "of 1")


def _copy_rate() -> float:
    torch = import_torch()
    one = torch.empty(2**32, dtype=torch.uint8, device="cuda")
    two = torch.empty_like(one)
    return 2 * 2**32 / median_seconds(lambda: two.copy_(one))


def _attention() -> Iterator[Figure]:
    from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn

    torch = import_torch()
    query, key, value = (
        torch.randn(1, TOKENS, HEADS, HEAD, device="cuda", dtype=torch.bfloat16) for _ in range(3)
    )
    operations = 4 * TOKENS**2 * HEADS * HEAD
    for name in (*ATTENTION, "_native_cudnn", "_native_flash"):
        work = lambda name=name: dispatch_attention_fn(query, key, value, backend=AttentionBackendName(name))  # noqa: E731
        try:
            rate = operations / median_seconds(work, rounds=5)
        except Exception as error:  # noqa: BLE001  # whatever a missing package raises
            yield Figure(f"attention {name}", None, "", skipped=f"{type(error).__name__}: not installed")
        else:
            yield Figure(f"attention {name}", rate / 1e12, "TFLOP/s")


def _convolutions() -> Iterator[Figure]:
    torch = import_torch()
    for channels_in, channels_out, frames, height, width in CONVOLUTIONS:
        operations = 2 * 27 * channels_in * channels_out * frames * height * width
        size = f"{channels_in}→{channels_out} {frames}×{height}×{width}"
        for name, dtype, layout in (
            ("float32 planes", torch.float32, torch.contiguous_format),
            ("bfloat16 planes", torch.bfloat16, torch.contiguous_format),
            ("bfloat16 channels last", torch.bfloat16, torch.channels_last_3d),
        ):
            x = torch.randn(1, channels_in, frames + 2, height, width, device="cuda", dtype=dtype)
            weight = torch.randn(channels_out, channels_in, 3, 3, 3, device="cuda", dtype=dtype)
            work = partial(
                torch.nn.functional.conv3d,
                x.to(memory_format=layout),
                weight.to(memory_format=layout),
                padding=(0, 1, 1),
            )
            rate = operations / median_seconds(work, rounds=3)
            yield Figure(f"conv {size} {name}", rate / 1e12, "TFLOP/s")


def _decoder(machine: Machine) -> Iterator[Figure]:
    """Nine latent frames by Wan's decoder, and by the tiny one; first as diffusers goes, then as we do."""
    torch = import_torch()
    vae = fullsize.wan_vae(machine, full=True)
    latents = torch.randn(1, 48, 9, 44, 80, device="cuda", dtype=torch.bfloat16)

    def decode() -> None:
        for _ in wan.decode_pieces(vae, latents):
            pass

    yield Figure("decoder, diffusers' own", median_seconds(decode, rounds=1), "s for 33 frames")
    make_channels_last(vae)
    yield Figure("decoder, the same, channels last", median_seconds(decode, rounds=1), "s for 33 frames")
    for compiled in (False, True):
        hasten(vae, compiled=compiled)
        name = "decoder, ours, compiled" if compiled else "decoder, ours"
        yield Figure(name, median_seconds(decode, rounds=1), "s for 33 frames")
    weights = PRESETS["standard"].tiny
    assert weights is not None
    small = fullsize.tiny_decoder(weights, machine)
    work = lambda: list(tiny.decode_pieces(small, latents, patch=weights.patch))  # noqa: E731
    yield Figure("decoder, tiny", median_seconds(work, rounds=2), "s for 33 frames")


def _passes(machine: Machine) -> Iterator[Figure]:
    """A pass of the denoiser for one clip and for two at once, and how much of it the GPU is at work."""
    torch = import_torch()
    denoiser = fullsize.wan_denoiser(machine, full=True, channels=(48, 48))
    denoiser.set_attention_backend(next(iter(usable(denoiser))))

    def run(batch: int) -> None:
        latents = torch.randn(batch, 48, 31, 44, 80, device="cuda", dtype=torch.bfloat16)
        text = torch.randn(batch, 512, 4096, device="cuda", dtype=torch.bfloat16)
        times = torch.full((batch, TOKENS), 757.0, device="cuda")
        denoiser(hidden_states=latents, timestep=times, encoder_hidden_states=text, return_dict=False)

    one = median_seconds(lambda: run(1), rounds=2)
    two = median_seconds(lambda: run(2), rounds=2)
    yield Figure("denoiser, eager, one clip", one, "s a pass")
    yield Figure("denoiser, eager, two clips at once", two / 2, "s a pass and clip")
    for name, options in (("this size", {"dynamic": False}), ("any size", {"dynamic": True})):
        torch.compiler.reset()
        denoiser.compile_repeated_blocks(fullgraph=True, **options)
        run(1)
        yield Figure(f"denoiser, compiled for {name}", median_seconds(lambda: run(1), rounds=3), "s a pass")
    yield Figure("denoiser, compiled, GPU at work", busy_share(lambda: run(1)), "of 1")
    use_float8(blocks_of(denoiser))
    torch.compiler.reset()
    denoiser.compile_repeated_blocks(fullgraph=True, dynamic=True)
    run(1)
    yield Figure("denoiser, compiled, 8 bits", median_seconds(lambda: run(1), rounds=3), "s a pass")


def usable(denoiser: Any) -> Iterator[str]:
    """Attention backends that can be set, the fastest first."""
    for name in ATTENTION:
        try:
            denoiser.set_attention_backend(name)
        except (ImportError, RuntimeError, ValueError):
            continue
        yield name


def busy_share(work: Callable[[], Any]) -> float:
    """The kernels' time over the time of it all: what CUDA graphs could gain is the rest."""
    from torch.profiler import ProfilerActivity, profile

    torch = import_torch()
    work()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        whole = time.perf_counter() - started
    kernels = sum(event.self_device_time_total for event in profiled.key_averages()) / 1e6
    return float(kernels / whole)
