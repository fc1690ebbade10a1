"""What needs a GPU: the tiny pipelines on it, real memory that ends, and the whole way from photo to signed clip.

Skipped, with the reason, where there is none. Run it alone on a machine that has one: pytest tests/gpu
"""

import importlib.util

import numpy as np
import pytest

from engine.config import RendererTable
from engine.prompts.directions import Directions
from engine.renderers import ClipFormat, Scene
from engine.renderers.choice import auto
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.diffusion.renderer import DiffusionRenderer
from engine.verdicts import PhotoFacts


def why_not():
    if importlib.util.find_spec("diffusers") is None:
        return "torch and diffusers are an extra: scripts/setup gpu"
    import torch

    return "" if torch.cuda.is_available() else "there is no GPU that torch can use"


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "never")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from tests import tiny_pipelines

    folder = tmp_path_factory.mktemp("models")
    tiny_pipelines.build_wan_5b(folder / PRESETS["standard"].folder)
    tiny_pipelines.build_ltx(folder / PRESETS["sound"].folder)
    return folder


def a_scene(seed=1):
    pixels = np.random.default_rng(0).integers(0, 256, (160, 96, 3), dtype=np.uint8)
    shape = ClipFormat(short_side=96, seconds=0.34)
    return Scene(
        pixels=pixels,
        directions=Directions(),
        facts=PhotoFacts(),
        seed=seed,
        clip_format=shape,
        prompt="snow",
    )


def luma(renderer, seed=1):
    return np.stack([frame.y for frame in renderer.animate(a_scene(seed)).frames])


@pytest.mark.parametrize("name", ["standard", "sound"])
def test_the_same_order_gives_the_same_clip_on_the_gpu(weights, name):
    renderer = DiffusionRenderer(PRESETS[name], weights, RendererTable(compile=False, check_quality=False))

    assert np.array_equal(luma(renderer), luma(renderer))
    assert not np.array_equal(luma(renderer), luma(renderer, seed=2))


def test_compiled_blocks_make_the_same_kind_of_clip(weights):
    plain, compiled = (
        DiffusionRenderer(PRESETS["standard"], weights, RendererTable(compile=wanted, check_quality=False))
        for wanted in (False, True)
    )

    assert np.abs(luma(plain).astype(int) - luma(compiled)).mean() < 4


def test_memory_that_really_ends_is_met_with_less(weights):
    import torch

    renderer = DiffusionRenderer(
        PRESETS["standard"], weights, RendererTable(compile=False, check_quality=False)
    )
    luma(renderer)
    free, _ = torch.cuda.mem_get_info()
    hog = torch.empty(max(0, free - 40_000_000), dtype=torch.uint8, device="cuda")
    try:
        assert len(luma(renderer)) == 9
    finally:
        del hog


def test_auto_takes_what_fits(weights):
    assert auto(weights, RendererTable()).name in {"standard", "lite"}
