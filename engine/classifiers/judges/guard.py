"""Guard models with transformers: Qwen3Guard-Gen or Llama Guard, from a folder of the operator's. Needs the extra `gpu`.

Qwen3Guard says Safe, Controversial or Unsafe: in English only Unsafe counts whole (loose), elsewhere Controversial does too
(strict), as its report's tables advise. Their policies are about chat, not photos; re-threshold with `bench/moderation.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from engine.classifiers.judges import Asked, JudgeUnclear
from engine.classifiers.judges.wording import question_of
from engine.errors import ConfigError

_NEW_TOKENS = 16
_CONTROVERSIAL = 0.3
"""What a controversial caption counts in English: doubt, but no refusal."""

_QWEN = re.compile(r"Safety:\s*(Safe|Unsafe|Controversial)")
_LLAMA = re.compile(r"\s*(safe|unsafe)\b")


class GuardJudge:
    """A causal language model whose chat template holds its policy."""

    def __init__(self, kind: Literal["qwen3guard", "llamaguard"], tokenizer: Any, model: Any) -> None:
        self._kind = kind
        self._tokenizer = tokenizer
        self._model = model

    @classmethod
    def load(cls, kind: Literal["qwen3guard", "llamaguard"], folder: str) -> GuardJudge:
        """Only safetensors, no code from the folder, no network. Raises ConfigError where folder or library is missing."""
        if not folder or not Path(folder).is_dir():
            raise ConfigError(f'[policy] judge = "{kind}" needs judge_model, a folder with its weights')
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise ConfigError(f"the judge {kind} needs transformers: pip install 'zoetrope[gpu]'") from error
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype="auto"
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"[policy] judge_model: {folder} holds no weights of {kind}") from error
        return cls(kind, tokenizer, model.to(device).eval())

    def score(self, asked: Asked) -> float:
        """Raises JudgeUnclear where the answer has not the model's form."""
        return read_guard(self._kind, self._answer(question_of(asked)), language=asked.language)

    def _answer(self, question: str) -> str:
        content: Any = question if self._kind == "qwen3guard" else [{"type": "text", "text": question}]
        inputs = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(self._model.device)
        made = self._model.generate(**inputs, max_new_tokens=_NEW_TOKENS, do_sample=False)
        new = made[0][inputs["input_ids"].shape[1] :]
        return str(self._tokenizer.decode(new, skip_special_tokens=True))


def read_guard(kind: Literal["qwen3guard", "llamaguard"], answer: str, *, language: str) -> float:
    """What a guard's words mean, 0..1. Raises JudgeUnclear."""
    found = (_QWEN if kind == "qwen3guard" else _LLAMA).match(answer.lstrip())
    if found is None:
        raise JudgeUnclear
    said = found.group(1).lower()
    if said == "controversial":
        return _CONTROVERSIAL if language == "en" else 1.0
    return 1.0 if said == "unsafe" else 0.0
