"""Bot API methods that change, mark or remove messages that are there."""

from __future__ import annotations

from typing import Any

from telegram.constants import ReactionEmoji

from bot.playground.errors import bad_request
from bot.playground.forms import Form
from bot.playground.methods.content import (
    MEDIA,
    caption_content,
    inline_keyboard,
    media_content,
    text_content,
)
from bot.playground.world import CONTENT, Chat, Json, Message, World, kind_of

REACTIONS = frozenset(emoji.value for emoji in ReactionEmoji)

_WORDS = frozenset({*CONTENT, "entities", "caption", "caption_entities", "has_media_spoiler"})
"""What an edit replaces as a whole."""


def edit_message_text(world: World, form: Form) -> Json:
    message = _own(world, form)
    if kind_of(message.body) != "text":
        raise bad_request("there is no text in the message to edit")
    return _edit(world, message, text_content(form), form, method="editMessageText")


def edit_message_caption(world: World, form: Form) -> Json:
    message = _own(world, form)
    kind = kind_of(message.body)
    if kind not in MEDIA:
        raise bad_request("there is no caption in the message to edit")
    kept = {name: message.body[name] for name in CONTENT if name in message.body}
    return _edit(world, message, kept | caption_content(form), form, method="editMessageCaption")


def edit_message_media(world: World, form: Form) -> Json:
    """Another photo, video or file in place of what a message holds; text may become media too."""
    message = _own(world, form)
    media: dict[str, Any] = form.json("media") or {}
    if media.get("type") not in MEDIA:
        raise bad_request("can't parse InputMedia: Media type is not supported")
    inner = form.within(media)
    content = media_content(world, inner, media["type"], name="media") | caption_content(inner)
    return _edit(world, message, content, form, method="editMessageMedia")


def edit_message_reply_markup(world: World, form: Form) -> Json:
    message = _own(world, form)
    kept = {name: message.body[name] for name in _WORDS if name in message.body}
    return _edit(world, message, kept, form, method="editMessageReplyMarkup")


def delete_message(world: World, form: Form) -> bool:
    chat = world.open_chat(form.required("chat_id"))
    _delete(world, chat, form.integer("message_id"), strict=True)
    return True


def delete_messages(world: World, form: Form) -> bool:
    """Several at once; those that are not there are passed over."""
    chat = world.open_chat(form.required("chat_id"))
    for message_id in form.json("message_ids") or []:
        _delete(world, chat, int(message_id), strict=False)
    return True


def set_message_reaction(world: World, form: Form) -> bool:
    chat = world.open_chat(form.required("chat_id"))
    message = world.find(chat, form.integer("message_id"))
    if message is None:
        raise bad_request("message to react not found")
    wanted = [str(reaction.get("emoji", "")) for reaction in form.json("reaction") or []]
    if len(wanted) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not set(wanted) <= REACTIONS:
        raise bad_request("REACTION_INVALID")
    world.react(message, wanted)
    return True


def _own(world: World, form: Form) -> Message:
    """The bot's message that the form names. Raises ApiError when it is gone, or somebody else's."""
    chat = world.open_chat(form.required("chat_id"))
    message = world.find(chat, form.integer("message_id"))
    if message is None or message.only_for is not None:
        raise bad_request("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return message


def _edit(world: World, message: Message, content: Json, form: Form, *, method: str) -> Json:
    """The message with other content and another keyboard. Raises ApiError when nothing would change."""
    before = {name: value for name, value in message.body.items() if name != "edit_date"}
    dropped = _WORDS | {"reply_markup", "show_caption_above_media"}
    frame = {name: value for name, value in before.items() if name not in dropped}
    after = frame | content | inline_keyboard(form)
    if after == before:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same "
            "as a current content and reply markup of the message"
        )
    world.rewrite(message, after, method=method)
    return message.body


def _delete(world: World, chat: Chat, message_id: int, *, strict: bool) -> None:
    """Own messages everywhere, a person's only in their private chat or as an administrator."""
    message = world.find(chat, message_id)
    if message is None:
        if strict:
            raise bad_request("message to delete not found")
        return
    if not (message.from_bot or chat.is_private or chat.bot_status == "administrator"):
        if strict:
            raise bad_request("message can't be deleted")
        return
    world.remove(message)
