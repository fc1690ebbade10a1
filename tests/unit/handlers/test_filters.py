from typing import Any

import pytest
from telegram import Message, Update

from handlers.filters import (
    ANY_GROUP_MESSAGE,
    FROM_SOMEBODY,
    NEW_MESSAGE,
    PRIVATE_OTHER,
    PRIVATE_PHOTO,
    words_for_us,
)

ANN = {"id": 5, "is_bot": False, "first_name": "Ann"}
GROUP = {"id": -100, "type": "group", "title": "Friends"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ann"}
PHOTO = [{"file_id": "a", "file_unique_id": "u", "width": 90, "height": 120}]


def body(**fields: Any) -> dict[str, Any]:
    return {"message_id": 7, "date": 1_800_000_000, "chat": PRIVATE, "from": ANN} | fields


def message(**fields: Any) -> Message:
    return Message.de_json(body(**fields), None)


def marked(text: str, kind: str, offset: int, length: int) -> dict[str, Any]:
    return {"caption": text, "caption_entities": [{"type": kind, "offset": offset, "length": length}]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (marked("/animate soft snow", "bot_command", 0, 8), "soft snow"),
        (marked("/animate@Zoetrope_Bot\nsnow", "bot_command", 0, 21), "snow"),
        (marked("/animate", "bot_command", 0, 8), ""),
        (marked("/Animate snow", "bot_command", 0, 8), "snow"),
        (marked("/animate@other_bot snow", "bot_command", 0, 18), None),
        (marked("/animated snow", "bot_command", 0, 9), None),
        (marked("look /animate snow", "bot_command", 5, 8), None),
        (marked("🌲🌲 @zoetrope_bot snow", "mention", 5, 13), "🌲🌲   snow"),
        (marked("@zoetrope_bots snow", "mention", 0, 14), None),
        ({"caption": "/animate snow"}, None),
        ({"caption": "snow"}, None),
        ({}, None),
    ],
)
def test_a_caption_addresses_the_bot_by_its_command_or_its_name(
    fields: dict[str, Any], words: str | None
) -> None:
    assert words_for_us(message(photo=PHOTO, **fields), "zoetrope_bot") == words


def test_only_new_messages_of_people_count() -> None:
    kinds = {
        kind: Update.de_json({"update_id": 1, kind: body(text="hello")}, None)
        for kind in ("message", "edited_message", "channel_post", "business_message", "guest_message")
    }

    assert [kind for kind, update in kinds.items() if NEW_MESSAGE.check_update(update)] == ["message"]


@pytest.mark.parametrize(
    ("fields", "is_somebody"),
    [
        ({}, True),
        ({"from": ANN | {"is_bot": True}}, False),
        ({"chat": GROUP, "sender_chat": GROUP, "from": ANN | {"is_bot": True}}, True),
        ({"chat": GROUP, "sender_chat": {"id": -200, "type": "channel", "title": "News"}}, False),
        ({"chat": GROUP, "is_automatic_forward": True}, False),
    ],
)
def test_an_anonymous_admin_is_somebody_and_bots_and_linked_channels_are_not(
    fields: dict[str, Any], is_somebody: bool
) -> None:
    assert FROM_SOMEBODY.filter(message(**fields)) == is_somebody


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"photo": PHOTO}, "photo"),
        ({"document": {"file_id": "d", "file_unique_id": "u", "mime_type": "image/heic"}}, "photo"),
        ({"document": {"file_id": "d", "file_unique_id": "u", "mime_type": "application/pdf"}}, "photo"),
        ({"text": "hello"}, "other"),
        (
            {
                "animation": {"file_id": "g", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1},
                "document": {"file_id": "g", "file_unique_id": "u", "mime_type": "video/mp4"},
            },
            "other",
        ),
        ({"photo": PHOTO, "chat": GROUP}, "group"),
        ({"pinned_message": body(text="hello")}, None),
    ],
)
def test_every_message_has_one_place(fields: dict[str, Any], where: str | None) -> None:
    update = Update.de_json({"update_id": 1, "message": body(**fields)}, None)
    table = {"photo": PRIVATE_PHOTO, "other": PRIVATE_OTHER, "group": ANY_GROUP_MESSAGE}

    matching = [name for name, each in table.items() if each.check_update(update)]

    assert matching[:1] == ([] if where is None else [where])
