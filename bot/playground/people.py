"""What people do: write, send pictures, edit, press buttons, block the bot, change their group."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import msgspec

from bot.playground.errors import ApiError, PlayError
from bot.playground.files import StoredFile, document, photo_size
from bot.playground.headers import read_picture
from bot.playground.markup import find_entities
from bot.playground.methods.chats import member
from bot.playground.world import (
    ANONYMOUS_ADMIN,
    BOT_NAME,
    Chat,
    Json,
    Message,
    Person,
    World,
    kind_of,
    quoted,
)

OTHER_PERSON: Json = {"id": 100_000_099, "is_bot": False, "first_name": "Somebody Else"}
"""Where forwarded pictures come from."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a person's message but its content. `sent_at` is Unix seconds; `chat` a chat's key."""

    person: str
    chat: str | None = None
    reply_to: int | None = None
    thread_id: int | None = None
    sent_at: int | None = None
    anonymous: bool = False
    forwarded: bool = False
    spoiler: bool = False


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One photo of a message: its bytes, and a small version where the sender's app made one."""

    data: bytes
    caption: str = ""
    small: bytes | None = None


def send_text(world: World, envelope: Envelope, text: str) -> Message:
    kept = text.strip()
    if not kept:
        raise PlayError("an empty message cannot be sent")
    if len(kept) > 4096:
        raise PlayError("a message has at most 4096 characters")
    return _send(world, envelope, _marked("text", "entities", kept))


def send_photos(world: World, envelope: Envelope, pictures: Sequence[Picture]) -> list[Message]:
    """One photo, or an album: separate messages with one `media_group_id`, as Telegram makes them."""
    if not 1 <= len(pictures) <= 10:
        raise PlayError("an album has at most ten photos")
    group = {"media_group_id": str(secrets.randbits(53))} if len(pictures) > 1 else {}
    spoiler = {"has_media_spoiler": True} if envelope.spoiler else {}
    contents = [_photo(world, picture) | group | spoiler for picture in pictures]
    return [_send(world, envelope, content) for content in contents]


def send_document(
    world: World, envelope: Envelope, data: bytes, *, filename: str, mime: str, caption: str = ""
) -> Message:
    stored = world.files.add(kind="document", name=filename, mime=mime, data=data)
    return _send(world, envelope, {"document": document(stored)} | _caption(caption))


def edit(world: World, *, person: str, chat: str, message_id: int, text: str) -> Message:
    """Other words in one's own message; the bot hears of it as an edited message."""
    place = world.chat(chat)
    message = _own(world, world.person(person), place, message_id)
    field, entities = (
        ("text", "entities") if kind_of(message.body) == "text" else ("caption", "caption_entities")
    )
    kept = {name: value for name, value in message.body.items() if name not in {field, entities}}
    world.rewrite(message, kept | _marked(field, entities, text.strip()), method="edited")
    _deliver(world, place, message, kind="edited_message")
    return message


def delete(world: World, *, person: str, chat: str, message_id: int) -> None:
    """Remove a message for everybody. Telegram tells bots nothing of it."""
    place = world.chat(chat)
    message = world.find(place, message_id)
    if message is None:
        raise PlayError("that message is not there")
    if not place.is_private:
        _own(world, world.person(person), place, message_id)
    world.remove(message)


def press(world: World, *, person: str, chat: str, message_id: int, data: str) -> str:
    """Press an inline button; the id of the callback query, whose answer will be in `world.queries`."""
    presser, place = world.person(person), world.chat(chat)
    message = world.messages.get((place.chat_id, message_id))
    if message is None or message.only_for not in {None, presser.user_id}:
        raise PlayError("that message is not there")
    query_id = str(secrets.randbits(62))
    world.queries[query_id] = None
    world.query_times[query_id] = time.monotonic()
    body = {
        "id": query_id,
        "from": presser.body(),
        "chat_instance": str(place.chat_id),
        "message": message.body,
        "data": data,
    }
    world.updates.push("callback_query", body)
    world.touch()
    return query_id


def react(world: World, *, person: str, chat: str, message_id: int, emoji: str) -> None:
    """Put a reaction under a message, or take one's own back with "". Bots hear of it where they are admins."""
    who, place = world.person(person), world.chat(chat)
    message = world.find(place, message_id)
    if message is None:
        raise PlayError("that message is not there")
    _check_may_write(place, who)
    before = message.own_reactions.pop(who.user_id, "")
    if emoji:
        message.own_reactions[who.user_id] = emoji
    world.touch()
    if place.bot_status == "administrator":
        body: Json = {
            "chat": place.body(),
            "message_id": message_id,
            "user": who.body(),
            "date": int(time.time()),
            "old_reaction": _reaction(before),
            "new_reaction": _reaction(emoji),
        }
        world.updates.push("message_reaction", body)


def _reaction(emoji: str) -> list[Json]:
    return [{"type": "emoji", "emoji": emoji}] if emoji else []


def share_chat(world: World, *, person: str, shared: str, request_id: int | None = None) -> Message:
    """Answer the request_chat button under the composer: choose a group for the bot."""
    place, group = world.chat(person), world.chat(shared)
    rows = (place.keyboard or {}).get("keyboard", [])
    requests = [button["request_chat"] for row in rows for button in row if "request_chat" in button]
    wanted = [request for request in requests if request_id in {None, request["request_id"]}]
    if not wanted:
        raise PlayError("there is no button that asks for a chat")
    if wanted[0].get("bot_is_member") and group.bot_status not in {"member", "administrator"}:
        raise PlayError(f"the bot is not in {group.title}")
    if person not in group.members:
        raise PlayError(f"{person} is not in {group.title}")
    title = {"title": group.title} if wanted[0].get("request_title") else {}
    answer = {"request_id": wanted[0]["request_id"], "chat_id": group.chat_id, **title}
    if (place.keyboard or {}).get("one_time_keyboard"):
        place.keyboard = None
    return _send(world, Envelope(person=person), {"chat_shared": answer})


def block(world: World, person: str, *, blocked: bool) -> None:
    """Stop the bot in one's private chat, or let it back in."""
    _set_bot_status(world, world.chat(person), world.person(person), "kicked" if blocked else "member")


def set_bot_membership(world: World, chat: str, status: str) -> None:
    """Put the bot into a group, make it an administrator, or remove it ("kicked")."""
    group = world.chat(chat)
    if group.is_private:
        raise PlayError("a private chat has no members to change")
    actor = world.person(next(iter(group.members)))
    was_out = group.bot_status in {"left", "kicked"}
    _set_bot_status(world, group, actor, status)
    if was_out and status in {"member", "administrator"}:
        joined = {"new_chat_members": [world.bot()], "new_chat_member": world.bot()}
        _deliver(world, group, world.add_message(group, joined, sender=actor.body(), method="service"))


def set_person_membership(world: World, person: str, chat: str, *, inside: bool) -> None:
    """A person joins or leaves a group."""
    who, group = world.person(person), world.chat(chat)
    if inside:
        group.members[person] = "member"
        content: Json = {"new_chat_members": [who.body()]}
    else:
        group.members.pop(person, None)
        content = {"left_chat_member": who.body()}
    _deliver(world, group, world.add_message(group, content, sender=who.body(), method="service"))


def migrate(world: World, chat: str) -> Chat:
    """The group becomes a supergroup: another id, another history; both sides say so in service messages."""
    old = world.chat(chat)
    if old.kind != "group":
        raise PlayError("only a group can become a supergroup")
    actor = world.person(next(iter(old.members))).body()
    new_id = -1_000_000_000_000 + old.chat_id
    new = world.chats[new_id] = Chat(
        key=old.key,
        chat_id=new_id,
        kind="supergroup",
        title=old.title,
        members=old.members,
        bot_status=old.bot_status,
        former_ids=(*old.former_ids, old.chat_id),
    )
    leaving = world.add_message(old, {"migrate_to_chat_id": new_id}, sender=actor, method="service")
    old.migrated_to = new_id
    _deliver(world, old, leaving)
    coming = {"migrate_from_chat_id": old.chat_id}
    _deliver(world, new, world.add_message(new, coming, sender=actor, method="service"))
    return new


def _send(world: World, envelope: Envelope, content: Json) -> Message:
    person = world.person(envelope.person)
    chat = world.chat(envelope.chat or envelope.person)
    _check_may_write(chat, person)
    place: Json = {}
    if envelope.thread_id is not None:
        place = {"message_thread_id": envelope.thread_id, "is_topic_message": True}
    if envelope.reply_to is not None:
        answered = world.find(chat, envelope.reply_to)
        if answered is None:
            raise PlayError("the message to reply to is not there")
        place["reply_to_message"] = quoted(answered)
    if envelope.forwarded:
        origin = {"type": "user", "date": int(time.time()) - 3600, "sender_user": OTHER_PERSON}
        place["forward_origin"] = origin
    sender = ANONYMOUS_ADMIN if envelope.anonymous else person.body()
    if envelope.anonymous:
        place["sender_chat"] = chat.body()
    if chat.is_private:
        _open_private(world, chat, person)
    message = world.add_message(chat, place | content, sender=sender, method="sent", sent_at=envelope.sent_at)
    _deliver(world, chat, message)
    return message


def _check_may_write(chat: Chat, person: Person) -> None:
    if chat.owner is not None and chat.owner is not person:
        raise PlayError(f"this is {chat.owner.name}'s private chat")
    if chat.owner is None and person.key not in chat.members:
        raise PlayError(f"{person.name} is not in {chat.title}")


def _open_private(world: World, chat: Chat, person: Person) -> None:
    """Writing to a bot starts it, and lets a blocked one back in."""
    chat.started = True
    if chat.bot_status == "kicked":
        _set_bot_status(world, chat, person, "member")


def _deliver(world: World, chat: Chat, message: Message, *, kind: str = "message") -> None:
    """Queue the update, where the bot is allowed to see the message."""
    if _bot_sees(world, chat, message):
        world.updates.push(kind, message.body)


def _bot_sees(world: World, chat: Chat, message: Message) -> bool:
    """Privacy mode: in groups, commands meant for the bot, replies to it, and service messages; not the rest.

    A command counts at the beginning of the text or caption. Administrators see everything
    (core.telegram.org/bots/features#privacy-mode).
    """
    if chat.is_private:
        return chat.bot_status != "kicked"
    if chat.bot_status not in {"member", "administrator"}:
        return False
    body = message.body
    if chat.bot_status == "administrator" or not world.privacy or kind_of(body) == "service":
        return True
    if body.get("reply_to_message", {}).get("from", {}).get("id") == world.bot()["id"]:
        return True
    entities = body.get("entities") or body.get("caption_entities") or []
    text = body.get("text") or body.get("caption") or ""
    for entity in entities:
        if entity["type"] == "bot_command" and entity["offset"] == 0:
            addressed = text[: entity["length"]].partition("@")[2].lower()
            return addressed in {"", BOT_NAME}
    return False


def _set_bot_status(world: World, chat: Chat, actor: Person, status: str) -> None:
    before, chat.bot_status = chat.bot_status, status
    if before == status:
        return
    body = {
        "chat": chat.body(),
        "from": actor.body(),
        "date": int(time.time()),
        "old_chat_member": member(world.bot(), before),
        "new_chat_member": member(world.bot(), status),
    }
    world.updates.push("my_chat_member", body)
    world.touch()


def _own(world: World, person: Person, chat: Chat, message_id: int) -> Message:
    message = world.find(chat, message_id)
    if message is None or message.body["from"]["id"] != person.user_id:
        raise PlayError(f"that is no message of {person.name}")
    return message


def _photo(world: World, picture: Picture) -> Json:
    """A photo as the bot sees it: its sizes, smallest first."""
    if read_picture(picture.data) is None:
        raise PlayError("this is no picture that Telegram shows as a photo: send it as a document")
    sizes = [data for data in (picture.small, picture.data) if data is not None]
    try:
        stored = [_photo_file(world, data) for data in sizes]
        return {"photo": [photo_size(file) for file in stored]} | _caption(picture.caption)
    except ApiError as error:
        raise PlayError(f"Telegram would not take this as a photo ({error.description})") from error


def _photo_file(world: World, data: bytes) -> StoredFile:
    return world.files.add(kind="photo", name="photo.jpg", mime="image/jpeg", data=data)


def _caption(caption: str) -> Json:
    kept = caption.strip()
    if len(kept) > 4096:
        raise PlayError("a caption has at most 4096 characters, 1024 without Premium")
    return _marked("caption", "caption_entities", kept) if kept else {}


def _marked(field: str, entities: str, text: str) -> Json:
    found = find_entities(text)
    return {field: text, entities: found} if found else {field: text}
