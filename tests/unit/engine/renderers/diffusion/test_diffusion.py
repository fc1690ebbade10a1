"""Every preset on its tiny pipeline: runs, tells, stops, repeats itself, and survives what goes wrong."""

import shutil
from functools import partial

import numpy as np
import pytest
from drawing import EVERY_PRESET, FAMILIES, SHORT, a_scene, needs_torch
from PIL import Image

from engine.config import RendererTable
from engine.errors import ConfigError, PoorClip, RenderFailed
from engine.media.decode import read_clip_info
from engine.media.encode import write_mp4
from engine.renderers import unwatched
from engine.renderers.diffusion.machine import Machine
from engine.renderers.diffusion.memory import TextPlace, plan_memory
from engine.renderers.diffusion.model import Drawn, Take
from engine.renderers.diffusion.pixels import bring
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.diffusion.renderer import DiffusionRenderer
from engine.renderers.diffusion.stopping import blocks_of
from engine.renderers.diffusion.wan import Wan

pytestmark = needs_torch

each_family = pytest.mark.parametrize("name", FAMILIES)
each_preset = pytest.mark.parametrize("name", EVERY_PRESET)


class Stopped(BaseException):
    """What a worker's watch raises."""


def pictures(clip):
    return np.stack(
        [np.concatenate([frame.y.ravel(), frame.u.ravel(), frame.v.ravel()]) for frame in clip.frames]
    )


def denoisers(renderer):
    model = renderer._load()
    return [
        one
        for one in (model._pipe.transformer, getattr(model._pipe, "transformer_2", None))
        if one is not None
    ]


def fail_at(renderer, monkeypatch, errors):
    """The denoiser raises these, one a pass, and then works."""
    denoiser, left = denoisers(renderer)[0], list(errors)
    forward = denoiser.forward

    def failing(*args, **kwargs):
        if left:
            raise left.pop(0)
        return forward(*args, **kwargs)

    monkeypatch.setattr(denoiser, "forward", failing)


@each_preset
def test_a_clip_comes_out_that_says_what_made_it(load, tmp_path, name):
    told, passes = [], []

    def watch(share, *, step, steps):
        told.append(share)
        passes.append((step, steps))

    clip = load(name).animate(a_scene(watch=watch))
    write_mp4(clip, tmp_path / "clip.mp4")

    info, preset = read_clip_info(tmp_path / "clip.mp4"), PRESETS[name]

    assert (info.frame_count, info.frames_per_second) == (
        9 if name != "quality" else 5,
        preset.frames_per_second,
    )
    assert info.width % preset.side_step == info.height % preset.side_step == 0
    assert clip.digital_source_type.endswith("/trainedAlgorithmicMedia")
    assert [(model.name, model.licence) for model in clip.models] == [(preset.title, preset.licence)]
    assert info.has_sound == (name == "sound")
    assert told == sorted(told)
    assert told[-1] == pytest.approx(clip.done_before)
    count = {"lite": 3, "standard": 3, "quality": 4, "sound": 11}[name]
    assert list(dict.fromkeys(passes)) == [(number, count) for number in range(1, count + 1)]


@each_preset
def test_the_same_order_gives_the_same_clip_and_another_seed_another(load, name):
    renderer = load(name)

    one, two, other = (pictures(renderer.animate(a_scene(seed=seed))) for seed in (1, 1, 2))

    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@each_preset
def test_a_stop_inside_a_step_leaves_the_next_clip_as_it_would_have_been(load, name):
    renderer = load(name)
    before = pictures(renderer.animate(a_scene()))
    looks = []

    def stop_in_the_second_step(share, **_):
        looks.append(share)
        if share > 0 and looks.count(share) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        renderer.animate(a_scene(watch=stop_in_the_second_step))

    assert len(looks) < 12  # at most a block later
    assert np.array_equal(pictures(renderer.animate(a_scene())), before)


@pytest.mark.parametrize(("name", "passes"), [("standard", (3,)), ("quality", (2, 2)), ("sound", (11,))])
def test_the_denoiser_runs_once_a_step_and_each_expert_takes_its_half(load, name, passes):
    renderer, counts = load(name), []
    for denoiser in denoisers(renderer):
        calls = []
        denoiser.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        counts.append(calls)

    renderer.animate(a_scene())

    assert tuple(len(calls) for calls in counts) == passes


def test_the_noise_levels_are_those_of_the_checkpoint(load):
    for name in ("standard", "quality"):
        renderer = load(name)
        renderer.animate(a_scene())
        scheduler = renderer._load()._pipe.scheduler
        assert scheduler.sigmas.tolist() == pytest.approx([*PRESETS[name].sigmas, 0.0])


def test_the_loras_are_fused_into_both_experts(weights, load, tmp_path):
    shutil.copytree(weights / PRESETS["quality"].folder, tmp_path / PRESETS["quality"].folder)
    loras = tmp_path / PRESETS["quality"].folder / "loras"
    for file in sorted(loras.iterdir())[1:]:
        shutil.copy(min(loras.iterdir()), file)  # the high-noise expert's, for both

    as_made, mixed = (denoisers(load("quality", folder)) for folder in (weights, tmp_path))

    def queries(expert):
        return expert.blocks[0].attn1.to_q.weight

    assert bool((queries(as_made[0]) == queries(mixed[0])).all()) != bool(
        (queries(as_made[1]) == queries(mixed[1])).all()
    )


@pytest.mark.parametrize(("name", "channels", "sides"), [("standard", 48, (5, 3)), ("quality", 16, (10, 6))])
def test_wan_is_decoded_piece_by_piece_as_diffusers_does_at_once(load, weights, name, channels, sides):
    import torch
    from diffusers import AutoencoderKLWan

    model = load(name)._load()
    latents = torch.randn(1, channels, 4, *sides, generator=torch.Generator().manual_seed(1))
    stock = AutoencoderKLWan.from_pretrained(weights / PRESETS[name].folder, subfolder="vae")

    pieces = list(model.decode(Drawn(latents)))
    with torch.no_grad():
        whole = next(bring(iter([stock.decode(model._scaled(latents), return_dict=False)[0]])))

    assert [len(piece) for piece in pieces] == [1, 4, 4, 4]
    assert np.ptp(whole) > 50
    assert np.abs(np.concatenate(pieces).astype(int) - whole).max() <= 1


def test_the_share_that_drawing_takes_is_learned_from_the_last_clip(weights):
    """So that the fraction that people see goes on evenly."""
    now = [0.0]
    renderer = DiffusionRenderer(
        PRESETS["standard"], weights, RendererTable(check_quality=False), clock=lambda: now[0]
    )

    def watch(_share, *, step, steps):
        now[0] = step / steps * 2.0  # two seconds of drawing

    for _ in renderer.animate(a_scene(watch=watch)).frames:
        now[0] = 8.0

    assert renderer.animate(a_scene()).done_before == pytest.approx(0.25)


def test_compiled_blocks_can_be_stopped_between_and_are_not_compiled_anew(load):
    """With a backend that compiles nothing: what is around the blocks is tested."""
    import torch
    from torch._dynamo.utils import counters

    torch.compiler.reset()
    renderer = load("standard")
    for denoiser in denoisers(renderer):
        denoiser.compile_repeated_blocks(fullgraph=True, dynamic=True, backend="eager")
    calls = [block._compiled_call_impl for block in blocks_of(denoisers(renderer)[0])]
    before = pictures(renderer.animate(a_scene()))
    graphs, looks = counters["stats"]["unique_graphs"], []

    def stop_in_the_second_step(share, **_):
        looks.append(share)
        if share > 0 and looks.count(share) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        renderer.animate(a_scene(watch=stop_in_the_second_step))

    assert looks.count(0) == 1 + len(calls)  # before the denoiser and before each block
    assert [block._compiled_call_impl for block in blocks_of(denoisers(renderer)[0])] == calls
    assert np.array_equal(pictures(renderer.animate(a_scene())), before)
    assert counters["stats"]["unique_graphs"] == graphs


def test_the_decoder_is_compiled_once_for_all_sizes(load, monkeypatch):
    """A view's base is looked at by the compiler too: with views each size was compiled anew, until it gave up."""
    import torch
    from torch._dynamo.utils import counters

    from engine.renderers.diffusion.decoder import hasten

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    torch.compiler.reset()
    model = load("standard")._load()
    plain = model._pipe.vae
    shapes = [(3, 5, 3), (2, 3, 5), (2, 4, 4), (4, 2, 6)]
    clips = [torch.randn(1, 48, *shape, generator=torch.Generator().manual_seed(1)) for shape in shapes]
    before = [np.concatenate(list(model.decode(Drawn(latents)))) for latents in clips]

    graphs = counters["stats"]["unique_graphs"]
    hasten(plain, compiled=True)
    after = [np.concatenate(list(model.decode(Drawn(latents)))) for latents in clips]

    assert 0 < counters["stats"]["unique_graphs"] - graphs <= 4
    for one, two in zip(before, after, strict=True):
        assert np.abs(one.astype(int) - two).max() <= 1


def test_a_machine_that_cannot_compile_draws_without(load, monkeypatch):
    renderer = load("standard")
    asked = []

    class Uncompilable(Wan):
        def __init__(self, preset, pipe, machine, **options):
            super().__init__(preset, pipe, machine, **options)
            self.compiled = machine.options.compile
            asked.append(self.compiled)

        def draw(self, take, watch, *, share):
            if self.compiled:
                raise RuntimeError("no C compiler was found")
            return super().draw(take, watch, share=share)

    monkeypatch.setattr("engine.renderers.diffusion.wan.Wan", Uncompilable)
    monkeypatch.setattr(type(renderer), "_shortest", SHORT)

    renderer.warm_up()

    assert asked == [True, False]
    assert len(list(renderer.animate(a_scene()).frames)) == 9


@each_family
def test_a_caption_is_encoded_once(load, name):
    renderer = load(name)
    model, asked = renderer._load(), []
    model._encode._encoder.register_forward_pre_hook(lambda *_: asked.append(1))

    for prompt in ("snow", "rain", "snow"):
        renderer.animate(a_scene(prompt))

    assert len(asked) == 2


@pytest.mark.parametrize(("gigabytes", "place"), [(80, "beside"), (16, "swapped"), (8, "cpu")])
def test_a_small_gpu_holds_the_denoiser_or_the_text_encoder(load, weights, monkeypatch, gigabytes, place):
    """The memory is made up and the device is the CPU: where things are put is tested, not whether they fit."""
    preset, offloaded = PRESETS["standard"], []
    assert plan_memory(preset, gigabytes).text is TextPlace(place)
    monkeypatch.setattr(Wan, "offload", lambda _: offloaded.append(1))
    machine = Machine(device="cpu", dtype="float32", gigabytes=gigabytes, options=RendererTable())
    model = Wan.load(preset, weights / preset.folder, machine)
    take = Take(Image.new("RGB", (96, 160)), "snow", 5, 1)

    text = model._encode(take.caption)["prompt_embeds"]
    drawn = model.draw(take, unwatched, share=1.0)

    assert bool((text == load("standard")._load()._encode(take.caption)["prompt_embeds"]).all())
    assert model._pipe.text_encoder is None
    kept_as = str(model._pipe.transformer.blocks[0].ffn.net[2].weight.dtype)
    assert kept_as == ("torch.float8_e4m3fn" if gigabytes == 8 else "torch.float32")
    assert bool(offloaded) == (gigabytes == 8)
    assert [len(piece) for piece in model.decode(drawn)] == ([1, 4] if gigabytes == 80 else [5])


@each_family
@pytest.mark.parametrize("times", [1, 3])
def test_out_of_memory_is_met_with_less_each_time(load, monkeypatch, name, times):
    import torch

    renderer = load(name)
    full = renderer.animate(a_scene())
    monkeypatch.setattr(
        renderer._load(), "offload", lambda: None
    )  # needs a GPU; what it does is diffusers' own
    fail_at(renderer, monkeypatch, [torch.OutOfMemoryError()] * times)

    clip = renderer.animate(a_scene())

    assert renderer._load()._pipe.vae.use_tiling
    assert (clip.width < full.width) == (times >= 2)
    assert len(list(clip.frames)) == clip.frame_count


def test_a_job_that_never_fits_fails_and_the_next_one_does_not(load, monkeypatch):
    import torch

    renderer = load("standard")
    renderer._load()
    monkeypatch.setattr(renderer._load(), "offload", lambda: None)
    fail_at(renderer, monkeypatch, [torch.OutOfMemoryError()] * 4)

    with pytest.raises(RenderFailed, match="out of memory"):
        renderer.animate(a_scene())

    assert len(list(renderer.animate(a_scene()).frames)) == 9


def test_out_of_memory_while_decoding_goes_on_where_it_was(load, monkeypatch):
    import torch

    renderer = load("standard")
    model = renderer._load()
    decoder, calls = model._pipe.vae.decoder, []
    forward = decoder.forward

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise torch.OutOfMemoryError
        return forward(*args, **kwargs)

    monkeypatch.setattr(decoder, "forward", failing)

    assert len(list(renderer.animate(a_scene()).frames)) == 9


@each_family
def test_numbers_that_run_away_fail_the_job(load, monkeypatch, name):
    import torch

    renderer = load(name)
    denoiser = denoisers(renderer)[0]
    forward = denoiser.forward

    def poisoned(*args, **kwargs):
        return tuple(part * torch.nan for part in forward(*args, **kwargs))

    monkeypatch.setattr(denoiser, "forward", poisoned)

    with pytest.raises(RenderFailed, match="not finite"):
        renderer.animate(a_scene())


@each_family
def test_what_random_weights_draw_is_no_clip(load, name):
    clip = load(name, check_quality=True).animate(a_scene())

    with pytest.raises(PoorClip, match="does not begin with the photo"):
        list(clip.frames)


def test_missing_weights_are_named(load, tmp_path):
    with pytest.raises(ConfigError, match=r"fastwan2\.2-ti2v-5b"):
        load("standard", tmp_path)._load()


@each_family
def test_a_truncated_file_does_not_load(weights, load, tmp_path, name):
    folder = shutil.copytree(weights / PRESETS[name].folder, tmp_path / PRESETS[name].folder)
    file = next((folder / "transformer").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1000])

    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(name, tmp_path)._load()


@each_family
def test_a_missing_tensor_is_not_left_unset_in_silence(weights, load, tmp_path, name):
    folder = shutil.copytree(weights / PRESETS[name].folder, tmp_path / PRESETS[name].folder)
    config = folder / "transformer" / "config.json"
    config.write_text(config.read_text().replace('"num_layers": 2', '"num_layers": 3'))

    with pytest.raises(ConfigError, match="not whole: transformer lacks"):
        load(name, tmp_path)._load()
