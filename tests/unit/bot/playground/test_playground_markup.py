"""Text and entities are what Telegram makes of HTML and of plain words."""

import pytest

from bot.playground.errors import ApiError
from bot.playground.markup import find_entities, parse_html, with_found


def test_html_becomes_text_and_entities_in_utf16_units():
    text, entities = parse_html(
        '🎬 <b>bold <i>both</i></b> &lt;3 &amp; AT&T <a href="https://e.org">link</a>'
    )

    assert text == "🎬 bold both <3 & AT&T link"
    assert entities == [
        {"type": "bold", "offset": 3, "length": 9},
        {"type": "italic", "offset": 8, "length": 4},
        {"type": "text_link", "url": "https://e.org", "offset": 23, "length": 4},
    ]


def test_code_spoilers_quotes_and_times():
    text, entities = parse_html(
        '<pre><code class="language-python">x</code></pre><tg-spoiler>s</tg-spoiler>'
        '<blockquote expandable>q</blockquote><tg-time unix="1800000000" format="r">soon</tg-time>'
    )

    assert text == "xsqsoon"
    assert [entity["type"] for entity in entities] == ["pre", "spoiler", "expandable_blockquote", "date_time"]
    assert entities[0]["language"] == "python"
    assert (entities[3]["unix_time"], entities[3]["date_time_format"]) == (1_800_000_000, "r")


def test_white_space_at_the_ends_is_cut_and_entities_follow():
    assert parse_html(" \n<b> x </b>\n") == ("x", [{"type": "bold", "offset": 0, "length": 1}])


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("ä <div>x</div>", 'Unsupported start tag "div" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
    ],
)
def test_broken_html_is_refused_in_telegrams_words(source, complaint):
    with pytest.raises(ApiError) as refused:
        parse_html(source)

    assert refused.value.description == f"Bad Request: can't parse entities: {complaint}"


def test_commands_mentions_and_addresses_are_found():
    text = "/animate@zoetrope_bot see https://e.org/#x or ask @ann_play #snow 1/2"

    found = {text[entity["offset"] :][: entity["length"]]: entity["type"] for entity in find_entities(text)}

    assert found == {
        "/animate@zoetrope_bot": "bot_command",
        "https://e.org/#x": "url",
        "@ann_play": "mention",
        "#snow": "hashtag",
    }


def test_nothing_is_found_inside_of_code():
    code = [{"type": "code", "offset": 0, "length": 6}]

    assert with_found("/start /help", code) == [*code, {"type": "bot_command", "offset": 7, "length": 5}]
