"""The diffusion presets as plain data: which model, at which size, with which steps, under which licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from engine.errors import ConfigError


class Family(Enum):
    """Models that one piece of code can run."""

    WAN = "wan"
    LTX = "ltx"


class Sampler(Enum):
    """How a few-step model goes from one noise level to the next.

    RENOISE predicts the clean clip and adds fresh noise (what DMD distillation was trained with); EULER follows
    the flow.
    """

    RENOISE = "renoise"
    EULER = "euler"


@dataclass(frozen=True, slots=True)
class Lora:
    """Extra weights that are fused into a model at loading; `second` says into which of two experts."""

    repo: str
    file: str
    second: bool


@dataclass(frozen=True, slots=True)
class TinyWeights:
    """A tiny decoder's. `channels` of the latents; each of its output pixels holds `patch` × `patch` of the clip's."""

    repo: str
    file: str
    channels: int
    patch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Weights in bfloat16, GiB: each of the denoisers, the text encoder, and all others together."""

    denoiser: float
    denoisers: int = 1
    text_encoder: float
    others: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One way to make clips.

    `folder` is where its weights lie under the models folder. `short_side` × `long_side` is the size of an upright
    clip; other shapes have as many pixels. Sides are multiples of `side_step`; `frames` is a multiple of
    `frame_step`, plus one. `sigmas` are the noise levels that the checkpoint was distilled for; empty where the
    family brings its own. `memory_gigabytes` is the least memory of a GPU that it is chosen for.
    """

    name: str
    family: Family
    title: str
    version: str
    licence: str
    repo: str
    folder: str
    short_side: int
    long_side: int
    side_step: int
    frames_per_second: int
    frames: int
    frame_step: int
    memory_gigabytes: float
    sizes: Sizes
    sampler: Sampler = Sampler.EULER
    sigmas: tuple[float, ...] = ()
    loras: tuple[Lora, ...] = ()
    expand_timesteps: bool = False
    """Wan's 5B model takes the photo as its first latent frame; its repository's index does not say so."""
    tiny: TinyWeights | None = None
    """For `decoder = "tiny"`; None where the family has none."""
    licence_note: str = ""
    """What an operator must accept before the weights are fetched; empty where the licence asks nothing."""


_TINY = "lightx2v/Autoencoders"
_UMT5 = 10.6


def _fast_wan(name: str, short_side: int, long_side: int, *, frames: int, memory_gigabytes: float) -> Preset:
    return Preset(
        name=name,
        family=Family.WAN,
        title="FastWan2.2-TI2V-5B",
        version="2.2",
        licence="Apache-2.0",
        repo="FastVideo/FastWan2.2-TI2V-5B-FullAttn-Diffusers",
        folder="fastwan2.2-ti2v-5b",
        short_side=short_side,
        long_side=long_side,
        side_step=32,
        frames_per_second=24,
        frames=frames,
        frame_step=4,
        memory_gigabytes=memory_gigabytes,
        sizes=Sizes(denoiser=9.3, text_encoder=_UMT5, others=1.3),
        sampler=Sampler.RENOISE,
        sigmas=(1.0, 0.757, 0.522),
        expand_timesteps=True,
        tiny=TinyWeights(_TINY, "taew2_2.safetensors", channels=48, patch=2),
    )


_DISTILL_LORAS = "lightx2v/Wan2.2-Distill-Loras"

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        _fast_wan("lite", 480, 832, frames=81, memory_gigabytes=7.5),
        _fast_wan("standard", 704, 1280, frames=121, memory_gigabytes=15),
        Preset(
            name="quality",
            family=Family.WAN,
            title="Wan2.2-I2V-A14B with 4-step LoRA",
            version="2.2",
            licence="Apache-2.0",
            repo="Wan-AI/Wan2.2-I2V-A14B-Diffusers",
            folder="wan2.2-i2v-a14b",
            short_side=480,
            long_side=832,
            side_step=16,
            frames_per_second=16,
            frames=81,
            frame_step=4,
            memory_gigabytes=23,
            sizes=Sizes(denoiser=26.6, denoisers=2, text_encoder=_UMT5, others=0.3),
            sigmas=(1.0, 0.9375, 0.8333333, 0.625),  # t = 1000, 750, 500, 250 with shift 5: s = 5t / (1 + 4t)
            tiny=TinyWeights(_TINY, "taew2_1.safetensors", channels=16, patch=1),
            loras=(
                Lora(_DISTILL_LORAS, "wan2.2_i2v_A14b_high_noise_lora_rank64_lightx2v_4step_1022.safetensors", second=False),
                Lora(_DISTILL_LORAS, "wan2.2_i2v_A14b_low_noise_lora_rank64_lightx2v_4step_1022.safetensors", second=True),
            ),
        ),
        Preset(
            name="sound",
            family=Family.LTX,
            title="LTX-2.5 distilled",
            version="2.5",
            licence="LTX-2.x Community License",
            repo="Lightricks/LTX-2.5-Diffusers",
            folder="ltx-2.5",
            short_side=576,
            long_side=1024,
            side_step=64,
            frames_per_second=24,
            frames=121,
            frame_step=8,
            memory_gigabytes=47,
            sizes=Sizes(denoiser=35.4, text_encoder=22.4, others=8.8),
            licence_note=(
                "LTX-2.x Community License: free below 10 million US dollars of yearly revenue; not for a product that "
                "competes with Lightricks; what it makes must be disclosed as made with AI, and its marks must stay."
            ),
        ),
    )
}  # fmt: skip
"""By name. LTX is never chosen by itself: its licence asks for a decision."""

BY_MEMORY = ("quality", "standard", "lite")
"""What `renderer = "auto"` tries, the most demanding first. Apache-2.0 all of them."""


def find_preset(name: str) -> Preset:
    """Raises ConfigError, with the names that there are."""
    if name not in PRESETS:
        raise ConfigError(f"there is no preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
