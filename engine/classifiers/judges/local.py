"""A small language model on this machine's CPU: a GGUF file through llama.cpp (xllamacpp), one constrained token.

Qwen2.5-Coder-1.5B-Instruct Q4_K_M (Apache-2.0): .3 s a caption on two cores, 1.9 GB; the first takes a quarter of a minute.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from engine.classifiers.judges import LOCAL_MODEL, Asked, JudgeUnclear
from engine.classifiers.judges.wording import ALLOW, EXAMPLES, POLICY, REFUSE, example_question, question_of
from engine.errors import ConfigError
from engine.models import find_model

_CONTEXT = 2048
_LEAST_MASS = 0.5
"""Of the next token's chance: less on both words together is no answer."""


class LocalJudge:
    """A llama.cpp server without its door: asked in this process only."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.score(
            Asked(caption="make her smile", language="en", photo="one person")
        )  # reads policy and examples once

    @classmethod
    def load(cls, file: Path | None, models: Path) -> LocalJudge:
        """`file` replaces the catalogue's. Raises ConfigError where it, or xllamacpp, is missing."""
        path = file or find_model(models, LOCAL_MODEL)
        if not path.is_file():
            raise ConfigError(f"[policy] judge_model: there is no file {path}")
        try:
            import xllamacpp
        except ImportError as error:
            raise ConfigError("the local judge needs xllamacpp: pip install 'zoetrope[judge]'") from error
        return cls(xllamacpp.Server(_parameters(xllamacpp, path)))

    def score(self, asked: Asked) -> float:
        answer = self._server.handle_completions(
            {
                "prompt": _prompt(question_of(asked)),
                "max_tokens": 1,
                "n_predict": 1,
                "temperature": 0,
                "n_probs": 20,
                "logprobs": 20,
                "cache_prompt": True,
                "seed": 1,
            }
        )
        return share_of_refusal(_top_tokens(answer))


def share_of_refusal(tokens: list[tuple[str, float]]) -> float:
    """From (token, log chance) of the first token. Raises JudgeUnclear where neither word is likely."""
    allow = sum(math.exp(chance) for token, chance in tokens if _begins(token, ALLOW))
    refuse = sum(math.exp(chance) for token, chance in tokens if _begins(token, REFUSE))
    if allow + refuse < _LEAST_MASS:
        raise JudgeUnclear
    return refuse / (allow + refuse)


def _begins(token: str, word: str) -> bool:
    bare = token.strip().upper()
    return bool(bare) and word.startswith(bare)


def _top_tokens(answer: Any) -> list[tuple[str, float]]:
    if isinstance(answer, str):
        answer = json.loads(answer)
    if isinstance(answer, list):
        answer = answer[0]
    try:
        first = answer["choices"][0]["logprobs"]["content"][0]
        return [(str(it["token"]), float(it["logprob"])) for it in first["top_logprobs"]]
    except (KeyError, IndexError, TypeError) as error:
        raise JudgeUnclear from error


def _parameters(xllamacpp: Any, path: Path) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = _CONTEXT
    parameters.n_batch = parameters.n_ubatch = 512
    parameters.n_parallel = 1
    threads = max(1, min(4, os.cpu_count() or 1))
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.verbosity = -1
    return parameters


def _prompt(question: str) -> str:
    shots = "".join(_turn("user", example_question(it)) + _turn("assistant", word) for it, word in EXAMPLES)
    return f"{_turn('system', POLICY)}{shots}{_turn('user', _plain(question))}<|im_start|>assistant\n"


def _turn(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def _plain(text: str) -> str:
    """A caption cannot close its turn."""
    return text.replace("<|", "< |").replace("|>", "| >")
