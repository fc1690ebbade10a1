"""What a message of the bot holds: text, captions, media and keyboards, checked as Telegram checks them."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import bad_request
from bot.playground.files import PHOTO_LIMIT_BYTES, StoredFile, document, photo_size
from bot.playground.forms import Form
from bot.playground.markup import parse_html, with_found
from bot.playground.world import Chat, Json, World, quoted

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
CALLBACK_DATA_LIMIT_BYTES = 64
BUTTON_LIMIT = 100

MEDIA = ("photo", "video", "animation", "document")
"""The kinds of media that the bot can send here."""


def marked_text(form: Form, name: str) -> tuple[str, list[Json]]:
    """The plain text of a parameter and its entities, from `parse_mode` or from given entities."""
    source = form.text(name)
    mode = form.text("parse_mode").lower()
    given = form.json("entities" if name == "text" else "caption_entities")
    if mode == "html" and given is None:
        text, entities = parse_html(source)
    elif mode in {"", "html"}:
        text, entities = source.strip(), list(given or [])
    else:
        raise bad_request("unsupported parse_mode (the playground knows HTML)")
    return text, with_found(text, entities)


def text_content(form: Form) -> Json:
    text, entities = marked_text(form, "text")
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return {"text": text, "entities": entities} if entities else {"text": text}


def caption_content(form: Form) -> Json:
    caption, entities = marked_text(form, "caption")
    if len(caption) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    content: Json = {}
    if caption:
        content["caption"] = caption
    if entities:
        content["caption_entities"] = entities
    if form.flag("show_caption_above_media"):
        content["show_caption_above_media"] = True
    if form.flag("has_spoiler"):
        content["has_media_spoiler"] = True
    return content


def media_content(world: World, form: Form, kind: str, *, name: str | None = None) -> Json:
    """The field or fields of one piece of media; `name` is the parameter that holds it, else `kind`."""
    stored = form.file(world, name or kind, kind)
    match kind:
        case "photo":
            return {"photo": [_photo(stored)]}
        case "video":
            return {"video": _moving(world, form, stored) | _cover(world, form)}
        case "animation":
            return {"animation": _moving(world, form, stored), "document": document(stored)}
        case "document":
            return {"document": document(stored) | _thumbnail(world, form)}
        case _:
            raise bad_request(f"the playground does not know media of type {kind}")


def _photo(stored: StoredFile) -> Json:
    if len(stored.data) > PHOTO_LIMIT_BYTES:
        raise bad_request(
            f"file of size {len(stored.data)} bytes is too big for a photo; "
            f"the maximum size is {PHOTO_LIMIT_BYTES} bytes"
        )
    return photo_size(stored)


def _moving(world: World, form: Form, stored: StoredFile) -> Json:
    told = {name: form.integer(name) for name in ("width", "height", "duration")}
    return document(stored) | world.files.sizes(stored, told) | _thumbnail(world, form)


def _thumbnail(world: World, form: Form) -> Json:
    if not form.text("thumbnail") and "thumbnail" not in form.uploads:
        return {}
    return {"thumbnail": photo_size(form.file(world, "thumbnail", "photo"))}


def _cover(world: World, form: Form) -> Json:
    cover: Json = {}
    if form.text("cover") or "cover" in form.uploads:
        cover["cover"] = [photo_size(form.file(world, "cover", "photo"))]
    if form.text("start_timestamp"):
        cover["start_timestamp"] = form.integer("start_timestamp")
    return cover


def placement(world: World, form: Form, chat: Chat) -> Json:
    """Where a message stands: its thread, and what it answers. Raises ApiError when that is gone."""
    content: Json = {}
    if thread := form.integer("message_thread_id"):
        content |= {"message_thread_id": thread, "is_topic_message": True}
    reply: dict[str, Any] = form.json("reply_parameters") or {}
    wanted = int(reply.get("message_id") or form.integer("reply_to_message_id"))
    if not wanted:
        return content
    answered = world.find(chat, wanted)
    if answered is not None:
        return content | {"reply_to_message": quoted(answered)}
    if reply.get("allow_sending_without_reply") or form.flag("allow_sending_without_reply"):
        return content
    raise bad_request("message to be replied not found")


def inline_keyboard(form: Form) -> Json:
    """`{"reply_markup": …}` of an inline keyboard, or nothing. Raises ApiError for a button Telegram refuses."""
    markup: dict[str, Any] = form.json("reply_markup") or {}
    rows = [row for row in markup.get("inline_keyboard") or [] if row]
    buttons = [button for row in rows for button in row]
    if len(buttons) > BUTTON_LIMIT:
        raise bad_request("reply markup is too long")
    for button in buttons:
        _check_button(button)
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _check_button(button: dict[str, Any]) -> None:
    if not button.get("text"):
        raise bad_request("can't parse inline keyboard button: Text must be non-empty")
    actions = set(button) - {"text", "style", "icon_custom_emoji_id"}
    if not actions:
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= CALLBACK_DATA_LIMIT_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")


def put_reply_keyboard(form: Form, chat: Chat) -> None:
    """A reply keyboard belongs to the chat, not to the message that brought it."""
    markup: dict[str, Any] = form.json("reply_markup") or {}
    if markup.get("remove_keyboard"):
        chat.keyboard = None
    elif "keyboard" in markup:
        rows = [[_reply_button(button, chat) for button in row] for row in markup["keyboard"]]
        chat.keyboard = {**markup, "keyboard": rows}


def _reply_button(button: Any, chat: Chat) -> Json:
    body: Json = {"text": button} if isinstance(button, str) else dict(button)
    if not chat.is_private and {"request_chat", "request_users"} & set(body):
        raise bad_request("BUTTON_TYPE_INVALID")
    return body
