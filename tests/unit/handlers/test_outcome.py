from html.parser import HTMLParser

import pytest

from engine.schema import Animated
from handlers.outcome import clip_caption
from handlers.phrases import EFFECTS
from handlers.texts import LANGUAGES, texts

CAPTION_LIMIT = 1024
"""Telegram's, counted after the markup is read."""


def clip(**fields: object) -> Animated:
    return Animated(
        **{
            "job_id": "00000000-0000-4000-8000-000000000001",
            "reply_to": "ticket-1",
            "clip_sha256": "0" * 64,
            "size_bytes": 1,
            "width": 96,
            "height": 160,
            "duration_seconds": 0.5,
            "renderer": "scene",
            "label": "AI modified",
            "digital_source_type": "compositeWithTrainedAlgorithmicMedia",
        }
        | fields
    )


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


def read(caption: str) -> str:
    reader = Reader()
    reader.feed(caption)
    return reader.text


def test_the_caption_says_ai_first_then_what_moves_and_what_does_not() -> None:
    made = clip(
        moved=("push_in", "snow"), not_found=("water",), not_possible=("the dog runs",), has_sound=True
    )

    assert clip_caption(made, texts("en")).splitlines() == [
        "🪄 <b>AI modified.</b> This video was made from a photo with AI.",
        "Moves: slow zoom in and snow.",
        "Not found in this photo: water.",
        "I can't do that yet: “the dog runs”.",
        "The sound is synthetic, too.",
    ]


def test_sound_is_named_and_said_to_be_synthetic() -> None:
    made = clip(has_sound=True, sounds=("rain", "thunder"))

    assert clip_caption(made, texts("en")).endswith("Synthetic sound: rain and thunder.")
    assert clip_caption(made, texts("de")).endswith("Künstlicher Ton: Regen und Donner.")


@pytest.mark.parametrize(("language", "quoted"), [("de", "„Hund rennt“"), ("it", "«Hund rennt»")])
def test_quotation_marks_are_those_of_the_language(language: str, quoted: str) -> None:
    assert quoted in clip_caption(clip(not_possible=("Hund rennt",)), texts(language))


def test_a_persons_words_are_quoted_without_markup_or_tricks() -> None:
    made = clip(not_possible=("<a href='x'>he\u202e runs</a>\x00\u200b",))

    caption = clip_caption(made, texts("en"))

    assert "“&lt;a href='x'&gt;he runs&lt;/a&gt;”" in caption
    assert read(caption).endswith("“<a href='x'>he runs</a>”.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_caption_fits(language: str) -> None:
    everything = tuple(EFFECTS)
    made = clip(
        moved=everything[:9], not_found=everything[9:], not_possible=tuple(f"{n}<&" * 400 for n in range(20))
    )

    assert len(read(clip_caption(made, texts(language))).encode("utf-16-le")) / 2 <= CAPTION_LIMIT
