"""The tree of surprises: each has its own name outside, and faults say their cause."""

import pytest

from engine import errors
from engine.schema import FailureCause, PhotoProblem


def kinds(root: type[errors.EngineError] = errors.EngineError) -> list[type[errors.EngineError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


def test_no_two_errors_share_a_name_in_problem_documents() -> None:
    slugs = [kind.slug for kind in kinds() if "slug" in vars(kind)]

    assert len(slugs) == len(set(slugs))


def test_every_cause_of_a_failure_has_its_fault() -> None:
    assert {kind.cause for kind in kinds(errors.Fault)} == set(FailureCause)


@pytest.mark.parametrize("problem", PhotoProblem)
def test_every_photo_problem_is_the_callers(problem: PhotoProblem) -> None:
    assert errors.PhotoRejected(problem).http_status in {413, 415, 422}
