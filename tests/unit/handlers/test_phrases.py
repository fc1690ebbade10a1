import pytest

from engine.prompts.lexicon import load_lexicons
from engine.prompts.looks import LOOK_NAMES
from engine.prompts.parse import STORM
from engine.renderers.described import AS_DESCRIBED
from engine.renderers.scene.effects import EFFECTS as RENDERED
from engine.renderers.scene.plan import LOOP
from engine.schema import FailureCause, PhotoProblem, Reason, Refused, Restricted, Stage
from handlers.phrases import (
    EFFECTS,
    EXPLANATIONS,
    FAILURES,
    OPENINGS,
    PHOTO_PROBLEMS,
    label_preset,
    name_effect,
    say_failure,
    say_photo_problem,
    say_refusal,
)
from handlers.texts import LANGUAGES, texts

JOB = "0" * 8 + "-0000-0000-0000-" + "0" * 12


def refused(reason: Reason, stage: Stage = Stage.PROMPT, presets: tuple[str, ...] = ()) -> Refused:
    return Refused(job_id=JOB, reply_to="ticket-1", stage=stage, reason=reason, presets=presets)


def test_every_reason_problem_cause_and_stage_has_its_words() -> None:
    assert set(EXPLANATIONS) == set(Reason)
    assert set(PHOTO_PROBLEMS) == set(PhotoProblem)
    assert set(FAILURES) == set(FailureCause)
    assert set(OPENINGS) == set(Stage)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_can_be_said_and_says_that_nothing_was_charged(language: str) -> None:
    say = texts(language)
    free = say.say("Nothing was charged.")

    for reason in Reason:
        for stage in (Stage.PROMPT, Stage.PHOTO, Stage.CLIP):
            said = say_refusal(say, refused(reason, stage))

            assert said.endswith(free)
            assert say.say(EXPLANATIONS[reason].rule) in said


def test_a_refusal_says_what_at_what_cost_and_what_would_work() -> None:
    said = say_refusal(texts("en"), refused(Reason.VIOLENCE, presets=("snow", "push_in")))

    assert said.splitlines() == [
        "🙅 I can't make this clip as it is written.",
        "I don't show people or animals being hurt.",
        "You can ask for another motion.",
        "Or pick a motion below.",
        "Nothing was charged.",
    ]


def test_a_photo_of_a_child_gets_motions_and_no_accusation() -> None:
    answer = Restricted(
        job_id=JOB, reply_to="ticket-1", stage=Stage.PHOTO, reason=Reason.MINOR_SAFETY, presets=("snow",)
    )

    said = say_refusal(texts("en"), answer)

    assert said.startswith("🙂 Not quite like this, but there is a way.\nThe photo may show a child")


def test_a_refused_share_does_not_speak_of_money() -> None:
    said = say_refusal(texts("en"), refused(Reason.REPORTED, Stage.SHARE))

    assert said == "🙅 I did not share this clip.\nSomebody reported it; a person looks at it first."


def test_problems_and_failures_are_whole_sentences_in_every_language() -> None:
    for language in LANGUAGES:
        say = texts(language)
        sentences = [say_photo_problem(say, problem) for problem in PhotoProblem]
        sentences += [say_failure(say, cause) for cause in FailureCause]

        assert all(sentence.endswith((".", "。", "।")) for sentence in sentences)
        assert len(set(sentences)) == len(sentences)


def test_a_motion_that_an_operator_added_is_named_by_its_code() -> None:
    assert name_effect(texts("de"), "snow") == "Schnee"
    assert name_effect(texts("de"), "lava_lamp") == "lava lamp"
    assert label_preset(texts("en"), "push_in") == "Slow zoom in"


def test_every_motion_that_can_be_asked_for_or_offered_has_a_word_and_no_other() -> None:
    asked = {code for lexicon in load_lexicons().values() for code in lexicon.effects | lexicon.cameras}

    assert (asked - {"any", STORM}) | set(LOOK_NAMES) | set(RENDERED) | {AS_DESCRIBED, LOOP} == set(EFFECTS)
