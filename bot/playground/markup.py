"""Text as Telegram keeps it: plain text and entities, from the Bot API's HTML or found in what a person typed."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, NamedTuple

from bot.playground.errors import ApiError, bad_request

Entity = dict[str, Any]

_SIMPLE = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
}
"""Tags that need no attribute, and the entity type that each becomes (core.telegram.org/bots/api#html-style)."""

_TOKEN = re.compile(r"<(?P<slash>/?)(?P<name>[a-zA-Z][\w-]*)(?P<attributes>[^<>]*)>|<|(?P<text>[^<]+)")
_ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_NAMED = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);)")
"""Telegram knows four named references; any other ampersand stands for itself."""

_FOUND = (
    ("bot_command", re.compile(r"(?<![\w/@])/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w@])@[a-zA-Z][a-zA-Z0-9_]{2,31}\b")),
    ("url", re.compile(r"\bhttps?://[^\s<>\"]+[^\s<>\".,;:!?)]")),
    ("hashtag", re.compile(r"(?<![\w#])#\w*[^\W\d]\w*")),
)

_CLOSED = frozenset({"code", "pre", "text_link", "text_mention", "date_time"})
"""Entities in which nothing else is found."""


class _Open(NamedTuple):
    name: str
    start: int
    entity: Entity


def utf16_length(text: str) -> int:
    """Entities count in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def find_entities(text: str) -> list[Entity]:
    """What Telegram marks by itself in plain text: commands, mentions, addresses, hashtags; in order."""
    found: list[Entity] = []
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            start, length = utf16_length(text[: match.start()]), utf16_length(match.group())
            entity = {"type": kind, "offset": start, "length": length}
            if not any(_overlap(entity, other) for other in found):
                found.append(entity)
    return sorted(found, key=lambda entity: entity["offset"])


def with_found(text: str, marked: list[Entity]) -> list[Entity]:
    """The entities that a sender marked, and what Telegram finds outside of code and links."""
    closed = [entity for entity in marked if entity["type"] in _CLOSED]
    found = [entity for entity in find_entities(text) if not any(_overlap(entity, other) for other in closed)]
    return sorted([*marked, *found], key=lambda entity: (entity["offset"], -entity["length"]))


def _overlap(one: Entity, other: Entity) -> bool:
    return bool(
        one["offset"] < other["offset"] + other["length"] and other["offset"] < one["offset"] + one["length"]
    )


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Plain text and entities of Bot API HTML. Raises ApiError 400 "can't parse entities" as Telegram does."""
    parts: list[str] = []
    entities: list[Entity] = []
    open_tags: list[_Open] = []
    at = 0  # in UTF-16 units of the plain text
    for token in _TOKEN.finditer(source):
        if (text := token["text"]) is not None:
            plain = unescape(_NAMED.sub("&amp;", text))
            parts.append(plain)
            at += utf16_length(plain)
        elif token["name"] is None:
            raise _broken(source, token, 'Unsupported start tag ""')
        elif token["slash"]:
            _close(source, token, open_tags, entities, at)
        else:
            open_tags.append(_Open(token["name"].lower(), at, _entity_of(source, token, open_tags)))
    if open_tags:
        raise bad_request(
            f"can't parse entities: Can't find end tag corresponding to start tag \"{open_tags[-1].name}\""
        )
    return _trimmed("".join(parts), entities)


def _close(
    source: str, token: re.Match[str], open_tags: list[_Open], entities: list[Entity], at: int
) -> None:
    name = token["name"].lower()
    if not open_tags:
        raise _broken(source, token, "Unexpected end tag")
    opened = open_tags.pop()
    if opened.name != name:
        at_byte = _byte(source, token)
        raise bad_request(
            f"can't parse entities: Unmatched end tag at byte offset {at_byte}, "
            f'expected "</{opened.name}>", found "</{name}>"'
        )
    if opened.entity and at > opened.start:
        entities.append({**opened.entity, "offset": opened.start, "length": at - opened.start})


def _entity_of(source: str, token: re.Match[str], open_tags: list[_Open]) -> Entity:
    """The entity that a start tag opens; {} for a tag that only speaks to the one around it."""
    name = token["name"].lower()
    attributes = {
        match[1].lower(): unescape(next((value for value in match.groups()[1:] if value is not None), ""))
        for match in _ATTRIBUTE.finditer(token["attributes"])
    }
    if name == "code" and open_tags and open_tags[-1].name == "pre":
        language = attributes.get("class", "").removeprefix("language-")
        if language:
            open_tags[-1].entity["language"] = language
        return {}
    if name in _SIMPLE:
        return {"type": _SIMPLE[name]}
    match name:
        case "pre":
            return {"type": "pre"}
        case "a":
            return _link(attributes.get("href", ""))
        case "span" if attributes.get("class") == "tg-spoiler":
            return {"type": "spoiler"}
        case "blockquote":
            return {"type": "expandable_blockquote" if "expandable" in attributes else "blockquote"}
        case "tg-emoji":
            return {"type": "custom_emoji", "custom_emoji_id": attributes.get("emoji-id", "")}
        case "tg-time" if attributes.get("unix", "").isdigit():
            moment: Entity = {"type": "date_time", "unix_time": int(attributes["unix"])}
            return (
                {**moment, "date_time_format": attributes["format"]} if attributes.get("format") else moment
            )
        case _:
            raise _broken(source, token, f'Unsupported start tag "{name}"')


def _link(address: str) -> Entity:
    if address.startswith("tg://user?id=") and address[13:].isdigit():
        return {
            "type": "text_mention",
            "user": {"id": int(address[13:]), "is_bot": False, "first_name": "User"},
        }
    return {"type": "text_link", "url": address} if address else {}


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Telegram cuts white space at both ends, and entities follow."""
    lead = utf16_length(text) - utf16_length(text.lstrip())
    kept = text.strip()
    end = utf16_length(kept)
    moved = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        stop = min(entity["offset"] + entity["length"] - lead, end)
        if stop > start:
            moved.append({**entity, "offset": start, "length": stop - start})
    return kept, sorted(moved, key=lambda entity: (entity["offset"], -entity["length"]))


def _byte(source: str, token: re.Match[str]) -> int:
    return len(source[: token.start()].encode())


def _broken(source: str, token: re.Match[str], what: str) -> ApiError:
    return bad_request(f"can't parse entities: {what} at byte offset {_byte(source, token)}")
