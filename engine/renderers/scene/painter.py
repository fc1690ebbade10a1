"""Draws what the near object hides, by MI-GAN, where its weights are present; a face that it makes up is painted out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.classifiers.faces import FaceReader
from engine.models import find_model
from engine.renderers.scene.picture import RGB

MODEL = "migan"


class Painter:
    """Checked once per worker. Raises ConfigError where its weights, or those that find faces, are missing.

    A picture takes 1.2 s of CPU and 400 MB while it is drawn; the net is not kept, for it would hold on to them.
    """

    def __init__(self, models: Path) -> None:
        self._weights = find_model(models, MODEL)
        self._faces = FaceReader.load()

    def draw(self, pixels: RGB, hole: NDArray[np.bool_]) -> RGB:
        """`pixels` with the hole drawn in."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        net = onnxruntime.InferenceSession(str(self._weights), options, providers=["CPUExecutionProvider"])
        kept = np.where(hole, 0, 255).astype(np.uint8)[None, None]
        answer = net.run(None, {"image": np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), "mask": kept})
        drawn = np.ascontiguousarray(answer[0][0].transpose(1, 2, 0), np.uint8)
        return np.where(hole[..., None], drawn, pixels).astype(np.uint8)

    def find_faces(self, drawn: RGB, hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where in the hole there are faces, which nobody has: (height, width)."""
        found = np.zeros(hole.shape, np.uint8)
        for seen in self._faces.find(drawn):
            face = seen.face
            middle = round(face.x + face.width / 2), round(face.y + face.height / 2)
            axes = max(1, round(0.75 * face.width)), max(1, round(0.75 * face.height))
            cv2.ellipse(found, middle, axes, 0, 0, 360, 1, -1)
        return (found > 0) & hole
