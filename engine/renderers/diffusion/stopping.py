"""A job can be stopped inside the denoiser, not only between its steps; and whatever stops it leaves no trace.

The pipelines' own interruption skips the remaining steps and still decodes the whole clip, or is ignored (measured
with diffusers 0.42.1). An exception from a hook ends the call at the next block, at most some tenths of a second later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.errors import RenderFailed
from engine.renderers import Watch


class Steps:
    """Counts the denoising steps of one job and tells the watch; `share` is the part of the whole job that they are."""

    def __init__(self, watch: Watch, *, total: int, share: float) -> None:
        self._watch, self._total, self._share, self._done = watch, total, share, 0

    def look(self) -> None:
        """Raises what the watch raises, where the job is to stop."""
        self._watch(self._share * self._done / self._total)

    def on_step_end(
        self, _pipe: object, _step: int, _timestep: object, tensors: dict[str, Any]
    ) -> dict[str, Any]:
        """Diffusers' `callback_on_step_end`. Raises RenderFailed where the numbers have run away."""
        import torch

        if not torch.isfinite(tensors["latents"]).all():
            raise RenderFailed("the latents are not finite")
        self._done += 1
        self.look()
        return tensors


@contextmanager
def stoppable(denoisers: Sequence[Any], steps: Steps, pipe: Any) -> Iterator[None]:
    """Look at the watch before every block of the denoisers; afterwards, however it ends, everything is as it was."""

    def look(_module: object, _inputs: object) -> None:
        steps.look()

    hooks = [denoiser.register_forward_pre_hook(look) for denoiser in denoisers]
    hooks += [
        block.register_forward_pre_hook(look) for denoiser in denoisers for block in _blocks_of(denoiser)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for denoiser in denoisers:
            denoiser._reset_stateful_cache()  # noqa: SLF001  # caches keep their state over an exception
        pipe.maybe_free_model_hooks()  # an exception skips the pipeline's own call


def _blocks_of(denoiser: Any) -> list[Any]:
    """Compiled blocks are left alone: a hook would make them compile anew."""
    blocks = getattr(denoiser, "transformer_blocks", None) or getattr(denoiser, "blocks", None) or []
    return [block for block in blocks if getattr(block, "_compiled_call_impl", None) is None]
