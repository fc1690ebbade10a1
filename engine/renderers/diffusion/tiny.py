"""A tiny decoder in place of Wan's own: TAEHV by Ollin Boer Bohan (MIT), a two-hundredth of the work, with softer details.

Only plain convolutions: each frame sees itself and the frame before it. The names of its weights are those of the published files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.renderers.diffusion.machine import Machine, import_torch, make_channels_last
from engine.renderers.diffusion.presets import TinyWeights

FOLDER = "tiny"
"""Beside the model's parts."""

WIDTHS = (256, 128, 64, 64)
GROWS = (1, 2, 2)
"""How many frames each stage makes of one."""

EARLY_FRAMES = 3
"""What the first latent frame gives before the clip begins."""


def load_tiny(weights: TinyWeights, folder: Path, machine: Machine) -> Any:
    """From the preset's folder, onto the device. Raises ConfigError where the file is missing or another."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    torch, path = import_torch(), folder / FOLDER / weights.file
    if not path.is_file():
        raise ConfigError(
            f'decoder = "tiny" needs {weights.file} of {weights.repo} in {folder.name}/{FOLDER}'
        )
    decoder = make_tiny(weights)
    try:
        tensors = load_file(str(path))
        expected = decoder.state_dict()
        # Files made for a decoder that doubles the frames once more hold its earlier frames first.
        fitted = {name: tensors[name][-len(tensor) :] for name, tensor in expected.items()}
        decoder.load_state_dict(fitted)
    except (SafetensorError, OSError, KeyError, RuntimeError) as error:
        raise ConfigError(f"{weights.file} cannot be loaded: {type(error).__name__}") from error
    return place_tiny(decoder.to(getattr(torch, machine.dtype)), machine)


def place_tiny(decoder: Any, machine: Machine) -> Any:
    if machine.device == "cuda":
        make_channels_last(decoder)
    return decoder.requires_grad_(False).to(machine.device)


def decode_pieces(decoder: Any, latents: Any, *, patch: int) -> Iterator[Any]:
    """(1, c, t, h, w) in the denoiser's scale to (1, 3, n, height, width) in -1..1, one latent frame after another."""
    torch = import_torch()
    memory: dict[int, Any] = {}
    for number in range(latents.shape[2]):
        frames = latents[:, :, number]
        for place, layer in enumerate(decoder.decoder):
            if isinstance(layer, _parts().Remembering):
                before = torch.cat([memory.get(place, torch.zeros_like(frames[:1])), frames[:-1]])
                memory[place] = frames[-1:]
                frames = layer(frames, before)
            else:
                frames = layer(frames)
        pictures = torch.nn.functional.pixel_shuffle(frames, patch).clamp(0, 1)
        shown = pictures[EARLY_FRAMES:] if number == 0 else pictures
        yield shown.mul(2).sub(1).permute(1, 0, 2, 3).unsqueeze(0)


def make_tiny(weights: TinyWeights) -> Any:
    """With random weights."""
    nn, parts = import_torch().nn, _parts()

    def conv(wide: int, out: int, *, bias: bool = True) -> Any:
        return nn.Conv2d(wide, out, 3, padding=1, bias=bias)

    layers = [parts.Soft(), conv(weights.channels, WIDTHS[0]), nn.ReLU()]
    for width, out, frames in zip(WIDTHS, WIDTHS[1:], GROWS, strict=False):
        layers += [parts.Remembering(width) for _ in range(3)]
        layers += [nn.Upsample(scale_factor=2), parts.Grow(width, frames), conv(width, out, bias=False)]
    layers += [nn.ReLU(), conv(WIDTHS[-1], 3 * weights.patch**2)]
    whole = nn.Module()
    whole.decoder = nn.Sequential(*layers)
    return whole


@dataclass(frozen=True, slots=True)
class _Parts:
    """The three kinds of layers that torch does not have."""

    Soft: Any
    Grow: Any
    Remembering: Any


@cache
def _parts() -> _Parts:
    torch = import_torch()
    nn = torch.nn

    class Soft(nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return torch.tanh(x / 3) * 3

    class Grow(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, width: int, frames: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(width, width * frames, 1, bias=False)

        def forward(self, x: Any) -> Any:
            return self.conv(x).reshape(-1, *x.shape[1:])

    class Remembering(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv = nn.Sequential(
                nn.Conv2d(2 * width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
                nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
            )  # fmt: skip

        def forward(self, x: Any, before: Any) -> Any:
            return torch.relu(self.conv(torch.cat([x, before], 1)) + x)

    return _Parts(Soft, Grow, Remembering)
