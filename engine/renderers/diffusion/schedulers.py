"""Schedulers whose noise levels are fixed: a few-step checkpoint needs exactly those that it was distilled with."""

from __future__ import annotations

from typing import Any

from engine.renderers.diffusion.presets import Sampler


def make_scheduler(sampler: Sampler, sigmas: tuple[float, ...]) -> Any:
    """A diffusers scheduler over `sigmas` (1 is pure noise), then 0. Set its `rng` before each job.

    The Wan pipelines take no `sigmas`, and pass no generator to `step`: the fresh noise of RENOISE would come
    from torch's global state, and the same seed would give another clip.
    """
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchLCMScheduler

    base: Any = FlowMatchLCMScheduler if sampler is Sampler.RENOISE else FlowMatchEulerDiscreteScheduler

    class FixedSigmas(base):  # type: ignore[misc]
        rng: Any = None

        def set_timesteps(
            self, num_inference_steps: int | None = None, device: Any = None, *_: Any, **__: Any
        ) -> None:
            del num_inference_steps  # as many as there are sigmas
            levels = torch.tensor(sigmas, dtype=torch.float32, device=device)
            self.num_inference_steps = len(sigmas)
            self.timesteps = levels * self.config.num_train_timesteps
            self.sigmas = torch.cat([levels, torch.zeros(1, device=levels.device)])
            self._step_index = self._begin_index = self._init_size = None

        def step(self, *args: Any, generator: Any = None, **kwargs: Any) -> Any:
            return super().step(*args, generator=self.rng if generator is None else generator, **kwargs)

    return FixedSigmas()
