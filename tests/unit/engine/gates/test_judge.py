"""A judge settles doubts: it refuses, lifts the head's doubt, and opens nothing else."""

from engine.gates import judge, meaning, understood
from engine.gates.judge import hear_judge, is_undecided, photo_in_words
from engine.schema import Reason, Stage
from engine.verdicts import Allowed, Decision, Face, PhotoFacts, Refusal, RestrictedTo, Screened, Verdict

PRESETS = RestrictedTo(reason=Reason.UNCLEAR_PROMPT, presets=("snow",), gate="any")


def decision(gate: str, verdict: Verdict, score: float) -> Decision:
    return Decision(stage=Stage.PROMPT, gate=gate, verdict=verdict, score=score, policy_version="7")


def screened(*decisions: Decision, verdict: Verdict) -> Screened:
    return Screened(verdict=verdict, decisions=decisions, facts=PhotoFacts())


DOUBTED = screened(decision(meaning.GATE, PRESETS, 0.6), verdict=PRESETS)
UNREAD = screened(decision(understood.GATE, PRESETS, 1.0), verdict=PRESETS)
LIKELY = screened(decision(meaning.GATE, Allowed(), 0.2), verdict=Allowed())
PLAIN = screened(decision(meaning.GATE, Allowed(), 0.01), verdict=Allowed())


def test_the_gates_are_called_what_they_call_themselves() -> None:
    assert (judge.MEANING, judge.UNDERSTOOD) == (meaning.GATE, understood.GATE)


def test_only_what_is_in_doubt_is_asked() -> None:
    refused = decision("prompt.concepts", Refusal(reason=Reason.HATE, gate="g"), 1.0)

    assert [is_undecided(it.decisions) for it in (DOUBTED, UNREAD, LIKELY, PLAIN)] == [
        True,
        True,
        True,
        False,
    ]
    assert not is_undecided((*DOUBTED.decisions, refused))


def test_a_sure_judge_refuses_and_is_recorded() -> None:
    for before in (DOUBTED, UNREAD, LIKELY):
        after = hear_judge(before, 0.9, milliseconds=300)

        assert isinstance(after.verdict, Refusal)
        assert after.decisions[-1].gate == judge.GATE
        assert after.decisions[-1].policy_version == "7"


def test_two_weak_witnesses_refuse_together() -> None:
    assert isinstance(hear_judge(DOUBTED, 0.3, milliseconds=1).verdict, Refusal)
    assert hear_judge(LIKELY, 0.3, milliseconds=1).verdict == Allowed()


def test_a_judge_without_doubt_lifts_the_heads_and_only_that() -> None:
    assert hear_judge(DOUBTED, 0.01, milliseconds=1).verdict == Allowed()
    assert hear_judge(DOUBTED, 0.15, milliseconds=1).verdict == PRESETS
    assert hear_judge(UNREAD, 0.01, milliseconds=1).verdict == PRESETS
    photo = decision("photo.pair", PRESETS, 1.0)
    both = screened(*DOUBTED.decisions, photo, verdict=PRESETS)
    assert hear_judge(both, 0.01, milliseconds=1).verdict == PRESETS


def test_the_photo_is_told_in_words() -> None:
    face = Face(x=0, y=0, width=9, height=9, score=1.0)

    assert photo_in_words(PhotoFacts()) == "no face to be seen"
    assert photo_in_words(PhotoFacts(faces=(face,))) == "one person"
    assert photo_in_words(PhotoFacts(faces=(face,) * 3, nsfw=0.4)) == "3 people, perhaps little clothing"
