"""Matrix products in 8 bits, on chips that have them: twice the rate of bfloat16 for the denoiser's linear layers.

Weights have one scale for each output, kept; activations one for each token, found anew every time. Attention, norms and everything
outside of the repeated blocks stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from engine.renderers.diffusion.machine import import_torch

LARGEST = 448.0
"""Of float8 e4m3."""

WORTH_IT = 1024
"""Smaller layers gain nothing; sides must be multiples of 16."""


def has_float8() -> bool:
    """Ada, Hopper and later."""
    torch = import_torch()
    return bool(torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 9))


def use_float8(blocks: Sequence[Any]) -> int:
    """Exchange the large linear layers of these blocks; how many there were."""
    torch = import_torch()
    found = [
        (parent, name, layer)
        for block in blocks
        for parent in block.modules()
        for name, layer in parent.named_children()
        if isinstance(layer, torch.nn.Linear) and min(layer.weight.shape) >= WORTH_IT
    ]
    for parent, name, layer in found:
        setattr(parent, name, make_float8(layer))
    return len(found)


def make_float8(layer: Any) -> Any:
    """The same linear layer with weights in 8 bits: (..., in) to (..., out)."""
    return _float8_linear()(layer)


@cache
def _float8_linear() -> Any:
    """One class for all layers: a compiler takes each class for another program."""
    torch = import_torch()

    class Float8Linear(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, layer: Any) -> None:
            super().__init__()
            weight, scale = quantize(layer.weight.detach())
            self.register_buffer("weight", weight)
            self.register_buffer("scale", scale.t().contiguous())
            self.bias = layer.bias

        def forward(self, x: Any) -> Any:
            rows, scale = quantize(x.reshape(-1, x.shape[-1]))
            out = torch._scaled_mm(  # noqa: SLF001  # torch's only door to these kernels
                rows, self.weight.t(), scale_a=scale, scale_b=self.scale, bias=self.bias, out_dtype=x.dtype, use_fast_accum=True
            )  # fmt: skip
            return out.reshape(*x.shape[:-1], out.shape[-1])

    return Float8Linear


def quantize(rows: Any) -> tuple[Any, Any]:
    """(n, k) to 8 bits, and the scales (n, 1) in float32 that undo it."""
    torch = import_torch()
    wide = rows.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / LARGEST
    return (wide / scale).to(torch.float8_e4m3fn), scale
