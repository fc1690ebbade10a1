"""What of a preset lies where on a GPU of so much memory: a plan, made before anything is loaded onto it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.renderers.diffusion.presets import Preset

WORK_GIGABYTES = 7.0
"""Beside the weights, for `standard` at full size: 18.1 GiB at most were measured on an H200, 11 of them weights."""

TIGHT_GIGABYTES = 2.5
"""The same where the autoencoder works in tiles; an estimate."""


class TextPlace(Enum):
    """Where the text encoder works: beside the denoiser, in its place, or on the CPU."""

    BESIDE = "beside"
    SWAPPED = "swapped"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Plan:
    """`float8`: the denoisers' weights are kept in 8 bits and widened for each product, half the memory, a little slower.

    `offload`: parts wait in main memory and only the one that works is on the GPU. `tiles`: pictures are encoded and decoded in parts.
    """

    text: TextPlace = TextPlace.BESIDE
    float8: bool = False
    offload: bool = False
    tiles: bool = False


def plan_memory(preset: Preset, gigabytes: float) -> Plan:
    """`gigabytes` of the GPU; 0 where all is on the CPU, which has no plan to make."""
    if not gigabytes:
        return Plan()
    sizes = preset.sizes
    whole, half = sizes.denoisers * sizes.denoiser, sizes.denoisers * sizes.denoiser / 2
    offload = half + sizes.others + TIGHT_GIGABYTES > gigabytes
    one_at_a_time = sizes.denoiser if offload else whole + sizes.others
    float8 = one_at_a_time + TIGHT_GIGABYTES > gigabytes
    resident = (sizes.denoiser if offload else whole) / (2 if float8 else 1) + sizes.others
    return Plan(
        text=_place_text(preset, resident, gigabytes),
        float8=float8,
        offload=offload,
        tiles=offload or resident + WORK_GIGABYTES > gigabytes,
    )


def _place_text(preset: Preset, resident: float, gigabytes: float) -> TextPlace:
    text, others = preset.sizes.text_encoder, preset.sizes.others
    if resident + text + WORK_GIGABYTES <= gigabytes:
        return TextPlace.BESIDE
    return TextPlace.SWAPPED if others + text + TIGHT_GIGABYTES <= gigabytes else TextPlace.CPU
