"""What a preset is, without torch: sizes, captions, and which one a machine gets."""

import numpy as np
import pytest

from engine.config import RendererTable
from engine.errors import ConfigError
from engine.prompts.looks import LOOK_NAMES
from engine.renderers import ClipFormat
from engine.renderers.choice import choose
from engine.renderers.diffusion.framing import count_frames, frame_photo
from engine.renderers.diffusion.memory import TIGHT_GIGABYTES, Plan, TextPlace, plan_memory
from engine.renderers.diffusion.presets import BY_MEMORY, PRESETS, find_preset
from engine.renderers.diffusion.texts import DEFAULT, LOOKS, write_caption
from engine.verdicts import Face

each_preset = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
FULL = ClipFormat(seconds=10)


@each_preset
def test_an_upright_photo_gets_the_presets_size_and_number_of_frames(preset):
    framing = frame_photo(preset, width=1080, height=1920, faces=(), clip_format=FULL)

    assert (framing.width, framing.height) == (preset.short_side, preset.long_side)
    assert count_frames(preset, FULL) == preset.frames


@each_preset
@pytest.mark.parametrize("sides", [(1920, 1080), (1000, 1000), (1200, 1100), (8000, 500), (300, 2000)])
def test_other_shapes_are_cropped_and_never_stretched(preset, sides):
    width, height = sides
    framing = frame_photo(preset, width=width, height=height, faces=(), clip_format=FULL)

    assert framing.width % preset.side_step == framing.height % preset.side_step == 0
    assert framing.width / framing.height == pytest.approx(framing.crop_width / framing.crop_height, rel=0.02)
    assert framing.width * framing.height <= 1.15 * preset.short_side * preset.long_side
    assert (framing.crop_width, framing.crop_height) <= (width, height)


@each_preset
def test_frames_come_in_the_models_steps(preset):
    for seconds in (0.1, 1.0, 2.37, 4.0):
        assert (count_frames(preset, ClipFormat(seconds=seconds)) - 1) % preset.frame_step == 0


def test_the_crop_keeps_the_largest_face():
    face = Face(x=1500, y=100, width=200, height=240, score=0.9)

    framing = frame_photo(
        PRESETS["standard"], width=1920, height=1080, faces=(face,), clip_format=ClipFormat(aspect="9:16")
    )

    assert framing.left <= face.x
    assert face.x + face.width <= framing.left + framing.crop_width
    assert framing.cut(np.zeros((1080, 1920, 3), np.uint8)).shape == (1280, 704, 3)


@pytest.mark.parametrize(
    ("name", "gigabytes", "plan"),
    [
        ("standard", 139, Plan()),
        ("standard", 31.5, Plan()),
        ("standard", 23.6, Plan(TextPlace.SWAPPED)),
        ("standard", 15.6, Plan(TextPlace.SWAPPED, tiles=True)),
        ("lite", 11.6, Plan(TextPlace.CPU, float8=True, tiles=True)),
        ("lite", 7.6, Plan(TextPlace.CPU, float8=True, offload=True, tiles=True)),
        ("quality", 79, Plan()),
        ("quality", 47.5, Plan(float8=True)),
        ("quality", 23.6, Plan(TextPlace.SWAPPED, float8=True, offload=True, tiles=True)),
        ("sound", 79, Plan()),
        ("sound", 47.5, Plan(TextPlace.SWAPPED, tiles=True)),
        ("standard", 0, Plan()),
    ],
)
def test_each_gpu_gets_what_it_can_hold(name, gigabytes, plan):
    assert plan_memory(PRESETS[name], gigabytes) == plan


@each_preset
def test_a_preset_that_auto_chooses_has_a_plan_that_fits(preset):
    plan, sizes = plan_memory(preset, preset.memory_gigabytes), preset.sizes
    held = sizes.denoiser if plan.offload else sizes.denoisers * sizes.denoiser + sizes.others

    assert held / (2 if plan.float8 else 1) + TIGHT_GIGABYTES <= preset.memory_gigabytes


def test_an_unknown_preset_names_those_that_there_are():
    with pytest.raises(ConfigError, match="lite, standard, quality, sound"):
        find_preset("best")


@pytest.mark.parametrize(
    ("gigabytes", "chosen"),
    [(80, "quality"), (24, "quality"), (16, "standard"), (8, "lite"), (4, "scene"), (0, "scene")],
)
def test_the_best_that_fits_into_the_gpu_is_chosen(tmp_path, gigabytes, chosen):
    for name in BY_MEMORY:
        (tmp_path / PRESETS[name].folder).mkdir(exist_ok=True)

    assert choose(tmp_path, RendererTable(), gigabytes=gigabytes)[0] == chosen


def test_what_is_not_here_is_not_chosen_and_the_reason_says_what_to_do(tmp_path):
    (tmp_path / PRESETS["standard"].folder).mkdir()

    assert choose(tmp_path, RendererTable(), gigabytes=80)[0] == "standard"
    name, why = choose(tmp_path / "empty", RendererTable(), gigabytes=80)
    assert (name, why) == ("scene", "no weights are here; run: python -m engine models fetch quality")


def test_only_licences_that_ask_nothing_are_chosen_by_themselves():
    assert all(not PRESETS[name].licence_note for name in BY_MEMORY)
    assert PRESETS["sound"].licence_note


def test_every_look_has_words():
    assert set(LOOK_NAMES) <= set(LOOKS)


def test_a_caption_is_passed_on_as_it_is_and_an_empty_one_has_a_default():
    assert write_caption("Es schneit. ", None).startswith("Es schneit. One")
    assert write_caption("  ", None).startswith(DEFAULT)
    assert write_caption("ignored", "snow").startswith("Soft snow falls. One")
