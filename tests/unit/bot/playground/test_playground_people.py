"""What people do in the playground reaches the bot as Telegram would send it, or not at all."""

import io

import pytest
from PIL import Image

from bot.playground.errors import PlayError

FRIENDS = -4_000_001


async def updates(play, playground):
    """What waits for the bot, as (kind, body)."""
    waiting = await playground.api.world.updates.get(offset=0, limit=100, seconds=0)
    return [next((kind, body) for kind, body in update.items() if kind != "update_id") for update in waiting]


async def test_in_a_group_the_bot_sees_commands_answers_to_it_and_service_messages_only(
    play, playground, photo
):
    hello = await play.send_text("ann", "/start@zoetrope_bot", chat="friends")
    await play.send_text("ann", "hello everybody", chat="friends")
    await play.send_text("ann", "/start@other_bot", chat="friends")
    await play.send_text("ann", "see @zoetrope_bot", chat="friends")
    picture = await play.send_photo("bob", photo, "look", chat="friends")
    await play.send_photo("bob", photo, "/animate let it snow", chat="friends")
    await play.send_text("bob", "/animate rain", chat="friends", reply_to=picture.id)
    await play.leave("bob", "friends")

    bodies = [body for _, body in await updates(play, playground)]

    assert [body.get("text") or body.get("caption") for body in bodies] == [
        hello.text,
        "/animate let it snow",
        "/animate rain",
        None,
    ]
    assert bodies[1]["caption_entities"] == [{"type": "bot_command", "offset": 0, "length": 8}]
    assert bodies[2]["reply_to_message"]["photo"][-1]["file_id"] == picture.file_id
    assert bodies[3]["left_chat_member"]["first_name"] == "Bob"


async def test_an_administrator_and_a_bot_without_privacy_mode_see_everything(play, playground):
    await play.set_bot("friends", "administrator")
    await play.send_text("ann", "one", chat="friends")
    await play.set_bot("friends", "member")
    await play.set_rules(privacy=False)
    await play.send_text("ann", "two", chat="friends")

    assert [body["text"] for kind, body in await updates(play, playground) if kind == "message"] == [
        "one",
        "two",
    ]


async def test_an_album_is_separate_messages_of_one_group(play, photo):
    album = await play.send_album("ann", [photo, photo], captions=["", "snow"])

    assert [seen.text for seen in album] == ["", "snow"]
    assert len({seen.raw["media_group_id"] for seen in album}) == 1


async def test_an_edit_is_told_and_a_removal_is_not(play, playground, photo):
    sent = await play.send_photo("ann", photo, "snow")
    edited = await play.edit("ann", sent.id, "rain")
    await play.delete("ann", sent.id)

    kinds = await updates(play, playground)

    assert [kind for kind, _ in kinds] == ["message", "edited_message"]
    assert kinds[1][1]["caption"] == edited.text == "rain"
    assert await play.messages("ann") == []
    assert [seen.deleted for seen in await play.messages("ann", deleted=True)] == [True]


async def test_a_photo_has_its_sizes_smallest_first(play, photo):
    buffer = io.BytesIO()
    Image.new("RGB", (30, 40)).save(buffer, "JPEG")

    sent = await play.send_photo("ann", photo, small=buffer.getvalue())

    assert [(size["width"], size["height"]) for size in sent.raw["photo"]] == [(30, 40), (120, 160)]
    assert await play.media(sent) == photo


async def test_anonymous_forwarded_old_and_in_a_topic(play, photo):
    sent = await play.send_photo(
        "ann",
        photo,
        "/animate",
        chat="friends",
        anonymous=True,
        forwarded=True,
        sent_at=1_700_000_000,
        thread_id=4,
    )

    assert sent.sender_id == 1087968824
    assert sent.raw["sender_chat"]["id"] == FRIENDS
    assert sent.raw["forward_origin"]["type"] == "user"
    assert (sent.at, sent.thread_id) == (1_700_000_000, 4)


@pytest.mark.parametrize("size", [(10, 201), (16, 9_990)])
async def test_a_photo_of_a_shape_that_telegram_refuses_goes_only_as_a_file(play, size):
    buffer = io.BytesIO()
    Image.new("L", size).save(buffer, "PNG")

    with pytest.raises(PlayError, match="PHOTO_INVALID_DIMENSIONS"):
        await play.send_photo("ann", buffer.getvalue())
    sent = await play.send_document("ann", buffer.getvalue(), filename="odd.png", mime="image/png")

    assert sent.kind == "document"


async def test_what_a_person_cannot_do_is_said(play, photo):
    with pytest.raises(PlayError, match="nobody is called 'eve'"):
        await play.send_text("eve", "hi")
    with pytest.raises(PlayError, match="Ann's private chat"):
        await play.send_text("bob", "hi", chat="ann")
    with pytest.raises(PlayError, match="no picture"):
        await play.send_photo("ann", b"not a picture")
    with pytest.raises(PlayError, match="no button 'Cancel'"):
        await play.press("ann", "Cancel")


async def test_waiting_in_vain_tells_what_is_there(play):
    await play.send_text("ann", "hi")

    with pytest.raises(TimeoutError, match="hi"):
        await play.wait("ann", lambda seen: seen.from_bot, timeout=0.1)


async def test_ids_start_above_those_of_an_earlier_playground(play, playground):
    sent = await play.send_text("ann", "hi")
    waiting = await playground.api.world.updates.get(offset=0, limit=1, seconds=0)

    assert sent.id > 200_000_000
    assert waiting[0]["update_id"] > 200_000_000
    assert sent.id < 2**31
