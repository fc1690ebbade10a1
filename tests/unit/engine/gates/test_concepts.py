import pytest

from engine.classifiers.languages import LanguageGuesser
from engine.gates.caption import read_caption
from engine.gates.concepts import Ask, Reading, load_rules, read_concepts, refuse_concepts
from engine.gates.spelled_out import refuse_spelled_out
from engine.gates.understood import restrict_unknown
from engine.gates.wordbook import Hit, Wordbook, wordbook, wordbook_languages
from engine.prompts.normalise import normalise
from engine.schema import Reason
from engine.verdicts import Allowed, Refusal, RestrictedTo
from tests.growth import LINEAR, growth

GUESSER = LanguageGuesser()
PRESETS = ("snow",)


def read(text: str, locale: str = "en") -> Reading:
    return read_concepts(read_caption(text, locale=locale, guesser=GUESSER))


def refused(text: str, locale: str = "en") -> Reason | None:
    verdict = refuse_concepts(read(text, locale)).verdict
    return verdict.reason if isinstance(verdict, Refusal) else None


def test_a_pattern_is_a_stem_a_phrase_or_a_phrase_with_a_gap() -> None:
    book = Wordbook({"go": ["run*"], "off": ["take* .. off"], "zh": ["脱掉"]})

    assert book.find(normalise("he takes it off, running").words) == (Hit("off", 1, 4), Hit("go", 4, 5))
    assert book.find(normalise("请脱掉").words) == (Hit("zh", 1, 3),)
    assert book.find(normalise("take one two three four off").words) == ()


def test_groups_of_a_rule_must_stand_close_together() -> None:
    assert refused("she takes off her dress") is Reason.SEXUAL
    assert (
        refused("the plane takes off while far below on the sunny meadow a woman in a blue dress waves")
        is None
    )


def test_one_word_is_never_two_groups_of_a_rule() -> None:
    assert refused("a boy with a balloon") is None


def test_an_exception_takes_the_rule_back() -> None:
    assert refused("he shoots her") is Reason.VIOLENCE
    assert refused("he shoots her a photo, a photo shoot at noon") is None


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("küss sie und zieh sie aus", "de"),
        ("zieh ihr alles aus", "de"),
        ("make her strip", "en"),
        ("svestila", "it"),
    ],
)
def test_undressing_needs_no_word_for_clothes(text: str, locale: str) -> None:
    assert refused(text, locale) is Reason.SEXUAL


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("zieh sie aus dem Wasser", "de"),
        ("Wolken ziehen aus dem Bild", "de"),
        ("they strip her of her title", "en"),
        ("a comic strip", "en"),
    ],
)
def test_pulling_out_of_something_is_not_undressing(text: str, locale: str) -> None:
    assert refused(text, locale) is None


@pytest.mark.parametrize("text", ["no blood please", "no guns, just rain", "without blood"])
def test_what_is_not_wanted_is_not_asked_for(text: str) -> None:
    assert refused(text) is None


def test_polish_tables_are_not_english_theft() -> None:
    assert refused("dwóch mężczyzn rozmawia przy stole", "pl") is None
    assert refused("he stole the money", "pl") is Reason.DEFAMATION


def test_the_gravest_rule_names_the_reason() -> None:
    assert refused("the little girl is naked and bleeds") is Reason.SEXUAL_MINOR


def test_what_the_photo_decides_is_asked_and_not_refused() -> None:
    reading = read("they hug while snow falls")

    assert refuse_concepts(reading).verdict == Allowed()
    assert reading.asks == {Ask.AFFECTION, Ask.GENTLE}


def test_a_caption_that_no_rule_knows_is_free() -> None:
    assert read("make it special").asks == {Ask.FREE}


def test_a_child_and_a_famous_name_are_marked() -> None:
    assert read("my daughter waves").marks == {"child"}
    assert read("Trump waves").marks == {"public_figure"}


def test_every_group_of_a_table_is_used_by_a_rule() -> None:
    rules = load_rules()
    used = {group for rule in rules.rule for group in (*rule.all, *rule.unless)} | rules.negatable

    for language in wordbook_languages():
        book = wordbook(language)
        assert book is not None
        assert book.groups <= used | {"negation", "known"}, language


def test_english_has_every_group() -> None:
    rules = load_rules()
    book = wordbook("en")

    assert book is not None
    assert {group for rule in rules.rule for group in (*rule.all, *rule.unless)} <= book.groups


def test_the_interface_languages_have_tables() -> None:
    assert {"en", "de", "it", "es", "fr", "pt", "ru", "tr", "uk", "pl", "ar", "fa", "hi", "id", "zh"} <= set(
        wordbook_languages()
    )


def test_a_long_caption_is_read_in_linear_time() -> None:
    captions = {
        size: read_caption("take her snow kiss gun off " * size, locale="en", guesser=GUESSER)
        for size in (150 // 4, 150)
    }

    assert growth(lambda size: read_concepts(captions[size]), 150) < LINEAR


def test_letter_by_letter_is_asked_for_again() -> None:
    spelled = read_caption("m.a.k.e h.e.r s.m.i.l.e", locale="en", guesser=GUESSER)

    assert refuse_spelled_out(spelled).verdict == Refusal(
        reason=Reason.SPELLED_OUT, gate="prompt.spelled_out", score=1.0
    )


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("snow", True),
        ("zoom in", True),
        ("smile", True),
        ("qwrtz", False),
        ("🙂", False),
        ("salju turun perlahan di gunung", True),
        ("mambo vipi rafiki yangu mpendwa leo", False),
    ],
)
def test_what_nobody_can_read_gets_presets(text: str, allowed: bool) -> None:
    caption = read_caption(text, locale="en", guesser=GUESSER)
    verdict = restrict_unknown(caption, read_concepts(caption), presets=PRESETS).verdict

    assert isinstance(verdict, Allowed if allowed else RestrictedTo)
