"""Which rule a caption would break, judged by its meaning: a logistic head of a few kB over the sentence encoder.

Trained by `scripts/train_prompt_head.py`; what it was trained on and how well it does is in `prompt_head.json`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from engine.schema import Reason

GROUP_WEIGHT = 0.3
"""How much a word group counts beside the 512 numbers of a unit vector; .15 … .6 did alike out of fold."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """`harm` is 0..1 over all rules together; `reason` is the likeliest of them."""

    harm: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class PromptHead:
    """Softmax over "plain" (class 0) and the reasons. `weights` is (classes, 512 + groups), `bias` (classes,).

    `groups` are the word groups that count as features. From `refuse_at` on a meaning refuses, from `unsure_at` on it
    gives preset motions, and below `agree_at` it overrules a rule that only read words.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    reasons: tuple[Reason, ...]
    groups: tuple[str, ...]
    refuse_at: float
    unsure_at: float
    agree_at: float

    @classmethod
    def load(cls) -> PromptHead:
        """Reads the head that ships beside this module."""
        with as_file(files("engine.classifiers") / "prompt_head.npz") as path, np.load(path) as data:
            return cls(
                weights=data["weights"].astype(np.float32),
                bias=data["bias"].astype(np.float32),
                reasons=tuple(Reason(str(name)) for name in data["reasons"]),
                groups=tuple(str(name) for name in data["groups"]),
                refuse_at=float(data["refuse_at"]),
                unsure_at=float(data["unsure_at"]),
                agree_at=float(data["agree_at"]),
            )

    def judge(self, vectors: NDArray[np.float32], groups: Collection[str]) -> Meaning:
        """The gravest meaning among several readings of one caption; `vectors` is (readings, 512)."""
        logits = features(vectors, [groups] * len(vectors), self.groups) @ self.weights.T + self.bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances = odds / odds.sum(axis=1, keepdims=True)
        worst = int(np.argmin(chances[:, 0]))
        harm = 1.0 - float(chances[worst, 0])
        return Meaning(harm=harm, reason=self.reasons[int(np.argmax(chances[worst, 1:]))])


def features(
    vectors: NDArray[np.float32], groups: list[Collection[str]], known: tuple[str, ...]
) -> NDArray[np.float32]:
    """(captions, 512 + known groups): what a caption means beside which word groups stand in it."""
    present = [[GROUP_WEIGHT * (name in some) for name in known] for some in groups]
    return np.hstack([vectors, np.array(present, dtype=np.float32).reshape(len(vectors), len(known))])
