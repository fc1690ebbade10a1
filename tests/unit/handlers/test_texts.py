import io
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

import handlers
from handlers.help import command_menus
from handlers.texts import (
    LANGUAGES,
    SOURCE_LANGUAGE,
    Html,
    cleaned,
    language_of,
    locale_of,
    paragraphs,
    texts,
)

HANDLERS = Path(handlers.__file__).parent
CALLS = {"say": None, "plain": None, "mark": None, "count": (1, 2)}
TRANSLATED = [language for language in LANGUAGES if language != SOURCE_LANGUAGE]


def messages_in_code() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(str(HANDLERS), method_map=[("**.py", "python")], keywords=CALLS)
    return {message for _, _, message, _, _ in found}


def catalogue(language: str) -> Catalog:
    path = HANDLERS / "locales" / language / "LC_MESSAGES" / "zoetrope.po"
    return read_po(io.BytesIO(path.read_bytes()), locale=language)


def placeholders(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_in_the_code_is_in_the_catalogue_and_no_other(language: str) -> None:
    assert {message.id for message in catalogue(language) if message.id} == messages_in_code()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_translation_is_finished_and_has_the_placeholders_of_its_message(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        translations = message.string if isinstance(message.string, tuple) else (message.string,)

        assert not message.fuzzy, message.id
        assert all(translations), message.id
        for translation in translations:
            assert placeholders(translation) == placeholders(originals[-1]), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_the_markup_of_their_message(language: str) -> None:
    for message in catalogue(language):
        if isinstance(message.id, str) and message.id:
            for tag in ("<b>", "</b>", "<code>", "</code>"):
                assert message.string.count(tag) == message.id.count(tag), message.id


def test_every_catalogue_that_is_there_is_offered() -> None:
    assert {folder.name for folder in (HANDLERS / "locales").iterdir() if folder.is_dir()} == set(TRANSLATED)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_as_many_plural_forms_as_its_language(language: str) -> None:
    forms = get_plural(language).num_plurals
    plurals = [message for message in catalogue(language) if isinstance(message.id, tuple)]

    assert plurals
    assert catalogue(language).num_plurals == forms
    assert {len(message.string) for message in plurals} == {forms}


def test_a_language_falls_back_from_region_to_language_to_english() -> None:
    served = [language_of(code) for code in ("de", "de-at", "IT-ch", "pt-br", "zh-hans", "ja", None)]

    assert served == ["de", "de", "it", "pt", "zh", "en", "en"]


def test_a_language_code_that_the_engine_would_not_take_becomes_english() -> None:
    assert [locale_of(code) for code in ("pt-BR", "zh_Hans", "", None, "../x")] == [
        "pt-br",
        "zh-hans",
        "en",
        "en",
        "en",
    ]


def test_values_are_escaped_and_our_own_markup_is_not() -> None:
    say = texts("en")

    shared = say.say("📤 Shared with “{group}”.", group="<b>A & B</b>")

    assert shared == "📤 Shared with “&lt;b&gt;A &amp; B&lt;/b&gt;”."
    assert paragraphs(shared, "<i>", "") == f"{shared}\n&lt;i&gt;"
    assert say.listing(["<a>", Html("<b>b</b>")]) == "&lt;a&gt; and <b>b</b>"


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("en", "It stays there for 1 hour.", "It stays there for 24 hours."),
        ("de", "Dort bleibt er 1 Stunde.", "Dort bleibt er 24 Stunden."),
        ("it", "Vi resta per 1 ora.", "Vi resta per 24 ore."),
        ("ru", "Он останется там на 1 час.", "Он останется там на 24 часа."),
        ("uk", "Він лишиться там на 1 годину.", "Він лишиться там на 24 години."),
        ("pl", "Zostaje tam 1 godzinę.", "Zostaje tam 24 godziny."),
    ],
)
def test_numbers_choose_their_plural(language: str, one: str, many: str) -> None:
    say = texts(language)

    said = [
        say.count("It stays there for {number} hour.", "It stays there for {number} hours.", number)
        for number in (1, 24)
    ]

    assert said == [one, many]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "5 seconds"),
        (12, "15 seconds"),
        (58, "1 minute"),
        (61, "2 minutes"),
        (3599, "1 hour"),
        (7201, "3 hours"),
    ],
)
def test_a_duration_is_rounded_up_to_what_one_would_say(seconds: float, words: str) -> None:
    assert texts("en").duration(seconds) == words


def test_durations_speak_the_language() -> None:
    assert [texts(language).duration(90) for language in ("de", "it")] == ["2 Minuten", "2 minuti"]


def test_a_persons_words_lose_what_could_deceive_a_reader() -> None:
    tricky = "the \u202egod\u202c\u200b\u2066runs\x00\nfast\t\u00a0now"

    assert cleaned(tricky, limit=80) == "the godruns fast now"
    assert cleaned("abcdef", limit=4) == "abc…"


def test_commands_fit_telegram_in_every_scope_and_language() -> None:
    menus = command_menus()

    assert len(menus) == 2 * len(LANGUAGES)
    assert {menu.language_code for menu in menus} == {"", *TRANSLATED}
    for menu in menus:
        for command in menu.commands:
            assert 3 <= len(command.description) <= 256
            assert command.command.islower()


def test_a_name_in_right_to_left_words_keeps_its_own_direction() -> None:
    shared = texts("ar").say("📤 Shared with “{group}”.", group="Friends!")

    assert "\u2068Friends!\u2069" in shared
    assert "\u2068" not in texts("de").say("📤 Shared with “{group}”.", group="Friends!")


@pytest.mark.parametrize(
    ("language", "number"),
    [("ar", 2), ("ar", 11), ("tr", 3), ("zh", 1), ("id", 1), ("fa", 5), ("ru", 21), ("uk", 3), ("pl", 5)],
)
def test_every_plural_of_a_language_names_the_number(language: str, number: int) -> None:
    said = texts(language).count("{number} clip was removed.", "{number} clips were removed.", number)

    assert str(number) in said
