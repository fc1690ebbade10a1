"""Which rule a caption would break, judged by its meaning: a logistic head of a few kB over the sentence encoder.

Trained by `scripts/train_prompt_head.py`; what it was trained on and how well it does is in `prompt_head.json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from engine.schema import Reason


@dataclass(frozen=True, slots=True)
class Meaning:
    """`harm` is 0..1 over all rules together; `reason` is the likeliest of them."""

    harm: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class PromptHead:
    """Softmax over "plain" (class 0) and the reasons. `weights` is (classes, 512), `bias` (classes,)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    reasons: tuple[Reason, ...]
    refuse_at: float
    unsure_at: float

    @classmethod
    def load(cls) -> PromptHead:
        """Reads the head that ships beside this module."""
        with as_file(files("engine.classifiers") / "prompt_head.npz") as path, np.load(path) as data:
            return cls(
                weights=data["weights"].astype(np.float32),
                bias=data["bias"].astype(np.float32),
                reasons=tuple(Reason(str(name)) for name in data["reasons"]),
                refuse_at=float(data["refuse_at"]),
                unsure_at=float(data["unsure_at"]),
            )

    def judge(self, vectors: NDArray[np.float32]) -> Meaning:
        """The gravest meaning among several readings of one caption; `vectors` is (readings, 512)."""
        logits = vectors @ self.weights.T + self.bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances = odds / odds.sum(axis=1, keepdims=True)
        worst = int(np.argmin(chances[:, 0]))
        harm = 1.0 - float(chances[worst, 0])
        return Meaning(harm=harm, reason=self.reasons[int(np.argmax(chances[worst, 1:]))])
