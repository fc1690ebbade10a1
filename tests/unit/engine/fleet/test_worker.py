import dataclasses
import hashlib
import io
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.fleet import Decoding, Drawing, Encoding, Progress, RenderOrder
from engine.fleet.serving import CancelRequested
from engine.fleet.worker import make_clip
from engine.media.clip import Frame, Made, RenderedClip, TrainedModel
from engine.media.photo import decode
from engine.provenance.label import make_label
from engine.provenance.mark import Mark
from engine.provenance.reading import read_watermark
from engine.provenance.source_type import SourceType
from engine.renderers import ClipFormat, Scene
from engine.verdicts import PhotoFacts

WIDTH, HEIGHT, FRAMES = 96, 160, 6


class GrayRenderer:
    """Renders gray frames; `breaks_at` raises while a frame is made, as a renderer might."""

    name = "gray"

    def __init__(self, *, breaks_at: int | None = None, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        self.width, self.height = size
        self.breaks_at = breaks_at
        self.seen: list[Scene] = []

    def warm_up(self) -> None:
        pass

    def animate(self, scene: Scene) -> RenderedClip:
        self.seen.append(scene)
        return RenderedClip(
            frames=self._frames(),
            frame_count=FRAMES,
            width=self.width,
            height=self.height,
            frames_per_second=12,
            renderer=self.name,
            digital_source_type=SourceType.MODIFIED,
            models=(TrainedModel("matte", "1", "MIT"),),
            made=Made(moved=("snow",)),
        )

    def _frames(self) -> Iterator[Frame]:
        for number in range(FRAMES):
            if number == self.breaks_at:
                raise ZeroDivisionError
            yield Frame(
                y=np.full((self.height, self.width), 90 + number, np.uint8),
                u=np.full((self.height // 2, self.width // 2), 128, np.uint8),
                v=np.full((self.height // 2, self.width // 2), 128, np.uint8),
            )


@pytest.fixture
def order(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (90, 160), "teal").save(buffer, "JPEG")
    path = tmp_path / "photo.jpg"
    path.write_bytes(decode(buffer.getvalue()).jpeg)
    return RenderOrder(
        job_id="a-job",
        attempt=2,
        photo_path=path,
        prompt="let it snow",
        locale="en",
        seed=7,
        clip_format=ClipFormat(short_side=96, seconds=0.5),
    )


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_the_clip_is_whole_labelled_and_named_by_job_and_attempt(order, work):
    told: list[Progress] = []

    clip = make_clip(order, GrayRenderer(), work, told.append)

    label = make_label(SourceType.MODIFIED, "en", width=WIDTH, height=HEIGHT)
    assert [path.name for path in work.iterdir()] == ["a-job-2.mp4"]
    assert clip.path == work / "a-job-2.mp4"
    assert clip.sha256 == hashlib.sha256(clip.path.read_bytes()).hexdigest()
    assert clip.label == label.text
    assert (clip.renderer, clip.made, clip.duration_seconds) == ("gray", Made(moved=("snow",)), 0.5)
    assert (clip.width, clip.height, clip.has_sound) == (WIDTH, HEIGHT, False)
    fractions = [progress.fraction for progress in told]
    assert told[0] == Drawing(0.0)
    assert told[-1] == Encoding(1.0)
    assert fractions == sorted(fractions)


def test_a_clip_that_was_drawn_before_is_decoded_and_then_encoded(order, work):
    class Model(GrayRenderer):
        def animate(self, scene):
            for step in (1, 2, 3):
                scene.watch(0.2 * step, step=step, steps=3)
            return dataclasses.replace(super().animate(scene), done_before=0.6)

    told: list[Progress] = []
    make_clip(order, Model(), work, told.append)

    assert told[:3] == [Drawing(0.2, 1, 3), Drawing(0.4, 2, 3), Drawing(pytest.approx(0.6), 3, 3)]
    assert [type(progress) for progress in told[3:]] == [Decoding] * FRAMES + [Encoding] * 2
    assert told[3] == Decoding(0.6)


def test_a_clip_that_is_large_enough_carries_its_number(order, work):
    order = msgspec.structs.replace(order, mark=Mark(number=42, key=b"secret"))

    small = make_clip(order, GrayRenderer(), work, lambda _: None)
    large = make_clip(order, GrayRenderer(size=(288, 512)), work, lambda _: None)

    assert small.watermark is None
    assert large.watermark == 42
    assert read_watermark(large.path, b"secret").number == 42


def test_an_order_shows_no_key(order):
    order = msgspec.structs.replace(order, mark=Mark(number=42, key=b"secret"))

    assert "secret" not in repr(order)


def test_the_renderer_sees_the_photo_and_the_parsed_prompt(order, work):
    renderer = GrayRenderer()
    order = msgspec.structs.replace(order, prompt="heavy snow, but no rain")

    make_clip(order, renderer, work, lambda _: None)

    (scene,) = renderer.seen
    assert scene.pixels.shape == (160, 90, 3)
    assert [wish.effect for wish in scene.directions.wishes] == ["snow"]
    assert scene.seed == 7
    assert scene.clip_format == order.clip_format


def test_a_renderer_that_breaks_leaves_nothing_behind(order, work):
    with pytest.raises(ZeroDivisionError):
        make_clip(order, GrayRenderer(breaks_at=3), work, lambda _: None)

    assert list(work.iterdir()) == []


@pytest.mark.parametrize("stop_at", [0.0, 0.5, 1.0])
def test_a_cancel_stops_the_clip_and_leaves_nothing_behind(order, work, stop_at):
    def cancel(progress: Progress) -> None:
        if progress.fraction >= stop_at:
            raise CancelRequested

    with pytest.raises(CancelRequested):
        make_clip(order, GrayRenderer(), work, cancel)

    assert list(work.iterdir()) == []


def test_what_the_gates_read_in_the_caption_is_rendered_too(order, work):
    renderer = GrayRenderer()
    hinted = msgspec.structs.replace(order, facts=PhotoFacts(hints=("wink", "@pan_left")))

    make_clip(hinted, renderer, work, lambda _: None)

    directions = renderer.seen[0].directions
    assert [wish.effect for wish in directions.wishes] == ["snow", "wink"]
    assert directions.camera == "pan_left"
