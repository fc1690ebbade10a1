import msgspec
import pytest

from engine.gates.share import ShareFacts, refuse_share
from engine.policy import POLICY_VERSION, judge_share
from engine.schema import Reason, Stage
from engine.verdicts import Allowed, Refusal

FINE = ShareFacts(
    expected_sha256="a" * 64,
    actual_sha256="a" * 64,
    owner="owner-key",
    requester="owner-key",
    policy_version=POLICY_VERSION,
    labelled=True,
    signed=True,
    shows_people=True,
    attested=True,
    opted_in=True,
    fits_group=True,
)


def test_a_clip_of_ones_own_is_shared() -> None:
    assert judge_share(FINE).verdict == Allowed()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"requester": "somebody-else"}, Reason.NOT_YOURS),
        ({"reported": True}, Reason.REPORTED),
        ({"actual_sha256": "b" * 64}, Reason.CLIP_CHANGED),
        ({"labelled": False}, Reason.CLIP_CHANGED),
        ({"signed": False}, Reason.CLIP_CHANGED),
        ({"policy_version": "older"}, Reason.CLIP_CHANGED),
        ({"attested": False}, Reason.NOT_ATTESTED),
        ({"suspended": True}, Reason.SUSPENDED),
        ({"opted_in": False}, Reason.GROUP_CLOSED),
        ({"fits_group": False}, Reason.GROUP_STRICT),
    ],
)
def test_one_fact_is_enough_against_it(change: dict[str, object], reason: Reason) -> None:
    facts = msgspec.structs.replace(FINE, **change)

    assert refuse_share(facts, policy_version=POLICY_VERSION).verdict == Refusal(
        reason=reason, gate="share.facts"
    )


def test_a_clip_without_people_needs_no_word() -> None:
    facts = msgspec.structs.replace(FINE, shows_people=False, attested=False)

    assert judge_share(facts).verdict == Allowed()


def test_the_decision_says_where_and_under_which_policy() -> None:
    (decision,) = judge_share(FINE).decisions

    assert (decision.stage, decision.gate, decision.policy_version) == (
        Stage.SHARE,
        "share.facts",
        POLICY_VERSION,
    )
