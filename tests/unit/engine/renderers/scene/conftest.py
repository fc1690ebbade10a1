"""One loaded renderer for all tests, with weights that are fetched once."""

from pathlib import Path

import pytest

from engine.models import fetch, load_catalog
from engine.renderers.scene import SceneRenderer

MODELS = Path(__file__).parents[5] / "data" / "models"


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The default set, whatever else is in the default data folder: fetched once, offline afterwards."""
    fetch(MODELS)
    folder = tmp_path_factory.mktemp("models")
    for model in load_catalog().model:
        if model.kind != "optional" and model.sources:
            (folder / model.file).symlink_to(MODELS / model.file)
    return folder


@pytest.fixture(scope="session")
def renderer(models):
    scene_renderer = SceneRenderer(models)
    scene_renderer.warm_up()
    return scene_renderer
