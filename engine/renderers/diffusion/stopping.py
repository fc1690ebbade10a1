"""A job can be stopped inside the denoiser, not only between its steps; and whatever stops it leaves no trace.

The pipelines' own interruption skips the remaining steps and still decodes the whole clip, or is ignored (measured
with diffusers 0.42.1). An exception from a hook ends the call at the next block, at most some tenths of a second later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
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
        self._watch(
            self._share * self._done / self._total,
            step=min(self._done + 1, self._total),
            steps=self._total,
        )

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


class Pace:
    """Keeps the host from running ahead of the GPU: at most one block waits behind the one that works.

    Kernels are only queued by a call. Without this all blocks of a step would be queued within milliseconds, and a look
    between them would come before the work that it is to stop.
    """

    AHEAD = 2

    def __init__(self) -> None:
        self._queued: deque[Any] = deque()

    def keep(self, device: Any) -> None:
        if device.type != "cuda":
            return
        import torch

        event = torch.cuda.Event()
        event.record()
        self._queued.append(event)
        if len(self._queued) > self.AHEAD:
            self._queued.popleft().synchronize()


@contextmanager
def stoppable(denoisers: Sequence[Any], steps: Steps, pipe: Any) -> Iterator[None]:
    """Look at the watch before every block of the denoisers; afterwards, however it ends, everything is as it was."""
    pace = Pace()

    def look(_module: object, _inputs: object) -> None:
        steps.look()

    def look_at_pace(block: Any, _inputs: object) -> None:
        pace.keep(next(block.parameters()).device)
        steps.look()

    hooks = [denoiser.register_forward_pre_hook(look) for denoiser in denoisers]
    compiled: list[tuple[Any, Any]] = []
    for block in (block for denoiser in denoisers for block in blocks_of(denoiser)):
        if getattr(block, "_compiled_call_impl", None) is None:
            hooks.append(block.register_forward_pre_hook(look_at_pace))
        else:
            compiled.append((block, block._compiled_call_impl))  # noqa: SLF001
            block._compiled_call_impl = _looking_first(block, look_at_pace)  # noqa: SLF001  # torch calls it first
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for block, call in compiled:
            block._compiled_call_impl = call  # noqa: SLF001
        for denoiser in denoisers:
            denoiser._reset_stateful_cache()  # noqa: SLF001  # caches keep their state over an exception
        pipe.maybe_free_model_hooks()  # an exception skips the pipeline's own call


def _looking_first(block: Any, look: Callable[[Any, object], None]) -> Callable[..., Any]:
    """A hook would be compiled into a block, and make it compile anew for every job; this stays outside."""
    call = block._compiled_call_impl  # noqa: SLF001

    def looking(*args: Any, **kwargs: Any) -> Any:
        look(block, args)
        return call(*args, **kwargs)

    return looking


def blocks_of(denoiser: Any) -> Sequence[Any]:
    """The repeated blocks, where nearly all of the time is spent."""
    return getattr(denoiser, "transformer_blocks", None) or getattr(denoiser, "blocks", None) or ()
