import numpy as np
import pytest

from engine.gates.sightings import Frame, Sighting, Vectors, follow
from engine.gates.stranger import remake_stranger
from engine.schema import Reason
from engine.verdicts import Allowed, Face, Remake

ANNA, BEN, EVE = np.eye(3, 128, dtype=np.float32)
NOBODY: Vectors = np.zeros((0, 128), dtype=np.float32)


def faces(*vectors: np.ndarray) -> Vectors:
    return np.stack(vectors)


def alike(vector: np.ndarray, cosine: float) -> np.ndarray:
    """A vector with this cosine to the given one, and none to the others."""
    aside = np.eye(1, 128, 100, dtype=np.float32)[0]
    return (cosine * vector + np.sqrt(1 - cosine**2) * aside).astype(np.float32)


def seen(vector: np.ndarray | None, *, x: float = 0, turned: bool = False, central: bool = True) -> Sighting:
    face = Face(x=x, y=100, width=100, height=100, score=0.9)
    return Sighting(face=face, vector=vector, turned=turned, central=central)


def side_by_side(*vectors: np.ndarray) -> Frame:
    return tuple(seen(vector, x=200 * place) for place, vector in enumerate(vectors))


def verdict(photo: Vectors, frames: list[Frame], *, remade: bool = False) -> object:
    ruling = remake_stranger(photo, frames, match=0.40, stranger_below=0.30, remade=remade)
    return ruling.verdict.reason if isinstance(ruling.verdict, Remake) else ruling.verdict


def test_the_same_people_pass() -> None:
    both = side_by_side(ANNA, BEN)

    assert verdict(faces(ANNA, BEN), [both, both, side_by_side(ANNA), both]) == Allowed()


def test_people_who_change_places_pass() -> None:
    """They walked: no face stayed in its place and became another's."""
    left, right = (seen(ANNA, x=0), seen(BEN, x=600)), (seen(ANNA, x=600), seen(BEN, x=0))
    between = (seen(ANNA, x=250), seen(BEN, x=350))

    assert verdict(faces(ANNA, BEN), [left, left, between, right]) == Allowed()


@pytest.mark.parametrize("photo", [faces(ANNA), NOBODY], ids=["one person", "nobody"])
def test_a_stranger_in_two_neighbouring_samples_is_stopped(photo: Vectors) -> None:
    frames = [side_by_side(ANNA, EVE)] * 2 if len(photo) else [side_by_side(EVE)] * 2

    assert verdict(photo, [(), *frames]) is Reason.UNKNOWN_FACE


def test_one_bad_frame_never_decides() -> None:
    alone, haunted = side_by_side(ANNA), side_by_side(ANNA, EVE)

    assert verdict(faces(ANNA), [alone, haunted, alone, haunted]) == Allowed()
    assert verdict(faces(ANNA, BEN), [side_by_side(ANNA), side_by_side(BEN), side_by_side(ANNA)]) == Allowed()


def test_a_face_in_place_of_another_is_stopped() -> None:
    assert verdict(faces(ANNA), [side_by_side(EVE)] * 2) is Reason.UNKNOWN_FACE


def test_a_face_that_appears_twice_is_one_too_many() -> None:
    assert verdict(faces(ANNA), [side_by_side(ANNA, ANNA)] * 2) is Reason.UNKNOWN_FACE


def test_a_face_on_a_poster_is_a_face_of_the_photo() -> None:
    assert verdict(faces(ANNA, EVE), [side_by_side(ANNA, EVE)] * 4) == Allowed()


def test_a_face_that_drifts_away_is_stopped() -> None:
    assert verdict(faces(ANNA), [side_by_side(alike(ANNA, 0.35))] * 3) is Reason.UNKNOWN_FACE
    assert verdict(faces(ANNA), [side_by_side(alike(ANNA, 0.45))] * 3) == Allowed()


def test_a_face_that_drifts_away_at_the_end_is_stopped() -> None:
    good, gone = [side_by_side(ANNA)] * 6, [side_by_side(alike(ANNA, 0.33))] * 3

    assert verdict(faces(ANNA), good + gone) is Reason.UNKNOWN_FACE
    assert verdict(faces(ANNA), good + gone[:1]) == Allowed()


def test_a_face_that_is_another_for_a_moment_is_stopped() -> None:
    """A face put over another keeps its hair and light, and with them some likeness."""
    good, other = [side_by_side(ANNA)] * 4, [side_by_side(alike(ANNA, 0.45))]

    assert verdict(faces(ANNA), good + other * 2 + good) is Reason.UNKNOWN_FACE
    assert verdict(faces(ANNA), good + other + good) == Allowed()


def test_faces_that_are_swapped_are_stopped() -> None:
    before, after = side_by_side(ANNA, BEN), side_by_side(BEN, ANNA)

    assert verdict(faces(ANNA, BEN), [before, before, after, after]) is Reason.UNKNOWN_FACE
    assert verdict(faces(ANNA, BEN), [before, after, before, after, before]) == Allowed()


def test_a_face_that_becomes_another_of_the_photo_is_stopped() -> None:
    frames = [(seen(ANNA, x=x),) for x in (0, 20)] + [(seen(BEN, x=x),) for x in (40, 60)]

    assert verdict(faces(ANNA, BEN), frames) is Reason.UNKNOWN_FACE


def test_a_face_that_vanishes_is_made_once_more_and_not_refused() -> None:
    frames: list[Frame] = [side_by_side(ANNA, BEN)] * 2 + [side_by_side(ANNA)] * 6

    assert verdict(faces(ANNA, BEN), frames) is Reason.UNKNOWN_FACE
    assert verdict(faces(ANNA, BEN), frames, remade=True) == Allowed()


def test_a_face_that_the_camera_leaves_behind_has_not_vanished() -> None:
    frames: list[Frame] = [(seen(ANNA),), (seen(ANNA, central=False),)] + [()] * 6

    assert verdict(faces(ANNA), frames) == Allowed()


def test_faces_that_cannot_be_seen_count_neither_way() -> None:
    assert verdict(faces(ANNA, BEN), [()] * 8) == Allowed()
    assert verdict(faces(ANNA), [(seen(None),)] * 8) == Allowed()


def test_faces_from_the_side_are_less_alike() -> None:
    aside = seen(alike(ANNA, 0.25), turned=True)

    assert verdict(faces(ANNA), [side_by_side(ANNA), (aside,), (aside,), (aside,)]) == Allowed()
    assert verdict(faces(ANNA), [(seen(EVE, turned=True),)] * 2) is Reason.UNKNOWN_FACE


def test_a_track_goes_on_where_a_face_was_missed_and_ends_where_it_stays_away() -> None:
    here: Frame = (seen(ANNA),)

    assert [[number for number, _ in track] for track in follow([here, (), (), here])] == [[0, 3]]
    assert [[number for number, _ in track] for track in follow([here, (), (), (), here])] == [[0], [4]]
