"""Wan's decoder with fewer passes over memory: the same modules and the same cache of frames, other forwards.

Diffusers copies each convolution's input twice (old frames in front, then a border of zeros), takes a norm in five passes, and
falls out of the channels-last layout at every enlargement, where the convolutions are then transposed back and forth. Here bias, norm
and activation are one pass that writes behind the old frames, borders are the convolution's own, the layout stays, and no pixel is
repeated before it is convolved. A test holds the decoded clip equal to that of diffusers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.renderers.diffusion.machine import import_torch

FRAMES_KEPT = 2
"""Old frames that a convolution over three looks back at."""


PHASES = {"upper_left": (0, 0), "upper_right": (0, 1), "lower_left": (1, 0), "lower_right": (1, 1)}
"""The four pixels that one becomes: row and column."""


@dataclass(frozen=True, slots=True)
class Passes:
    """What is done to rows (n, channels) between two convolutions; the last argument is written."""

    norm: Callable[[Any, Any, Any, Any], None]
    add: Callable[[Any, Any, Any, Any], None]


def hasten(vae: Any, *, compiled: bool) -> None:
    """Replace the forwards of the decoder's parts; its weights and whoever calls it stay as they are."""
    from diffusers.models.autoencoders import autoencoder_kl_wan as wan

    passes = Passes(_compiled(_norm), _compiled(_add)) if compiled else Passes(_norm, _add)
    replaced: dict[type, Callable[..., Any]] = {
        wan.WanResidualBlock: partial(_residual, passes),
        wan.WanCausalConv3d: _causal,
        wan.WanResample: _enlarge,
        wan.DupUp3D: _repeat,
    }
    for part in vae.decoder.modules():
        forward = replaced.get(type(part))
        if forward is not None:
            part.forward = partial(forward, part)
        if isinstance(part, wan.WanResample):
            _add_phases(part)


def _norm(rows: Any, bias: Any, gains: Any, out: Any) -> None:
    """`bias` is the convolution's before; then an RMS norm over each row, as `WanRMS_norm` in float32, then SiLU."""
    torch = import_torch()
    wide = rows.float() + bias.float()
    norm = wide.norm(dim=1, keepdim=True).clamp_min(1e-12)
    normed = (wide / norm).to(rows.dtype) * rows.shape[1] ** 0.5 * gains
    out.copy_(torch.nn.functional.silu(normed))


def _add(rows: Any, bias: Any, shortcut: Any, out: Any) -> None:
    out.copy_(rows.float() + bias.float() + shortcut.float())


def _compiled(work: Callable[[Any, Any, Any, Any], None]) -> Callable[[Any, Any, Any, Any], None]:
    """One kernel for each number of channels, whatever the size of the clip."""
    torch = import_torch()
    compiled = torch.compile(work)

    def run(*tensors: Any) -> None:
        plain = [_without_base(tensor) for tensor in tensors]
        for tensor in plain:
            if tensor.dim() == 2:  # rows
                torch._dynamo.mark_dynamic(tensor, 0)  # noqa: SLF001  # torch's documented way
                torch._dynamo.mark_static(tensor, 1)  # noqa: SLF001
        compiled(*plain)

    return run


def _without_base(view: Any) -> Any:
    """The same memory as a tensor of its own: of a view the compiler looks at the base too, and compiles for each shape of it."""
    return view.new_empty(0).set_(
        view.untyped_storage(), view.storage_offset(), tuple(view.shape), view.stride()
    )


def _rows(x: Any) -> Any:
    """(b, c, t, h, w) to (n, c); no copy where `x` is channels-last."""
    return x.permute(0, 2, 3, 4, 1).reshape(-1, x.shape[1])


def _residual(passes: Passes, block: Any, x: Any, feat_cache: Any = None, feat_idx: Any = None) -> Any:
    torch = import_torch()
    none = torch.zeros_like(block.norm1.gamma)
    inner = _normed_conv(passes, (none, block.norm1, block.conv1), x, feat_cache, feat_idx)
    inner = _normed_conv(passes, (block.conv1.bias, block.norm2, block.conv2), inner, feat_cache, feat_idx)
    shortcut, bias = x, block.conv2.bias
    if not isinstance(block.conv_shortcut, torch.nn.Identity):
        shortcut = torch.nn.functional.conv3d(x, block.conv_shortcut.weight)
        bias = bias + block.conv_shortcut.bias
    batch, channels, frames, height, width = inner.shape
    out = torch.empty((batch, frames, height, width, channels), dtype=x.dtype, device=x.device)
    passes.add(_rows(inner), bias, _rows(shortcut), out.view(-1, channels))
    return out.permute(0, 4, 1, 2, 3)


def _normed_conv(passes: Passes, parts: tuple[Any, Any, Any], x: Any, cache: Any, place: Any) -> Any:
    """`conv(silu(norm(x + bias)))` without its own bias, over the frames of `x` and two before them, which are kept anew."""
    torch = import_torch()
    bias, norm, conv = parts
    batch, channels, frames, height, width = x.shape
    window = torch.empty(
        (batch, frames + FRAMES_KEPT, height, width, channels), dtype=x.dtype, device=x.device
    )
    before = cache[place[0]]
    window[:, :FRAMES_KEPT] = 0 if before is None else before
    for old, new in zip(x.split(1), window, strict=True):
        passes.norm(
            _rows(old), bias.reshape(-1), norm.gamma.reshape(-1), new[FRAMES_KEPT:].view(-1, channels)
        )
    cache[place[0]] = window[:, -FRAMES_KEPT:].clone()
    place[0] += 1
    return torch.nn.functional.conv3d(window.permute(0, 4, 1, 2, 3), conv.weight, padding=_border(conv))


def _border(conv: Any) -> tuple[int, int, int]:
    """Zeros around each frame; none in time."""
    return 0, conv._padding[2], conv._padding[0]  # noqa: SLF001  # where diffusers keeps it


def _causal(conv: Any, x: Any, cache_x: Any = None) -> Any:
    """A causal convolution outside of the residual blocks: old frames, or zeros, in front; the border is its own."""
    torch = import_torch()
    missing = conv._padding[4]  # noqa: SLF001
    if missing and cache_x is not None:
        x, missing = torch.cat([cache_x, x], dim=2), missing - cache_x.shape[2]
    if missing > 0:
        x = torch.cat([torch.zeros_like(x[:, :, :1]).repeat(1, 1, missing, 1, 1), x], dim=2)
    return torch.nn.functional.conv3d(x, conv.weight, conv.bias, stride=conv.stride, padding=_border(conv))


def _enlarge(layer: Any, x: Any, feat_cache: Any = None, feat_idx: Any = None) -> Any:
    """Twice the frames, from the second piece on, where the layer has a convolution over time; then twice the sides."""
    torch = import_torch()
    if layer.mode == "upsample3d":
        place = feat_idx[0]
        feat_idx[0] += 1
        before = feat_cache[place]
        if before is None:
            feat_cache[place] = x.new_zeros((x.shape[0], x.shape[1], FRAMES_KEPT, *x.shape[3:]))
        else:
            window = torch.cat([before, x], dim=2)
            feat_cache[place] = window[:, :, -FRAMES_KEPT:].clone()
            x = _interleave(torch.nn.functional.conv3d(window, layer.time_conv.weight, layer.time_conv.bias))
    batch, frames = x.shape[0], x.shape[2]
    pictures = x.permute(0, 2, 1, 3, 4).flatten(0, 1)
    return _conv_twice_as_large(layer, pictures).unflatten(0, (batch, frames)).permute(0, 2, 1, 3, 4)


def _add_phases(layer: Any) -> None:
    """Kernels for `_conv_twice_as_large`: among four equal pixels, taps of a 3×3 kernel fall together, in one way for each place."""
    torch = import_torch()
    weight = layer.resample[1].weight.detach().float()
    for name, (row, column) in PHASES.items():
        rows = torch.stack(_fall_together(weight.unbind(2), row), dim=2)
        kernel = torch.stack(_fall_together(rows.unbind(3), column), dim=3).to(layer.resample[1].weight.dtype)
        layer.register_buffer(name, kernel.to(memory_format=torch.channels_last), persistent=False)


def _fall_together(taps: tuple[Any, ...], place: int) -> list[Any]:
    """Of three taps at the first of two equal pixels the last two are one, at the second the first two."""
    before, here, after = taps
    return [before, here + after] if place == 0 else [before + here, after]


def _conv_twice_as_large(layer: Any, pictures: Any) -> Any:
    """The 3×3 convolution of pictures whose every pixel is repeated to 2×2, without repeating them: 4 products in the place of 9."""
    torch = import_torch()
    count, _, height, width = pictures.shape
    bias = layer.resample[1].bias
    out = torch.empty((count, height, 2, width, 2, len(bias)), dtype=pictures.dtype, device=pictures.device)
    for name, (row, column) in PHASES.items():
        part = torch.nn.functional.conv2d(pictures, getattr(layer, name), padding=1)
        part = part[:, :, row : row + height, column : column + width].permute(0, 2, 3, 1)
        torch.add(part, bias, out=out[:, :, row, :, column])
    return out.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def _interleave(pairs: Any) -> Any:
    """(b, 2c, t, h, w), two frames' channels in one, to (b, c, 2t, h, w) in channels-last layout."""
    rows = pairs.permute(0, 2, 3, 4, 1).unflatten(4, (2, -1))  # b t h w 2 c
    return rows.permute(0, 1, 4, 2, 3, 5).flatten(1, 2).permute(0, 4, 1, 2, 3)


def _repeat(shortcut: Any, x: Any, first_chunk: bool = False) -> Any:  # diffusers' signature
    """The shortcut around an enlargement: every value in its place 4 or 8 times, written channels-last."""
    time, side = shortcut.factor_t, shortcut.factor_s
    rows = x.permute(0, 2, 3, 4, 1).unsqueeze(-1)
    wide = rows.expand(*rows.shape[:-1], shortcut.repeats).reshape(
        *rows.shape[:4], shortcut.out_channels, time, side, side
    )  # b t h w c ft fh fw
    large = wide.permute(0, 1, 5, 2, 6, 3, 7, 4)
    batch, frames, _, height, _, width, _, channels = large.shape
    large = large.reshape(batch, frames * time, height * side, width * side, channels).permute(0, 4, 1, 2, 3)
    return large[:, :, time - 1 :] if first_chunk else large
