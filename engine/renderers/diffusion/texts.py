"""Captions as the models read them: one sentence of the person's, one of ours about quality, encoded once and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.renderers.diffusion.machine import Machine, import_torch
from engine.renderers.diffusion.memory import TextPlace

Encode = Callable[[str, str], Mapping[str, Any]]
"""Takes a caption and a device."""

KEPT = 32
"""Encoded captions; the ones of a retry and of "Again" are the most common."""

DEFAULT = "The scene comes gently alive with natural, subtle motion."

LOOKS: Mapping[str, str] = {
    "gentle_zoom": "The camera slowly pushes in.",
    "pull_out": "The camera slowly pulls out.",
    "pan": "The camera slowly pans to the right.",
    "orbit": "The camera slowly circles the subject.",
    "sky_drift": "The clouds drift slowly across the sky.",
    "snow": "Soft snow falls.",
    "rain": "Rain falls.",
    "fog": "Thin fog drifts through the scene.",
    "golden_hour": "The light turns to a warm golden hour.",
    "sun_rays": "Rays of sunlight move slowly through the scene.",
    "night": "Day turns to night, and lights come on.",
    "fireflies": "Fireflies glow and wander.",
    "confetti": "Confetti falls.",
    "leaves": "Autumn leaves fall slowly and turn over.",
    "petals": "Cherry petals float down.",
    "hearts": "Soft red hearts float up.",
    "smile": "The person begins to smile.",
    "blink": "The person blinks and breathes calmly.",
}
"""Preset looks in words; one that is not here is spoken by its name."""

QUALITY = "One continuous shot, natural motion, the people and things of the photo stay as they are."


def write_caption(prompt: str, look: str | None) -> str:
    """What is encoded. Captions are not translated: the text encoders (UMT5, Gemma) read all our languages.

    There is no negative prompt: the distilled models run without guidance, where it would change nothing.
    """
    spoken = LOOKS.get(look, look.replace("_", " ")) if look is not None else prompt
    wish = spoken.strip() or DEFAULT
    return f"{wish.rstrip('.')}. {QUALITY}"


class TextEncoding:
    """Takes the text encoder out of a pipeline and lends it back for one caption at a time.

    It is as large as the denoiser and works for a moment only: where a GPU has no room for both, the denoiser makes
    room for it, or it works on the CPU. `encode` calls the pipeline's own method, on a device, and returns the tensors
    that its call takes.
    """

    def __init__(
        self, pipe: Any, denoisers: Sequence[Any], machine: Machine, encode: Encode, place: TextPlace
    ) -> None:
        """`denoisers` are those that lie on the device between jobs."""
        self._pipe, self._denoisers, self._machine, self._encode = pipe, denoisers, machine, encode
        self._place = place
        self._encoder, pipe.text_encoder = pipe.text_encoder, None
        self._kept: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    def __call__(self, caption: str) -> Mapping[str, Any]:
        if caption not in self._kept:
            self._kept[caption] = self._ask(caption)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(caption)
        return self._kept[caption]

    def _ask(self, caption: str) -> Mapping[str, Any]:
        torch, device = import_torch(), self._machine.device
        with torch.no_grad():
            match self._place:
                case TextPlace.BESIDE:
                    return self._lend(caption, device)
                case TextPlace.CPU:
                    return {name: tensor.to(device) for name, tensor in self._lend(caption, "cpu").items()}
                case TextPlace.SWAPPED:
                    self._move_denoisers("cpu")
                    try:
                        return self._lend(caption, device)
                    finally:
                        self._encoder.to("cpu")
                        self._move_denoisers(device)

    def _lend(self, caption: str, device: str) -> Mapping[str, Any]:
        self._pipe.text_encoder = self._encoder.to(device)
        try:
            return self._encode(caption, device)
        finally:
            self._pipe.text_encoder = None

    def _move_denoisers(self, device: str) -> None:
        for denoiser in self._denoisers:
            denoiser.to(device)
