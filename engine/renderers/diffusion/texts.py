"""Captions as the models read them: one sentence of the person's, one of ours about quality, encoded once and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from engine.renderers.diffusion.machine import Machine, import_torch

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

    On a small GPU it waits in main memory: it is as large as the denoiser, and works for a moment only.
    `encode` calls the pipeline's own method and returns the tensors that its call takes.
    """

    def __init__(self, pipe: Any, machine: Machine, encode: Callable[[str], Mapping[str, Any]]) -> None:
        self._pipe, self._machine, self._encode = pipe, machine, encode
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
        torch = import_torch()
        self._pipe.text_encoder = self._encoder.to(self._machine.device)
        try:
            with torch.no_grad():
                return self._encode(caption)
        finally:
            self._pipe.text_encoder = None
            if not self._machine.is_roomy:
                self._encoder.to("cpu")
