"""Bot API methods that put new messages into a chat."""

from __future__ import annotations

import secrets
from typing import Any

from bot.playground.errors import ApiError, bad_request
from bot.playground.forms import Form
from bot.playground.methods.content import (
    MEDIA,
    caption_content,
    inline_keyboard,
    media_content,
    placement,
    put_reply_keyboard,
    text_content,
)
from bot.playground.world import CONTENT, Chat, Json, Message, World

_COPIED = (
    *CONTENT,
    "entities",
    "caption",
    "caption_entities",
    "has_media_spoiler",
    "show_caption_above_media",
)


def send_message(world: World, form: Form) -> Json:
    return _send(world, form, text_content(form), method="sendMessage")


def send_photo(world: World, form: Form) -> Json:
    return _send_media(world, form, "photo")


def send_video(world: World, form: Form) -> Json:
    return _send_media(world, form, "video")


def send_animation(world: World, form: Form) -> Json:
    return _send_media(world, form, "animation")


def send_document(world: World, form: Form) -> Json:
    return _send_media(world, form, "document")


def send_media_group(world: World, form: Form) -> list[Json]:
    """An album: two to ten messages with one `media_group_id`."""
    chat = world.open_chat(form.required("chat_id"))
    items: list[dict[str, Any]] = form.json("media") or []
    if not 2 <= len(items) <= 10:
        raise bad_request("there must be from 2 to 10 media in the album")
    place = placement(world, form, chat)
    contents = [_input_media(world, form, item) for item in items]
    group = {"media_group_id": str(secrets.randbits(53))}
    return [
        world.add_message(chat, content | place | group, sender=world.bot(), method="sendMediaGroup").body
        for content in contents
    ]


def copy_message(world: World, form: Form) -> Json:
    """A message again, without a link to its origin; a given caption replaces the old one."""
    original = _original(world, form, "copy")
    content = {name: value for name, value in original.body.items() if name in _COPIED}
    if "caption" in form.values:
        content = {
            name: value for name, value in content.items() if name not in {"caption", "caption_entities"}
        }
        content |= caption_content(form)
    return {"message_id": _send(world, form, content, method="copyMessage")["message_id"]}


def forward_message(world: World, form: Form) -> Json:
    """A message again, with its origin."""
    original = _original(world, form, "forward")
    origin = {
        "forward_origin": {
            "type": "user",
            "date": original.body["date"],
            "sender_user": original.body["from"],
        }
    }
    content = {name: value for name, value in original.body.items() if name in _COPIED}
    return _send(world, form, content | origin, method="forwardMessage")


def _send_media(world: World, form: Form, kind: str) -> Json:
    world.open_chat(form.required("chat_id"))
    content = media_content(world, form, kind) | caption_content(form)
    return _send(world, form, content, method=f"send{kind.title()}")


def _input_media(world: World, form: Form, item: dict[str, Any]) -> Json:
    if item.get("type") not in MEDIA:
        raise bad_request("can't parse InputMedia: Media type is not supported")
    inner = form.within(item)
    return media_content(world, inner, item["type"], name="media") | caption_content(inner)


def _send(world: World, form: Form, content: Json, *, method: str) -> Json:
    """Put the content where the form says. The answer is the message as the bot sees it."""
    chat = world.open_chat(form.required("chat_id"))
    body = content | placement(world, form, chat) | inline_keyboard(form)
    if form.flag("protect_content"):
        body["has_protected_content"] = True
    receiver = _only_receiver(world, form, chat)
    put_reply_keyboard(form, chat)
    message = world.add_message(chat, body, sender=world.bot(), method=method, only_for=receiver)
    if receiver is None:
        return message.body
    return {**message.body, "message_id": 0, "ephemeral_message_id": message.message_id}


def _only_receiver(world: World, form: Form, chat: Chat) -> int | None:
    """Whom an ephemeral message (Bot API 10.3) is for: in groups, one member sees it, under message id 0."""
    wanted: dict[str, Any] | None = form.json("ephemeral_message_parameters")
    if wanted is None:
        return None
    person = world.person_by_id(int(wanted.get("receiver_user_id", 0)))
    if chat.is_private or person is None or person.key not in chat.members:
        raise bad_request("USER_NOT_PARTICIPANT")
    return person.user_id


def _original(world: World, form: Form, verb: str) -> Message:
    source = world.known_chat(form.required("from_chat_id"))
    message = world.find(source, form.integer("message_id"))
    if message is None:
        raise bad_request(f"message to {verb} not found")
    if message.body.get("has_protected_content"):
        raise ApiError(400, f"Bad Request: message can't be {'copied' if verb == 'copy' else 'forwarded'}")
    return message
