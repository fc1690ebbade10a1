#!/usr/bin/env python3
"""Whether the marks that are signed and seen hold: a second reader's opinion, every way of tampering, and the label's contrast.

    bench/credentials.py [--quick] [--json]

Clips of both kinds of renderer (source types) are signed in every way in: of a photo without credentials, of a camera's with them, and with
the key behind a signer. encypher-c2pa, which shares no code with the signer, reads each. The label is measured in the decoded clip, 720 x 1280
at CRF 33, at full and at half size, on a white, a black and a busy picture; `--quick` takes six of its languages. With `--json` one object a line.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import c2pa
import click
import encypher_c2pa
import numpy as np
from parts.tampering import CHANGED, UNBOUND
from PIL import Image

from engine import logs
from engine.media.clip import Frame, LabeledClip, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import SigningKeys, init_keys, load_keys
from engine.provenance.label import Label, make_label
from engine.provenance.origin import Origin, take_origin
from engine.provenance.source_type import SourceType
from engine.provenance.verify import examine
from engine.provenance.words import languages
from engine.schema import Finding

OPERATOR = "Bench"
QUICK_LANGUAGES = ("en", "ru", "ar", "hi", "zh", "ko")
WHITE, BLACK = 235, 16


@dataclass(frozen=True, slots=True)
class Figure:
    """`goal` is a least value."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.value >= self.goal


def small_clip(folder: Path, source_type: SourceType) -> LabeledClip:
    """Half a second of a drifting gradient."""
    rows, columns = np.mgrid[0:160, 0:96]

    def frames() -> Iterator[Frame]:
        for number in range(12):
            luma = (16 + (rows + columns + 4 * number) % 220).astype(np.uint8)
            chroma = np.full((80, 48), 128, np.uint8)
            yield Frame(luma, chroma, chroma.copy())

    label = make_label(source_type, "en", width=96, height=160)
    facts = {
        "width": 96,
        "height": 160,
        "renderer": "bench",
        "digital_source_type": source_type.value,
        "models": (TrainedModel(name="U2-Netp", version="1", licence="Apache-2.0"),),
        "made": Made(),
    }
    path = folder / f"{source_type.name}.mp4"
    write_mp4(
        RenderedClip(frames=frames(), frame_count=12, frames_per_second=24, **facts), path, stamp=label.stamp
    )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return LabeledClip(path=path, sha256=sha256, duration_seconds=0.5, label=label.text, **facts)


def camera_origin(camera: SigningKeys, root_pem: str) -> Origin:
    """What a signed photo with a preview and a place in its credentials hands down."""
    photo, signed = io.BytesIO(), io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(photo, "JPEG")
    created = {"action": "c2pa.created", "digitalSourceType": SourceType.MODIFIED.uri}
    place = {"@context": {"exif": "http://ns.adobe.com/exif/1.0/"}, "exif:GPSLatitude": "39,21.102N"}
    story = {
        "claim_generator_info": [{"name": "Camera", "version": "1"}],
        "format": "image/jpeg",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": "stds.exif", "kind": "Json", "data": place},
        ],
    }
    key = (camera.key_pem or "").encode()
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, camera.chain_pem.encode(), key, None)
    with c2pa.Context() as context, c2pa.Builder(story, context=context) as builder:
        photo.seek(0)
        builder.sign(c2pa.Signer.from_info(info), "image/jpeg", photo, signed)
    origin = take_origin(signed.getvalue(), root_pem=root_pem)
    assert origin is not None
    return origin


def second_opinion(data: bytes, root_pem: str) -> str:
    report = encypher_c2pa.verify(
        data, "video/mp4", trust_pem=root_pem, no_default_trust=True, telemetry=False, online=False
    )
    return str(report["validation_state"])


def measure_credentials(folder: Path, *, times: int) -> Iterator[Figure]:
    init_keys(folder / "keys", operator=OPERATOR)
    init_keys(folder / "camera", operator="Camera")
    keys = load_keys(folder / "keys")
    held = load_keys(folder / "keys", signer="engine.provenance.file_signer:open_file")
    origin = camera_origin(load_keys(folder / "camera"), keys.root_pem)
    ways = {
        "plain photo": (keys, None),
        "photo with credentials": (keys, origin),
        "key behind a signer": (held, None),
    }
    signed: list[bytes] = []
    for way, (which, photo_origin) in ways.items():
        grown, valid = [], []
        for source_type, _ in itertools.product(SourceType, range(times)):
            clip = small_clip(folder, source_type)
            ClipSigner(which).sign(clip, to=folder / "signed.mp4", origin=photo_origin)
            data = (folder / "signed.mp4").read_bytes()
            signed.append(data)
            grown.append(len(data) - clip.path.stat().st_size)
            valid.append(second_opinion(data, keys.root_pem) == "Trusted")
        yield Figure(
            f"second reader trusts: {way}", 100 * float(np.mean(valid)), f"% of {len(valid)}", goal=100
        )
        yield Figure(f"file grows by: {way}", float(np.median(grown)), "bytes")
    yield from measure_tampering(signed[0], keys.root_pem)


def measure_tampering(data: bytes, root_pem: str) -> Iterator[Figure]:
    """Both readers must see what changed, and both may not mind what the standard leaves out."""
    ours, theirs = [], []
    for tamper in CHANGED.values():
        ours.append(examine(tamper(data), root_pem=root_pem).detail is Finding.CHANGED)
        theirs.append(second_opinion(tamper(data), root_pem) == "Invalid")
    for tamper in UNBOUND.values():
        ours.append(examine(tamper(data), root_pem=root_pem).made_here)
        theirs.append(second_opinion(tamper(data), root_pem) == "Trusted")
    yield Figure("tampering read rightly, here", 100 * float(np.mean(ours)), f"% of {len(ours)}", goal=100)
    yield Figure(
        "tampering read rightly, second reader", 100 * float(np.mean(theirs)), f"% of {len(theirs)}", goal=100
    )


def backdrops(width: int, height: int) -> dict[str, np.ndarray]:
    blocks = np.random.default_rng(7).integers(BLACK, WHITE, (height // 8, width // 8), dtype=np.uint8)
    return {
        "white": np.full((height, width), WHITE, np.uint8),
        "black": np.full((height, width), BLACK, np.uint8),
        "busy": np.kron(blocks, np.ones((8, 8), np.uint8)),
    }


def measure_contrast(folder: Path, *, spoken: tuple[str, ...]) -> Iterator[Figure]:
    """The worst of the languages; WCAG's contrast of the strokes' and the pill's medians."""
    width, height = 720, 1280
    for name, luma in backdrops(width, height).items():
        worst = {1: np.inf, 2: np.inf}
        for language in spoken:
            label = make_label(SourceType.MODIFIED, language, width=width, height=height)
            chroma = np.full((height // 2, width // 2), 128, np.uint8)
            frame = Frame(luma.copy(), chroma, chroma.copy())
            label.stamp(frame)
            decoded = through_crf_33(frame, folder / "label.mp4")
            worst = {
                scale: min(ratio, contrast(decoded, label, scale=scale)) for scale, ratio in worst.items()
            }
        yield Figure(f"label on {name}, CRF 33", worst[1], ": 1", goal=7)
        yield Figure(f"label on {name}, CRF 33, half size", worst[2], ": 1", goal=7)


def through_crf_33(frame: Frame, path: Path) -> av.VideoFrame:
    """As the second of two equal frames comes out."""
    height, width = frame.y.shape
    planes = np.concatenate([frame.y.ravel(), frame.u.ravel(), frame.v.ravel()]).reshape(
        height * 3 // 2, width
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "33", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        return list(container.decode(video=0))[-1]


def contrast(picture: av.VideoFrame, label: Label, *, scale: int) -> float:
    small = picture.reformat(width=picture.width // scale, height=picture.height // scale).to_ndarray()
    top, left = label.top // scale, label.left // scale
    inside = luminance(small[top : top + label.height // scale, left : left + label.width // scale])
    cover = label.layers[0].keep
    cover = cover[: cover.shape[0] // scale * scale, : cover.shape[1] // scale * scale]
    parts = cover.reshape(cover.shape[0] // scale, scale, cover.shape[1] // scale, scale)
    strokes = (parts == 0).all(axis=(1, 3))
    pill = (parts == np.bincount(cover.ravel()).argmax()).all(axis=(1, 3))
    words, ground = (float(np.median(inside[mask])) for mask in (strokes, pill))
    return (words + 0.05) / (ground + 0.05)


def luminance(luma: np.ndarray) -> np.ndarray:
    value = np.clip((luma.astype(float) - BLACK) / (WHITE - BLACK), 0, 1)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def show(figure: Figure, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**dataclasses.asdict(figure), "value": round(figure.value, 2), "met": figure.met}))
        return
    mark = {True: "met", False: "MISSED", None: ""}[figure.met]
    goal = "" if figure.goal is None else f"goal {figure.goal:g}"
    print(f"{figure.name:<46} {figure.value:>10.2f} {figure.unit:<8} {goal:<10} {mark}")


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Fewer clips and languages.")
@click.option("--json", "as_json", is_flag=True)
def main(*, quick: bool, as_json: bool) -> None:
    """Print the figures."""
    logs.configure(process="bench")  # to stderr
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for figure in measure_credentials(folder, times=2 if quick else 20):
            show(figure, as_json=as_json)
        for figure in measure_contrast(folder, spoken=QUICK_LANGUAGES if quick else languages()):
            show(figure, as_json=as_json)


if __name__ == "__main__":
    main()
