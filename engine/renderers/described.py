"""What renderers share that hand the caption on to a model: where the subject is, and what can be said afterwards."""

from __future__ import annotations

from engine.media.clip import Made
from engine.renderers import Scene
from engine.verdicts import Face

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""Every pixel comes out of a trained model, the first frame's too."""

AS_DESCRIBED = "as_described"
"""What moves is up to the model; we name nothing that we cannot know."""


def say_made(scene: Scene) -> Made:
    """A look by its name; nothing where nothing was asked for."""
    if scene.look is not None:
        return Made(moved=(scene.look,))
    return Made(moved=(AS_DESCRIBED,) if scene.prompt.strip() else ())


def find_subject(faces: tuple[Face, ...], *, width: int, height: int) -> tuple[float, float]:
    """The middle of the largest face, in shares of the photo's sides; else of the photo."""
    if not faces:
        return 0.5, 0.5
    face = max(faces, key=lambda face: face.width * face.height)
    return (face.x + face.width / 2) / width, (face.y + face.height / 2) / height
