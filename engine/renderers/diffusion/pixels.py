"""Decoded pieces from the device to bytes: the next one is at work there while the caller has this one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.renderers.diffusion.machine import import_torch


def bring(pieces: Iterator[Any]) -> Iterator[NDArray[np.uint8]]:
    """(1, 3, frames, height, width) in -1..1 to (frames, height, width, 3) bytes, one piece behind what is asked for."""
    waiting: _OnItsWay | None = None
    for piece in pieces:
        sent = _send(piece)
        if waiting is not None:
            yield waiting.arrive()
        waiting = sent
    if waiting is not None:
        yield waiting.arrive()


@dataclass(frozen=True, slots=True)
class _OnItsWay:
    """Bytes that a device is copying into pinned memory; `event` is None where they are here already."""

    pixels: Any
    event: Any

    def arrive(self) -> NDArray[np.uint8]:
        if self.event is not None:
            self.event.synchronize()
        pixels: NDArray[np.uint8] = self.pixels.numpy()
        return pixels


def _send(video: Any) -> _OnItsWay:
    torch = import_torch()
    scaled = video[0].permute(1, 2, 3, 0).float().add(1).mul(127.5).round().clamp(0, 255)
    pixels = scaled.to(torch.uint8).contiguous()
    if not pixels.is_cuda:
        return _OnItsWay(pixels, None)
    here = torch.empty(pixels.shape, dtype=torch.uint8, pin_memory=True)
    here.copy_(pixels, non_blocking=True)
    event = torch.cuda.Event()
    event.record()
    return _OnItsWay(here, event)
