"""The device that a pipeline runs on: how models are loaded onto it, and what makes them fast there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine import logs
from engine.config import RendererTable
from engine.errors import ConfigError
from engine.renderers.diffusion.memory import Plan

log = logs.get(__name__)

ATTENTION = ("_flash_3", "sage", "native")
"""What `attention = "auto"` tries on a GPU, the fastest first. None of them downloads anything.

"native" is torch's own choice; on an H200 it was 6 % faster than cuDNN's asked for by name (docs/performance.md).
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """`device` is "cuda" or "cpu"; `dtype` the name of a torch type; `gigabytes` the memory of the GPU, 0 without."""

    device: str
    dtype: str
    gigabytes: float
    options: RendererTable

    @classmethod
    def find(cls, options: RendererTable) -> Machine:
        """The first GPU that this process may use; without one, the CPU. Raises ConfigError without torch."""
        torch = import_torch()
        if not torch.cuda.is_available():
            return cls(device="cpu", dtype="float32", gigabytes=0.0, options=options)
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return cls(device="cuda", dtype="bfloat16", gigabytes=memory, options=options)

    @property
    def compiles(self) -> bool:
        return self.options.compile and self.device == "cuda"

    def generator(self, seed: int) -> Any:
        """A random generator of its own, on the device."""
        return import_torch().Generator(self.device).manual_seed(seed)

    def load(self, pipeline: Any, folder: Path, **settings: Any) -> Any:
        """The pipeline of an explicit class from a local folder. Raises ConfigError where it is not whole.

        A tensor that the files lack is left unset by diffusers, without a word; here it is an error.
        """
        torch = import_torch()
        if not folder.is_dir():
            raise ConfigError(f"the weights are missing: there is no folder {folder.name} among the models")
        quiet_progress_bars()
        try:
            pipe = pipeline.from_pretrained(
                str(folder), dtype=getattr(torch, self.dtype), local_files_only=True, **settings
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(f"{folder.name} cannot be loaded: {type(error).__name__}") from error
        refuse_unset(pipe, folder)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def place(self, pipe: Any, denoisers: Sequence[Any], plan: Plan) -> None:
        """Everything but the text encoder onto the device, as planned; what waits in main memory stays there."""
        torch = import_torch()
        for denoiser in denoisers if plan.float8 else ():
            denoiser.enable_layerwise_casting(
                storage_dtype=torch.float8_e4m3fn, compute_dtype=getattr(torch, self.dtype)
            )
        if not plan.offload:
            pipe.to(self.device)
        log.info(
            "memory planned",
            gigabytes=round(self.gigabytes),
            **{name: str(value) for name, value in asdict(plan).items()},
        )
        self._speed_up(denoisers)

    def _speed_up(self, denoisers: Sequence[Any]) -> None:
        """The best attention that is there, and compiled blocks where asked for; says which ran."""
        for denoiser in denoisers:
            attention = self._choose_attention(denoiser)
            float8 = self._use_float8(denoiser)
            if self.compiles:
                # for any size at once: as fast as for one size, and no later clip waits for a compiler
                denoiser.compile_repeated_blocks(fullgraph=True, dynamic=True)
            log.info(
                "denoiser ready",
                attention=attention,
                compiled=self.compiles,
                float8_layers=float8,
                dtype=self.dtype,
                device=self.device,
            )

    def _use_float8(self, denoiser: Any) -> int:
        """How many layers multiply in 8 bits from now on."""
        from engine.renderers.diffusion.float8 import has_float8, use_float8
        from engine.renderers.diffusion.stopping import blocks_of

        if not (self.options.float8 and self.device == "cuda" and has_float8()):
            return 0
        return use_float8(blocks_of(denoiser))

    def _choose_attention(self, denoiser: Any) -> str:
        wanted = self.options.attention
        if wanted != "auto":
            denoiser.set_attention_backend(wanted)
            return wanted
        for name in ATTENTION if self.device == "cuda" else ():
            try:
                denoiser.set_attention_backend(name)
            except (ImportError, RuntimeError, ValueError) as error:
                log.info("attention is not there", attention=name, error=type(error).__name__)
            else:
                return name
        return "native"


def make_channels_last(module: Any) -> None:
    """Convolutions over pictures and over videos; tensor cores want channels side by side."""
    torch = import_torch()
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.to(memory_format=torch.channels_last)
        elif isinstance(part, torch.nn.Conv3d):
            part.to(memory_format=torch.channels_last_3d)


def import_torch() -> Any:
    """Raises ConfigError, with the command that helps."""
    try:
        import torch
    except ImportError as error:
        raise ConfigError("this renderer needs torch and diffusers; run: scripts/setup gpu") from error
    return torch


def quiet_progress_bars() -> None:
    """A worker's output is its log."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()


def refuse_unset(pipe: Any, folder: Path) -> None:
    """Raises ConfigError where a tensor that the model has is in none of its files."""
    torch = import_torch()
    for name, part in pipe.components.items():
        if not isinstance(part, torch.nn.Module):
            continue
        part.requires_grad_(False)
        unset = [key for key, tensor in part.state_dict(keep_vars=True).items() if tensor.is_meta]
        if unset:
            raise ConfigError(
                f"{folder.name} is not whole: {name} lacks {len(unset)} tensors, first {unset[0]}"
            )
