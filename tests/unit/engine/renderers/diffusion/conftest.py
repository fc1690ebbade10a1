"""Loaded tiny pipelines, one a family."""

import pytest

from engine.config import RendererTable
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.diffusion.renderer import DiffusionRenderer


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A models folder with every preset's files."""
    import torch

    from tests import tiny_pipelines as tiny

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    tiny.build_wan_5b(folder / PRESETS["standard"].folder)
    quality = folder / PRESETS["quality"].folder
    tiny.build_wan_14b(quality)
    tiny.build_loras(quality / "loras", [lora.file for lora in PRESETS["quality"].loras])
    tiny.build_ltx(folder / PRESETS["sound"].folder)
    for name in ("standard", "quality"):
        for place in (folder / PRESETS[name].folder / "tiny", folder / "autoencoders"):
            tiny.build_tiny_decoder(place, PRESETS[name].tiny)
    return folder


@pytest.fixture
def load(weights):
    """A fresh renderer: what one test breaks, no other meets. Random weights draw noise, so quality is not asked for."""

    def fresh(name, folder=weights, *, check_quality=False):
        return DiffusionRenderer(PRESETS[name], folder, RendererTable(check_quality=check_quality))

    return fresh
