"""One loaded renderer for all tests, with weights that are fetched once."""

from pathlib import Path

import pytest

from engine.models import fetch
from engine.renderers.scene import SceneRenderer

MODELS = Path(__file__).parents[5] / "data" / "models"


@pytest.fixture(scope="session")
def models():
    """The default data folder: fetched once, offline afterwards."""
    fetch(MODELS)
    return MODELS


@pytest.fixture(scope="session")
def renderer(models):
    scene_renderer = SceneRenderer(models)
    scene_renderer.warm_up()
    return scene_renderer
