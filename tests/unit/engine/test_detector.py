"""The layers in their order, each over real files; only the ledger is played."""

import dataclasses
import hashlib
import io
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bench.parts.tampering import flip
from engine.detector import Detector
from engine.ledger import KnownClip
from engine.media.clip import Frame, LabeledClip, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.provenance.credentials import ClipSigner
from engine.provenance.fingerprint import read_fingerprint
from engine.provenance.keys import load_keys, read_root
from engine.provenance.mark import Mark
from engine.provenance.source_type import SourceType
from engine.provenance.watermark import Stamp
from engine.schema import Finding, Layer, VerifyReport

KEY = bytes(range(32))
NUMBER = 0xA1B2C3D4E5F6
WIDTH, HEIGHT, FRAMES = 360, 640, 12
CLIP = KnownClip(
    made_at=1_795_000_000_000, renderer="scene", digital_source_type=SourceType.MODIFIED.uri, manifest=b""
)


def drift(stamp: Stamp | None):
    """Smooth noise that pans."""
    coarse = np.random.default_rng(0).normal(120, 45, (HEIGHT // 16 + 1, WIDTH // 16 + 6))
    wide = np.clip(cv2.resize(coarse, None, fx=16, fy=16, interpolation=cv2.INTER_CUBIC), 16, 235)
    for number in range(FRAMES):
        luma = np.ascontiguousarray(wide[:HEIGHT, 4 * number : 4 * number + WIDTH].astype(np.uint8))
        chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
        frame = Frame(luma, chroma, chroma.copy())
        if stamp is not None:
            stamp.stamp(frame)
        yield frame


def clip(path: Path, *, stamp: Stamp | None) -> LabeledClip:
    facts = {
        "width": WIDTH,
        "height": HEIGHT,
        "renderer": "scene",
        "digital_source_type": SourceType.MODIFIED,
        "models": (TrainedModel(name="matte", version="1", licence="MIT"),),
        "made": Made(),
    }
    write_mp4(RenderedClip(frames=drift(stamp), frame_count=FRAMES, frames_per_second=24, **facts), path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return LabeledClip(path=path, sha256=sha256, duration_seconds=0.5, label="AI modified", **facts)


@pytest.fixture(scope="module")
def signed(tmp_path_factory, keys_folder) -> bytes:
    """Marked and signed, as a clip leaves."""
    folder = tmp_path_factory.mktemp("marked")
    marked = clip(folder / "clip.mp4", stamp=Stamp(Mark(number=NUMBER, key=KEY), width=WIDTH, height=HEIGHT))
    ClipSigner(load_keys(keys_folder)).sign(marked, to=folder / "signed.mp4")
    return (folder / "signed.mp4").read_bytes()


@pytest.fixture(scope="module")
def unmarked(tmp_path_factory) -> bytes:
    """The same pictures without any mark."""
    return clip(tmp_path_factory.mktemp("plain") / "clip.mp4", stamp=None).path.read_bytes()


def remuxed(data: bytes) -> bytes:
    """The same pictures in a new file, which has lost its credentials."""
    out = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(out, "w", format="mp4") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    return out.getvalue()


@dataclasses.dataclass
class Known:
    """A ledger with at most one clip in it."""

    number: int | None = None
    fingerprint: bytes | None = None
    asked: list[str] = dataclasses.field(default_factory=list)

    def find_watermark(self, number: int) -> KnownClip | None:
        self.asked.append("watermark")
        return CLIP if number == self.number else None

    async def find_fingerprint(self, fingerprint: bytes) -> KnownClip | None:
        self.asked.append("fingerprint")
        return CLIP if fingerprint == self.fingerprint else None


def detector(keys_folder, known: Known, **seconds) -> Detector:
    return Detector(root_pem=read_root(keys_folder), watermark_key=KEY, registry=known, **seconds)


async def test_whole_credentials_speak_and_nothing_else_is_asked(keys_folder, signed):
    known = Known(number=NUMBER)

    report = await detector(keys_folder, known).examine(signed)

    assert (report.layer, report.detail, report.made_here, report.intact) == (
        Layer.CREDENTIALS,
        Finding.MADE_HERE,
        True,
        True,
    )
    assert known.asked == []


@pytest.mark.parametrize("tamper", [remuxed, lambda data: flip(data, len(data) - 1)])
async def test_where_they_are_gone_or_do_not_fit_the_watermark_speaks(keys_folder, signed, tamper):
    known = Known(number=NUMBER)

    report = await detector(keys_folder, known).examine(tamper(signed))

    assert report == VerifyReport(
        layer=Layer.WATERMARK,
        made_here=True,
        intact=False,
        detail=Finding.WATERMARKED,
        made_at="2026-11-18T11:06:40Z",
        renderer="scene",
        digital_source_type=SourceType.MODIFIED,
    )
    assert known.asked == ["watermark"]


async def test_a_mark_that_the_ledger_has_forgotten_is_still_ours(keys_folder, signed):
    report = await detector(keys_folder, Known()).examine(remuxed(signed))

    assert (report.detail, report.made_here, report.made_at) == (Finding.WATERMARK_ONLY, True, None)


async def test_without_a_mark_a_likeness_is_told_as_no_more_than_that(keys_folder, unmarked, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(unmarked)
    known = Known(fingerprint=read_fingerprint(tmp_path / "clip.mp4"))

    report = await detector(keys_folder, known).examine(unmarked)

    assert (report.layer, report.detail, report.made_here) == (
        Layer.FINGERPRINT,
        Finding.LOOKS_LIKE,
        False,
    )
    assert known.asked == ["fingerprint"]


async def test_changed_credentials_without_any_other_trace_stay_changed(keys_folder, labeled_clip, tmp_path):
    ClipSigner(load_keys(keys_folder)).sign(labeled_clip, to=tmp_path / "signed.mp4")

    report = await detector(keys_folder, Known()).examine(flip((tmp_path / "signed.mp4").read_bytes(), -1))

    assert (report.layer, report.detail, report.made_here) == (Layer.CREDENTIALS, Finding.CHANGED, False)


def a_strip() -> bytes:
    """A video a hundred times as long as wide: its small pictures would be huge."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 4096, 16, "yuv420p"
        for _ in range(60):
            picture = np.full((24, 4096), 128, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode())
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\0\0\0\x18ftypisom" + b"\xff" * 200, b"\x1a\x45\xdf\xa3" + bytes(300), a_strip()],
    ids=["nothing", "text", "no mp4", "no matroska", "a strip"],
)
async def test_strange_files_get_an_answer(keys_folder, data):
    report = await detector(keys_folder, Known()).examine(data)

    assert not report.made_here
    assert report.detail in {Finding.NO_CREDENTIALS, Finding.UNREADABLE}


async def test_a_file_that_outlasts_every_child_is_unreadable(keys_folder, signed):
    hurried = detector(keys_folder, Known(), credentials_seconds=0.0, search_seconds=0.0)

    assert (await hurried.examine(signed)).detail is Finding.UNREADABLE
