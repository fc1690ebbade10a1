"""What needs a GPU: the tiny pipelines on it, real memory that ends, and the whole way from photo to signed clip.

Skipped, with the reason, where there is none. Run it alone on a machine that has one: pytest tests/gpu
"""

import dataclasses

import numpy as np
import pytest

from engine.config import RendererTable
from engine.prompts.directions import Directions
from engine.renderers import ClipFormat, Scene
from engine.renderers.choice import auto
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.diffusion.renderer import DiffusionRenderer
from engine.verdicts import PhotoFacts
from tests.gpu.need import pytestmark  # noqa: F401


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


def test_the_quick_decoder_shows_what_diffusers_decoder_shows(weights):
    """In bfloat16 against float32; both on the GPU."""
    import torch
    from diffusers import AutoencoderKLWan

    from engine.renderers.diffusion.model import Drawn
    from engine.renderers.diffusion.pixels import bring

    options = RendererTable(compile=True, check_quality=False)
    model = DiffusionRenderer(PRESETS["standard"], weights, options)._load()
    stock = AutoencoderKLWan.from_pretrained(weights / PRESETS["standard"].folder, subfolder="vae").cuda()
    latents = torch.randn(1, 48, 4, 5, 3, generator=torch.Generator().manual_seed(1)).cuda()

    ours = np.concatenate(list(model.decode(Drawn(latents))))
    with torch.no_grad():
        theirs = next(bring(iter([stock.decode(model._scaled(latents).float(), return_dict=False)[0]])))

    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 2 < np.ptp(theirs)


def test_a_stop_inside_compiled_blocks_leaves_no_trace(weights):
    renderer = DiffusionRenderer(PRESETS["standard"], weights, RendererTable(check_quality=False))
    before, looks = luma(renderer), []

    class Stopped(BaseException):
        pass

    def stop(share, **_):
        looks.append(share)
        if share > 0 and looks.count(share) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        renderer.animate(dataclasses.replace(a_scene(), watch=stop))

    assert looks[-2] == looks[-1]  # inside a step, not at its end
    assert np.array_equal(luma(renderer), before)


def test_a_layer_in_8_bits_is_nearly_the_same(weights):
    import torch

    from engine.renderers.diffusion.float8 import has_float8, make_float8

    if not has_float8():
        pytest.skip("this chip has no 8-bit matrix products")
    layer = torch.nn.Linear(1024, 2048, device="cuda", dtype=torch.bfloat16)
    rows = torch.randn(2, 77, 1024, device="cuda", dtype=torch.bfloat16)

    with torch.no_grad():
        exact, eight = layer(rows).float(), make_float8(layer)(rows).float()

    assert float((eight - exact).norm() / exact.norm()) < 0.05


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
