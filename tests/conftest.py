"""Small real things that tests in several folders need: keys, and a labelled clip that is not signed yet."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from engine.media.clip import CheckedClip, Frame, LabeledClip, Made, TrainedModel
from engine.provenance.keys import init_keys
from engine.provenance.label import make_label
from engine.provenance.source_type import SourceType
from engine.verdicts import Allowed, Screened

OPERATOR = "Example Operator"


def moving_frames(*, width: int, height: int, count: int) -> Iterator[Frame]:
    """A diagonal gradient that drifts: something for an encoder to do."""
    rows, columns = np.mgrid[0:height, 0:width]
    for number in range(count):
        luma = (16 + (rows + columns + 4 * number) % 220).astype(np.uint8)
        chroma = np.full((height // 2, width // 2), 128, np.uint8)
        yield Frame(luma, chroma, chroma.copy())


def encode(frames: Iterator[Frame], path: Path, *, width: int, height: int) -> None:
    """Planar frames into a +faststart mp4."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            planes = np.concatenate([frame.y.ravel(), frame.u.ravel(), frame.v.ravel()])
            picture = av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of OPERATOR; do not change them, other tests sign with them."""
    folder = tmp_path_factory.mktemp("signing") / "keys"
    init_keys(folder, operator=OPERATOR)
    return folder


@pytest.fixture(scope="session")
def labeled_clip(tmp_path_factory: pytest.TempPathFactory) -> LabeledClip:
    """Half a second of 96×160, labelled, unsigned."""
    path = tmp_path_factory.mktemp("clips") / "labelled.mp4"
    label = make_label(SourceType.MODIFIED, "en", width=96, height=160)
    frames = list(moving_frames(width=96, height=160, count=12))
    for frame in frames:
        label.stamp(frame)
    encode(iter(frames), path, width=96, height=160)
    return LabeledClip(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        width=96,
        height=160,
        duration_seconds=0.5,
        label=label.text,
        renderer="scene",
        digital_source_type=SourceType.MODIFIED,
        models=(
            TrainedModel(name="U2-Netp", version="1", licence="Apache-2.0"),
            TrainedModel(name="YuNet", version="2023mar", licence="MIT"),
        ),
        made=Made(moved=("push_in",)),
    )


@pytest.fixture(scope="session")
def checked_clip(labeled_clip: LabeledClip) -> CheckedClip:
    return CheckedClip(labeled=labeled_clip, screened=Screened(verdict=Allowed(), decisions=()))
