"""Which effects and camera moves a clause asks for, judged by its meaning: logistic regressions over the sentence encoder.

Trained by `scripts/train_caption_head.py`; what it was trained on and how well it does is in `caption_head.json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CaptionHead:
    """One regression a code (`@` before a camera's). `weights` is (codes, 512), `bias` (codes,); `least` is the chance it takes."""

    codes: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    least: float

    @classmethod
    def load(cls) -> CaptionHead:
        """Reads the head that ships beside this module."""
        with as_file(files("engine.classifiers") / "caption_head.npz") as path, np.load(path) as data:
            return cls(
                codes=tuple(str(code) for code in data["codes"]),
                weights=data["weights"].astype(np.float32),
                bias=data["bias"].astype(np.float32),
                least=float(data["least"]),
            )

    def judge(self, vectors: NDArray[np.float32]) -> tuple[str, ...]:
        """Codes that are surely asked for in one of the clauses; `vectors` is (clauses, 512)."""
        chances = 1 / (1 + np.exp(-(vectors @ self.weights.T + self.bias)))
        return tuple(self.codes[number] for number in np.flatnonzero((chances >= self.least).any(axis=0)))
