"""What is written in a picture: PP-OCRv6 (Apache-2.0) through rapidocr, where that package is installed.

Reads Latin script, Chinese and Japanese; no Cyrillic, Greek, Arabic, Hebrew or Devanagari.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.classifiers.weights import Weights, find_weights
from engine.errors import ConfigError

DETECTOR = Weights(
    package="rapidocr",
    member="models/PP-OCRv6_det_small.onnx",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
RECOGNISER = Weights(
    package="rapidocr",
    member="models/PP-OCRv6_rec_small.onnx",
    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)

_SIDE = 736
"""Long side in pixels at which lines are looked for: finds letters from about 2 % of the picture up."""
_LEAST_SCORE = 0.6
_PARAMETERS = {
    "Global.use_cls": False,  # text that stands on its head instructs no model
    "Global.log_level": "critical",
    "Global.text_score": _LEAST_SCORE,
    "Det.limit_side_len": _SIDE,
    "Det.limit_type": "max",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


class TextReader:
    """Not for two threads at once."""

    def __init__(self) -> None:
        from rapidocr import RapidOCR  # 0.6 s and 90 MB, only where text is read

        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        self._reader = RapidOCR(params=_PARAMETERS)

    @classmethod
    def load(cls) -> TextReader:
        """Raises ConfigError where the package or its pinned weights are not installed."""
        if not is_installed():
            raise ConfigError('text in photos cannot be read: install the extra "ocr" (rapidocr)')
        for weights in (DETECTOR, RECOGNISER):
            find_weights(weights)
        return cls()

    def read(self, pixels: NDArray[np.uint8]) -> tuple[str, ...]:
        """The lines that can be read, from top to bottom. `pixels` is RGB."""
        found: Any = self._reader(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        return tuple(found.txts or ())


def is_installed() -> bool:
    return find_spec("rapidocr") is not None
