"""Larger models that may look at a photo too, each an operator's choice, all behind one interface; transformers runs them.

None ships with anything: the operator puts a model's folder, as its publisher gives it, under the models folder. What a model
answers in a form that it was not trained to give is raised, never read as a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.schema import Reason

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Opinion:
    """How sure a judge is that a rule is broken, 0..1."""

    reason: Reason
    score: float


class PictureJudge(Protocol):
    """Looks at an RGB picture and at what is asked of it. Not for two threads at once."""

    @property
    def name(self) -> str: ...
    def judge(self, pixels: Pixels, caption: str) -> tuple[Opinion, ...]: ...


class NsfwClassifier:
    """Two classes, one of them "nsfw": Falconsai's ViT and Marqo's (both Apache-2.0)."""

    def __init__(self, name: str, folder: Path) -> None:
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        self.name = name
        self._processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        self._model: Any = AutoModelForImageClassification.from_pretrained(
            folder, local_files_only=True
        ).eval()
        labels = {str(label).lower(): int(number) for number, label in self._model.config.id2label.items()}
        if "nsfw" not in labels:
            raise ConfigError(f"the model in {folder.name} has no class named nsfw")
        self._class = labels["nsfw"]

    def judge(self, pixels: Pixels, caption: str) -> tuple[Opinion, ...]:
        del caption
        logits = _without_gradients(
            lambda: self._model(**self._processor(images=pixels, return_tensors="pt")).logits
        )
        return (Opinion(Reason.SEXUAL, float(logits.softmax(dim=-1)[0, self._class])),)


class ShieldGemma2:
    """Google's ShieldGemma 2 (Gemma terms of use): one chance for each of its three policies."""

    POLICIES: Mapping[str, Reason] = {
        "dangerous": Reason.DANGEROUS_ACT,
        "sexual": Reason.SEXUAL,
        "violence": Reason.VIOLENCE,
    }

    def __init__(self, name: str, folder: Path) -> None:
        from transformers import AutoProcessor, ShieldGemma2ForImageClassification

        self.name = name
        self._processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        loaded: Any = ShieldGemma2ForImageClassification.from_pretrained(folder, local_files_only=True)
        self._model = loaded.to(_device()).eval()

    def judge(self, pixels: Pixels, caption: str) -> tuple[Opinion, ...]:
        del caption
        asked = self._processor(images=[pixels], policies=list(self.POLICIES), return_tensors="pt").to(
            _device()
        )
        chances = _without_gradients(lambda: self._model(**asked).probabilities)
        return tuple(
            Opinion(reason, float(yes))
            for reason, yes in zip(self.POLICIES.values(), chances[:, 0], strict=True)
        )


class LlamaGuard4:
    """Meta's Llama Guard 4 12B (Llama 4 Community Licence): the photo and the caption together, one verdict in words."""

    HAZARDS: Mapping[str, Reason] = {
        "S1": Reason.VIOLENCE,
        "S2": Reason.FRAUD,
        "S3": Reason.SEXUAL,
        "S4": Reason.SEXUAL_MINOR,
        "S5": Reason.DEFAMATION,
        "S7": Reason.PRIVATE_DATA,
        "S9": Reason.WEAPON,
        "S10": Reason.HATE,
        "S11": Reason.SELF_HARM,
        "S12": Reason.SEXUAL,
        "S13": Reason.PUBLIC_FIGURE,
    }
    """Its hazards that are rules of ours; advice (S6), property (S8) and code (S14) are none."""

    _ANSWER_TOKENS = 12

    def __init__(self, name: str, folder: Path) -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.name = name
        self._processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        loaded: Any = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True, dtype="auto")
        self._model = loaded.to(_device()).eval()

    def judge(self, pixels: Pixels, caption: str) -> tuple[Opinion, ...]:
        content = [
            {"type": "image", "image": pixels},
            {"type": "text", "text": caption or "Animate this photo."},
        ]
        asked = self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        ).to(_device())
        told = _without_gradients(
            lambda: self._model.generate(**asked, max_new_tokens=self._ANSWER_TOKENS, do_sample=False)
        )
        answer = self._processor.batch_decode(
            told[:, asked["input_ids"].shape[-1] :], skip_special_tokens=True
        )[0]
        return read_hazards(answer)


def read_hazards(answer: str) -> tuple[Opinion, ...]:
    """Llama Guard's words: "safe", or "unsafe" and its hazards. Raises ValueError for anything else."""
    verdict, *lines = answer.split()
    if verdict == "safe" and not lines:
        return ()
    hazards = [code for line in lines for code in line.split(",") if code]
    if (
        verdict != "unsafe"
        or not hazards
        or not all(code[:1] == "S" and code[1:].isdigit() for code in hazards)
    ):
        raise ValueError("Llama Guard gave no verdict")
    reasons = dict.fromkeys(LlamaGuard4.HAZARDS[code] for code in hazards if code in LlamaGuard4.HAZARDS)
    return tuple(Opinion(reason, 1.0) for reason in reasons)


KINDS: Mapping[str, Callable[[str, Path], PictureJudge]] = {
    "falconsai": NsfwClassifier,
    "marqo": NsfwClassifier,
    "shieldgemma2": ShieldGemma2,
    "llama_guard_4": LlamaGuard4,
}
"""The names in `[policy] photo_models`, and of the folders."""


def load_judge(name: str, models: Path) -> PictureJudge:
    """Raises ConfigError where the model's folder or what runs it is missing."""
    folder = models / name
    if not (folder / "config.json").is_file():
        raise ConfigError(f"[policy] photo_models: there is no model in {name}/ of the models folder")
    if find_spec("transformers") is None:
        raise ConfigError(f'[policy] photo_models: {name} needs the extra "gpu" (transformers, torch)')
    try:
        return KINDS[name](name, folder)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(
            f"[policy] photo_models: {name} cannot be loaded ({type(error).__name__})"
        ) from error


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _without_gradients(work: Callable[[], Any]) -> Any:
    import torch

    with torch.inference_mode():
        return work()
