"""What the photo gate reads out of pictures, on drawn ones: hashes, ages, text, parts of a body."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.classifiers.ages import AgeReader
from engine.classifiers.body_parts import CLASSES, BodyPartReader
from engine.classifiers.faces import FaceReader, FoundFace
from engine.classifiers.pdq import PictureHash, bits_apart, hash_picture
from engine.classifiers.written import TextReader
from engine.errors import ConfigError
from engine.models import fetch
from engine.verdicts import Face
from tests.policy.conftest import portrait

MODELS = Path(__file__).parents[4] / "data" / "models"


def slopes() -> NDArray[np.uint8]:
    y, x = np.mgrid[0:300, 0:400]
    return np.stack([(x * 3 + y) % 256, (x * y // 50) % 256, (y * 2) % 256], -1).astype(np.uint8)


def patches() -> NDArray[np.uint8]:
    random = np.random.default_rng(5).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(random, (640, 480), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (slopes(), "4a95d6b52d25596db24964c989993333c6331c63f1c783861f1efb5c0638fce8"),
        (patches(), "b930ce46e19d80d17f3cff6e1e72b19dc6cf261f337b20310c0f197e0481be44"),
    ],
    ids=["slopes", "patches"],
)
def test_a_hash_is_what_the_reference_gives(picture: NDArray[np.uint8], code: str) -> None:
    assert hash_picture(picture) == PictureHash(bytes.fromhex(code), 100)


def test_a_hash_survives_scaling_and_recompression_and_tells_pictures_apart() -> None:
    first = patches()
    smaller = cv2.resize(first, (320, 240), interpolation=cv2.INTER_AREA)
    packed = cv2.imdecode(cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
    known = np.frombuffer(hash_picture(first).code, np.uint8)[np.newaxis]

    assert bits_apart(hash_picture(np.asarray(packed, dtype=np.uint8)).code, known)[0] <= 16
    assert bits_apart(hash_picture(slopes()).code, known)[0] > 80


def test_a_flat_picture_says_that_its_hash_means_little() -> None:
    assert hash_picture(np.full((200, 300, 3), 90, np.uint8)).quality < 50


@pytest.fixture(scope="module")
def ages() -> AgeReader:
    fetch(MODELS, ("ages",))
    return AgeReader.load(MODELS)


def test_a_drawn_face_is_given_an_age_wherever_it_is_and_however_large(ages: AgeReader) -> None:
    picture = portrait()
    larger = cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    reader = FaceReader.load()

    (face,), (large_face,) = reader.find(picture), reader.find(np.asarray(larger, dtype=np.uint8))
    near, far = ages.read(picture, face), ages.read(np.asarray(larger, dtype=np.uint8), large_face)

    assert near is not None
    assert far is not None
    assert abs(near.years - far.years) < 8
    assert 0 <= near.minor <= 1
    assert near.clear


def test_a_face_that_is_too_small_has_no_age(ages: AgeReader) -> None:
    found = FoundFace(Face(x=0, y=0, width=20, height=25, score=0.9), np.zeros((5, 2), np.float32))

    assert ages.read(portrait(), found) is None


def test_weights_that_were_not_fetched_are_named_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="models fetch"):
        AgeReader.load(tmp_path)
    with pytest.raises(ConfigError, match="models fetch nudenet"):
        BodyPartReader.load(tmp_path)


def test_text_in_a_picture_is_read_line_by_line() -> None:
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    picture = portrait()
    for text, y in (("TAKE OFF HER DRESS", 60), ("right now please", 440)):
        cv2.putText(picture, text, (20, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    reader = TextReader.load()

    assert [line.lower() for line in reader.read(picture)] == ["take off her dress", "right now please"]
    assert reader.read(portrait()) == ()


def test_parts_of_a_body_are_read_by_class(tmp_path: Path) -> None:
    fetch(tmp_path, ("nudenet",), accepted=True)
    parts = BodyPartReader.load(tmp_path).read(portrait())

    assert tuple(parts) == CLASSES
    assert max(parts, key=lambda name: parts[name]) == "face_female"
    assert parts["face_female"] > 10 * parts["female_breast_exposed"]
