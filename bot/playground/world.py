"""Everything that exists in the playground: people, chats, messages, the bot's profile; and word of each change."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.playground.errors import ApiError, PlayError, bad_request, forbidden
from bot.playground.files import Files
from bot.playground.updates import Updates, first_id

Json = dict[str, Any]

BOT_ID = 7_000_000_001
BOT_NAME = "zoetrope_bot"
CHAT_ACTION_SECONDS = 5.0

ANONYMOUS_ADMIN: Json = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
"""Who Telegram names as the sender when a group's administrator writes anonymously."""


@dataclass(slots=True)
class Person:
    """Somebody who chats. `locale` is the language of their Telegram app."""

    key: str
    user_id: int
    name: str
    locale: str

    def body(self) -> Json:
        return {
            "id": self.user_id,
            "is_bot": False,
            "first_name": self.name,
            "username": f"{self.key}_play",
            "language_code": self.locale,
        }


@dataclass(slots=True)
class Chat:
    """A private chat (with `owner`) or a group. `members` maps a person's key to a ChatMember status."""

    key: str
    chat_id: int
    kind: str
    title: str
    owner: Person | None = None
    members: dict[str, str] = field(default_factory=dict)
    bot_status: str = "member"
    started: bool = False
    """A private chat is closed to the bot until its person wrote once."""
    migrated_to: int | None = None
    former_ids: tuple[int, ...] = ()
    keyboard: Json | None = None
    """The reply keyboard that the bot put under the composer."""
    action: str | None = None
    action_until: float = 0.0

    @property
    def is_private(self) -> bool:
        return self.owner is not None

    def body(self) -> Json:
        """The Chat object as the bot sees it."""
        if self.owner is not None:
            return {
                "id": self.chat_id,
                "type": "private",
                "first_name": self.owner.name,
                "username": f"{self.owner.key}_play",
            }
        return {"id": self.chat_id, "type": self.kind, "title": self.title}


@dataclass(slots=True)
class Message:
    """A message as the Bot API shows it (`body`), and what only an observer from outside knows."""

    body: Json
    version: int = 0
    deleted: bool = False
    history: list[tuple[str, str]] = field(default_factory=list)
    """Every call that wrote this message: (method, kind of content)."""
    said: list[str] = field(default_factory=list)
    """Its words after each of these calls: what stood there for a moment only, a poll can miss."""
    reactions: list[str] = field(default_factory=list)
    """The bot's."""
    own_reactions: dict[int, str] = field(default_factory=dict)
    """People's, by their id."""
    only_for: int | None = None
    """The one user who sees it: an ephemeral message in a group."""

    @property
    def message_id(self) -> int:
        return int(self.body["message_id"])

    @property
    def chat_id(self) -> int:
        return int(self.body["chat"]["id"])

    @property
    def from_bot(self) -> bool:
        return bool(self.body.get("from", {}).get("id") == BOT_ID)

    def seen(self) -> Json:
        """How the control interface and the page show it."""
        return {
            "message": self.body,
            "version": self.version,
            "deleted": self.deleted,
            "history": self.history,
            "said": self.said,
            "reactions": self.reactions,
            "only_for": self.only_for,
        }


CONTENT = ("text", "photo", "video", "animation", "document", "live_photo", "audio", "voice", "sticker")
"""The fields of which a message has one (an animation also carries a document)."""


def words_of(body: Json) -> str:
    """A message's text, or its caption."""
    return str(body.get("text") or body.get("caption") or "")


def kind_of(body: Json) -> str:
    """What a message holds: one of CONTENT, or "service"."""
    found = [name for name in CONTENT if name in body]
    return "animation" if "animation" in found else next(iter(found), "service")


class World:
    """The state. Its methods are what Telegram itself does; what people do is in `people.py`."""

    def __init__(self, *, privacy: bool = True) -> None:
        self.people: dict[str, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.messages: dict[tuple[int, int], Message] = {}
        self.files = Files()
        self.updates = Updates()
        self.privacy = privacy
        self.commands: dict[tuple[str, str], list[Json]] = {}
        """(scope as canonical JSON, language code) → commands."""
        self.descriptions: dict[tuple[str, str], str] = {}
        """("description" | "short_description", language code) → text."""
        self.queries: dict[str, Json | None] = {}
        """Callback query id → the bot's answer, or None while it is open."""
        self.query_times: dict[str, float] = {}
        self.webhook: Json = {}
        self.version = 0
        self._ids = itertools.count(first_id())
        self._chat_ids = itertools.count(4_000_001)
        self._changed = asyncio.Event()

    def bot(self) -> Json:
        return {"id": BOT_ID, "is_bot": True, "first_name": "Zoetrope", "username": BOT_NAME}

    # --- changes

    def touch(self) -> None:
        """Something changed: wake everybody who waits for news."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for_change(self, *, since: int, seconds: float) -> int:
        """The version now, as soon as it is above `since`, or after `seconds` whatever it is."""
        deadline = time.monotonic() + seconds
        while self.version <= since and (left := deadline - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                break
        return self.version

    # --- people and chats

    def add_person(self, key: str, *, user_id: int, name: str, locale: str = "en") -> Person:
        person = self.people[key] = Person(key, user_id, name, locale)
        self.chats[user_id] = Chat(key, user_id, "private", name, owner=person)
        self.touch()
        return person

    def add_group(self, key: str, title: str, members: dict[str, str], *, bot_status: str = "member") -> Chat:
        chat_id = -next(self._chat_ids)
        chat = self.chats[chat_id] = Chat(
            key, chat_id, "group", title, members=members, bot_status=bot_status
        )
        self.touch()
        return chat

    def person(self, key: str) -> Person:
        try:
            return self.people[key]
        except KeyError:
            raise PlayError(f"nobody is called {key!r}; there are {', '.join(self.people)}") from None

    def chat(self, key: str) -> Chat:
        """The chat that people call so; a number works too."""
        for chat in self.chats.values():
            if chat.migrated_to is None and key in {chat.key, str(chat.chat_id)}:
                return chat
        raise PlayError(f"there is no chat {key!r}")

    def open_chat(self, chat_id: str) -> Chat:
        """The chat that the bot addresses. Raises ApiError as Telegram does where the bot may not write."""
        chat = self.known_chat(chat_id)
        if chat.owner is not None:
            if chat.bot_status == "kicked":
                raise forbidden("bot was blocked by the user")
            if not chat.started:
                raise forbidden("bot can't initiate conversation with a user")
        elif chat.bot_status in {"left", "kicked"}:
            kind = "supergroup" if chat.kind == "supergroup" else "group"
            was = "was kicked from" if chat.bot_status == "kicked" else "is not a member of"
            raise forbidden(f"bot {was} the {kind} chat")
        return chat

    def known_chat(self, chat_id: str) -> Chat:
        """The chat of an id, whether or not the bot may write there. Raises ApiError."""
        try:
            chat = self.chats[int(chat_id)]
        except (KeyError, ValueError):
            raise bad_request("chat not found") from None
        if chat.migrated_to is not None:
            raise ApiError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to=chat.migrated_to,
            )
        return chat

    def person_by_id(self, user_id: int) -> Person | None:
        return next((person for person in self.people.values() if person.user_id == user_id), None)

    # --- messages

    def next_id(self) -> int:
        return next(self._ids)

    def add_message(
        self,
        chat: Chat,
        content: Json,
        *,
        sender: Json,
        method: str,
        sent_at: int | None = None,
        only_for: int | None = None,
    ) -> Message:
        """Put a message into a chat. `method` is written into its history."""
        body: Json = {
            "message_id": self.next_id(),
            "from": sender,
            "chat": chat.body(),
            "date": int(time.time()) if sent_at is None else sent_at,
            **content,
        }
        message = Message(body, history=[(method, kind_of(body))], said=[words_of(body)], only_for=only_for)
        self.messages[chat.chat_id, message.message_id] = message
        if message.from_bot:
            chat.action = None
        self._note(message)
        return message

    def rewrite(self, message: Message, body: Json, *, method: str) -> None:
        """Give a message another body, with its edit date."""
        message.body = {**body, "edit_date": int(time.time())}
        message.history.append((method, kind_of(body)))
        message.said.append(words_of(body))
        self._note(message)

    def remove(self, message: Message) -> None:
        """Nobody sees it any more; the observer still does."""
        message.deleted = True
        self._note(message)

    def react(self, message: Message, reactions: list[str]) -> None:
        message.reactions = reactions
        self._note(message)

    def find(self, chat: Chat, message_id: int) -> Message | None:
        """A message that is still there."""
        message = self.messages.get((chat.chat_id, message_id))
        return None if message is None or message.deleted else message

    def in_chat(self, chat: Chat, *, deleted: bool = False) -> Iterator[Message]:
        """The messages of a chat, oldest first, also those from before it became a supergroup."""
        ids = {chat.chat_id, *chat.former_ids}
        return (
            message
            for message in self.messages.values()
            if message.chat_id in ids and (deleted or not message.deleted)
        )

    def changed_after(self, version: int) -> list[Message]:
        return [message for message in self.messages.values() if message.version > version]

    def _note(self, message: Message) -> None:
        self.touch()
        message.version = self.version


def quoted(message: Message) -> Json:
    """A message as the `reply_to_message` of another: without its own reply."""
    return {name: value for name, value in message.body.items() if name != "reply_to_message"}


def new_world(*, privacy: bool = True) -> World:
    """Ann, Bob, Cleo, and their group "Friends" with the bot in it."""
    world = World(privacy=privacy)
    world.add_person("ann", user_id=100_000_001, name="Ann")
    world.add_person("bob", user_id=100_000_002, name="Bob")
    world.add_person("cleo", user_id=100_000_003, name="Cleo")
    world.add_group("friends", "Friends", {"ann": "creator", "bob": "member", "cleo": "member"})
    return world
