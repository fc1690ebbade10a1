"""Where the near object is: the U2-Netp matte, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from engine.media.clip import TrainedModel
from engine.models import find_model, load_catalog
from engine.renderers.scene.picture import RGB, Map

MODEL = "u2netp"
SIDE = 320
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
"""The statistics of ImageNet, which U²-Net was trained with."""


class NearObjectModel:
    """Loaded once per worker. Raises ConfigError where the weights are missing or not the pinned ones."""

    def __init__(self, models: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = (
            1  # two threads gain 10 % and cost 100 %
        )
        options.enable_cpu_mem_arena = False  # it would keep 200 MB for a model that runs twice a clip
        self._session = onnxruntime.InferenceSession(
            str(find_model(models, MODEL)), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def find(self, pixels: RGB) -> Map:
        """(320, 320): how surely each place belongs to the near object, 0..1, over the whole of `pixels`."""
        small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        scaled = (small / max(1.0, float(small.max())) - _MEAN) / _DEVIATION
        answer = self._session.run([self._output], {self._input: scaled.transpose(2, 0, 1)[None]})[0]
        return np.ascontiguousarray(answer[0, 0], np.float32)


def name_model(name: str = MODEL) -> TrainedModel:
    """A model of the catalogue as the disclosure names it."""
    model = load_catalog().find(name)
    return TrainedModel(name=model.title, version=model.version, licence=model.licence)
