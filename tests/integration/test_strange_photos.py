"""What people send that is hardly a photo: through the real decode child, then a decent clip or a clear sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from engine.config import RendererTable
from engine.errors import PhotoRejected
from engine.media.decode import read_clip_info, sample_frames
from engine.media.encode import write_mp4
from engine.media.photo import read_pixels
from engine.models import fetch
from engine.prompts.directions import Directions, Wish
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene import SceneRenderer
from engine.schema import PhotoProblem
from engine.screening import _Decoders
from engine.verdicts import PhotoFacts

MODELS = Path(__file__).parents[2] / "data" / "models"
SMALL = ClipFormat(short_side=96, seconds=0.5)
EVERYTHING = ("sky_drift", "water", "sun_rays", "night", "snow", "golden_hour", "fog")


def hills(width, height):
    """Sky over rolling green, with grain."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    ridge = height * (0.5 + 0.1 * np.sin(columns / height * 3))
    sky = np.stack([110 + 90 * rows / height, 160 + 60 * rows / height, 225 + 0 * rows], axis=2)
    ground = np.float32([80, 110, 60]) + np.random.default_rng(0).normal(0, 12, (height, width, 1))
    return Image.fromarray(np.clip(np.where((rows < ridge)[..., None], sky, ground), 0, 255).astype(np.uint8))


def packed(image, image_format="PNG", **settings):
    held = io.BytesIO()
    image.save(held, image_format, **settings)
    return held.getvalue()


def line_drawing():
    image = Image.new("L", (600, 800), 255)
    draw = ImageDraw.Draw(image)
    draw.ellipse((150, 150, 450, 450), outline=0, width=3)
    for x in range(180, 430, 25):
        draw.line((x, 460, x - 60, 760), fill=0, width=2)
    return image


def screenshot():
    image = Image.new("RGB", (540, 1100), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 540, 70), fill="#24292f")
    for y in range(100, 1080, 22):
        draw.text((24, y), "Lorem ipsum dolor sit amet, consectetur adipisici elit, sed", fill="#333333")
    return image


def cut_out():
    image = hills(500, 600).convert("RGBA")
    cover = Image.new("L", image.size, 0)
    ImageDraw.Draw(cover).ellipse((100, 100, 400, 500), fill=255)
    image.putalpha(cover)
    return image


def sixteen_bit():
    rows = np.linspace(0, 65_535, 480)[:, None] * np.ones((1, 360))
    return Image.fromarray(rows.astype(np.uint16))


def animated():
    frames = [hills(400, 300), Image.new("RGB", (400, 300), "red"), Image.new("RGB", (400, 300), "blue")]
    held = io.BytesIO()
    frames[0].save(held, "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    return held.getvalue()


def rotated():
    """Stored lying on its side, as phones do."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return packed(hills(360, 480).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


SHOWN = {
    "wide panorama": lambda: packed(hills(6000, 500), "JPEG"),
    "tall strip": lambda: packed(hills(500, 6000), "JPEG"),
    "black": lambda: packed(Image.new("RGB", (600, 800))),
    "white": lambda: packed(Image.new("RGB", (600, 800), "white")),
    "line drawing": lambda: packed(line_drawing()),
    "screenshot of text": lambda: packed(screenshot()),
    "transparency": lambda: packed(cut_out()),
    "CMYK": lambda: packed(hills(400, 500).convert("CMYK"), "JPEG"),
    "sixteen bits": lambda: packed(sixteen_bit()),
    "animated WebP": animated,
    "rotated by EXIF": rotated,
    "wide gamut": lambda: packed(
        hills(400, 500), icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
}
SAID = {
    "panorama of 16:1": (lambda: packed(hills(8000, 500), "JPEG"), PhotoProblem.TOO_NARROW),
    "sixteen pixels": (lambda: packed(hills(16, 16)), PhotoProblem.TOO_SMALL),
}


@pytest.fixture(scope="module")
def renderer():
    fetch(MODELS)
    made = SceneRenderer(MODELS, RendererTable(drawn_background=False))
    made.warm_up()
    return made


@pytest.fixture
async def decoders():
    async with _Decoders(decode_seconds=60.0, children=1) as running:
        yield running


@pytest.mark.parametrize("name", SHOWN)
async def test_it_becomes_a_decent_clip(decoders, renderer, tmp_path, name):
    pixels = read_pixels((await decoders.decode(SHOWN[name]())).jpeg)
    codes = EVERYTHING if name in {"black", "white", "line drawing"} else ()
    made = animate(renderer, pixels, *codes)
    write_mp4(made, tmp_path / "clip.mp4")

    info = read_clip_info(tmp_path / "clip.mp4")
    first = sample_frames(tmp_path / "clip.mp4", 1)[0]

    assert (info.frame_count, min(info.width, info.height)) == (12, 96)
    assert made.made.moved[0] == "push_in"
    assert set(made.made.moved) <= {"push_in", "sky_drift", *codes} - {"water"}
    assert abs(float(first.mean()) - float(pixels.mean())) < 30  # the photo, not something else


@pytest.mark.parametrize("name", SAID)
async def test_or_there_is_a_clear_sentence(decoders, name):
    make, problem = SAID[name]

    with pytest.raises(PhotoRejected) as caught:
        await decoders.decode(make())

    assert caught.value.problem is problem


async def test_what_lies_on_its_side_stands_upright(decoders):
    photo = await decoders.decode(rotated())

    assert (photo.width, photo.height) == (360, 480)
    assert read_pixels(photo.jpeg)[40].mean(axis=0)[2] > 200  # the sky is at the top


async def test_of_a_film_the_first_picture_is_shown(decoders):
    pixels = read_pixels((await decoders.decode(animated())).jpeg)

    assert np.ptp(pixels.reshape(-1, 3).mean(axis=0)) < 120  # neither all red nor all blue


def animate(renderer, pixels, *codes):
    directions = Directions(wishes=tuple(Wish(effect=code) for code in codes))
    return renderer.animate(
        Scene(pixels=pixels, directions=directions, facts=PhotoFacts(), seed=1, clip_format=SMALL)
    )
