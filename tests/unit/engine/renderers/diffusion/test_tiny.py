"""The tiny decoder: piece by piece as the published one does it at once, from a file of the published names."""

import numpy as np
import pytest
from drawing import a_scene, needs_torch

from engine.config import RendererTable
from engine.errors import ConfigError
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.diffusion.renderer import DiffusionRenderer

pytestmark = needs_torch

each_size = pytest.mark.parametrize("name", ["standard", "quality"])


def at_once(decoder, latents, patch):
    """As TAEHV's `decode_video`: all frames through one layer, then the next."""
    import torch

    x = latents[0].permute(1, 0, 2, 3)
    for layer in decoder.decoder:
        if hasattr(layer, "conv") and isinstance(layer.conv, torch.nn.Sequential):
            past = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, 0, 1, 0))[:-1]
            x = torch.relu(layer.conv(torch.cat([x, past], 1)) + x)
        elif hasattr(layer, "conv"):
            channels = x.shape[1]
            x = layer.conv(x).reshape(-1, channels, *x.shape[2:])
        else:
            x = layer(x)
    return torch.nn.functional.pixel_shuffle(x, patch).clamp(0, 1)[3:]


@each_size
def test_pieces_are_what_the_whole_clip_would_be(name):
    import torch

    from engine.renderers.diffusion.tiny import decode_pieces, make_tiny

    tiny = PRESETS[name].tiny
    torch.manual_seed(1)
    decoder, latents = make_tiny(tiny), torch.randn(1, tiny.channels, 3, 4, 6)

    with torch.no_grad():
        pieces = list(decode_pieces(decoder, latents, patch=tiny.patch))
        whole = at_once(decoder, latents, tiny.patch)

    assert [piece.shape[2] for piece in pieces] == [1, 4, 4]
    together = torch.cat(pieces, dim=2)[0].permute(1, 0, 2, 3).add(1).div(2)
    assert together.shape == (9, 3, 4 * 8 * tiny.patch, 6 * 8 * tiny.patch)
    assert torch.allclose(together, whole, atol=1e-5)


@each_size
def test_a_clip_is_decoded_by_it_where_it_is_asked_for(weights, name):
    full, tiny = (
        DiffusionRenderer(PRESETS[name], weights, RendererTable(check_quality=False, decoder=decoder))
        for decoder in ("full", "tiny")
    )

    clips = [renderer.animate(a_scene()) for renderer in (full, tiny)]
    lumas = [np.stack([frame.y for frame in clip.frames]) for clip in clips]

    assert lumas[0].shape == lumas[1].shape
    assert not np.array_equal(lumas[0], lumas[1])


def test_a_missing_file_is_named_with_its_place(weights, tmp_path):
    (tmp_path / "weights").symlink_to(weights / PRESETS["standard"].folder)
    renderer = DiffusionRenderer(
        PRESETS["standard"], tmp_path, RendererTable(weights=str(tmp_path / "weights"), decoder="tiny")
    )
    file = weights / PRESETS["standard"].folder / "tiny" / PRESETS["standard"].tiny.file
    file.rename(tmp_path / "aside")
    try:
        with pytest.raises(ConfigError, match=r"needs taew2_2\.safetensors of lightx2v/Autoencoders"):
            renderer._load()
    finally:
        (tmp_path / "aside").rename(file)


def test_a_file_of_another_decoder_is_not_loaded(tmp_path):
    import torch
    from safetensors.torch import save_file

    from engine.renderers.diffusion.machine import Machine
    from engine.renderers.diffusion.tiny import load_tiny

    tiny = PRESETS["standard"].tiny
    (tmp_path / "tiny").mkdir()
    save_file({"decoder.1.weight": torch.zeros(1)}, str(tmp_path / "tiny" / tiny.file))

    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_tiny(tiny, tmp_path, Machine.find(RendererTable()))
