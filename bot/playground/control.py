"""The control interface under /play: what people do, what changes, what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from aiohttp import BodyPartReader, web

from bot.playground import people
from bot.playground.botapi import BotApi
from bot.playground.errors import PlayError
from bot.playground.faults import Fault
from bot.playground.world import World

T = TypeVar("T")

UPLOAD_LIMIT_BYTES = 60 * 2**20
"""A person may send more than a bot may download; a little more than the bot may send is enough to try it."""


class TextOrder(people.Envelope, frozen=True, kw_only=True):
    text: str


class PhotoOrder(people.Envelope, frozen=True, kw_only=True):
    """Parts `photo0`, `photo1`, … hold the pictures, `small0`, … their small versions."""

    captions: tuple[str, ...] = ()


class DocumentOrder(people.Envelope, frozen=True, kw_only=True):
    """Part `document` holds the file."""

    filename: str
    mime: str
    caption: str = ""


class EditOrder(msgspec.Struct, frozen=True, kw_only=True):
    person: str
    chat: str
    message_id: int
    text: str


class DeleteOrder(msgspec.Struct, frozen=True, kw_only=True):
    person: str
    chat: str
    message_id: int


class PressOrder(msgspec.Struct, frozen=True, kw_only=True):
    person: str
    chat: str
    message_id: int
    data: str


class ReactOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `emoji` takes one's own back."""

    person: str
    chat: str
    message_id: int
    emoji: str


class ShareOrder(msgspec.Struct, frozen=True, kw_only=True):
    person: str
    shared: str
    request_id: int | None = None


class PersonOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of a person; None leaves a thing as it is."""

    person: str
    locale: str | None = None
    name: str | None = None
    blocks: bool | None = None


class ChatOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of a chat. `bot` is its membership there; `join` and `leave` are people."""

    chat: str
    bot: str | None = None
    join: str | None = None
    leave: str | None = None
    migrate: bool = False


class GroupOrder(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    people: tuple[str, ...]
    with_bot: bool = True


class RulesOrder(msgspec.Struct, frozen=True, kw_only=True):
    privacy: bool | None = None
    group_limit: bool | None = None
    outage: bool | None = None


class UpdateOrder(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """A control request, read: its JSON and its files by part name."""

    json: Any
    files: dict[str, bytes]

    def as_(self, kind: type[T]) -> T:
        """The JSON as a type. Raises PlayError that names the field."""
        try:
            return msgspec.convert(self.json, kind)
        except msgspec.ValidationError as error:
            raise PlayError(str(error)) from error


async def read_order(request: web.Request) -> Order:
    """JSON, or multipart with the JSON in the part `order`."""
    try:
        if not request.content_type.startswith("multipart/"):
            return Order(await request.json(), {})
        order, files = None, {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.name == "order":
                order = json.loads(await part.text())
            else:
                files[part.name or ""] = await _limited(part)
        return Order(order, files)
    except ValueError as error:
        raise PlayError(f"not JSON: {error}") from error


async def _limited(part: BodyPartReader) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(2**16):
        data += chunk
        if len(data) > UPLOAD_LIMIT_BYTES:
            raise PlayError("the playground takes files of up to 60 MB")
    return bytes(data)


@dataclass(frozen=True, slots=True)
class Control:
    """The routes under /play."""

    api: BotApi

    @property
    def world(self) -> World:
        return self.api.world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/play/text", _told(self.send_text)),
            web.post("/play/photo", _told(self.send_photo)),
            web.post("/play/document", _told(self.send_document)),
            web.post("/play/edit", _told(self.edit)),
            web.post("/play/delete", _told(self.delete)),
            web.post("/play/press", _told(self.press)),
            web.post("/play/react", _told(self.react)),
            web.post("/play/share-chat", _told(self.share_chat)),
            web.post("/play/person", _told(self.change_person)),
            web.post("/play/chat", _told(self.change_chat)),
            web.post("/play/group", _told(self.add_group)),
            web.post("/play/rules", _told(self.change_rules)),
            web.post("/play/fault", _told(self.add_fault)),
            web.post("/play/clear-faults", _told(self.clear_faults)),
            web.post("/play/update", _told(self.push_update)),
        ]

    # --- what people do

    async def send_text(self, order: Order) -> Any:
        wish = order.as_(TextOrder)
        return people.send_text(self.world, wish, wish.text).seen()

    async def send_photo(self, order: Order) -> Any:
        wish = order.as_(PhotoOrder)
        count = sum(name.startswith("photo") for name in order.files)
        captions = [*wish.captions, *[""] * count]
        pictures = [
            people.Picture(
                data=order.files[f"photo{n}"], caption=captions[n], small=order.files.get(f"small{n}")
            )
            for n in range(count)
        ]
        return [message.seen() for message in people.send_photos(self.world, wish, pictures)]

    async def send_document(self, order: Order) -> Any:
        wish = order.as_(DocumentOrder)
        return people.send_document(
            self.world,
            wish,
            order.files["document"],
            filename=wish.filename,
            mime=wish.mime,
            caption=wish.caption,
        ).seen()

    async def edit(self, order: Order) -> Any:
        return people.edit(self.world, **msgspec.structs.asdict(order.as_(EditOrder))).seen()

    async def delete(self, order: Order) -> Any:
        people.delete(self.world, **msgspec.structs.asdict(order.as_(DeleteOrder)))

    async def press(self, order: Order) -> Any:
        return {"query": people.press(self.world, **msgspec.structs.asdict(order.as_(PressOrder)))}

    async def react(self, order: Order) -> Any:
        people.react(self.world, **msgspec.structs.asdict(order.as_(ReactOrder)))

    async def share_chat(self, order: Order) -> Any:
        return people.share_chat(self.world, **msgspec.structs.asdict(order.as_(ShareOrder))).seen()

    # --- how things are

    async def change_person(self, order: Order) -> Any:
        wish = order.as_(PersonOrder)
        person = self.world.person(wish.person)
        person.locale = wish.locale or person.locale
        person.name = wish.name or person.name
        if wish.blocks is not None:
            people.block(self.world, wish.person, blocked=wish.blocks)
        self.world.touch()

    async def change_chat(self, order: Order) -> Any:
        wish = order.as_(ChatOrder)
        if wish.bot is not None:
            people.set_bot_membership(self.world, wish.chat, wish.bot)
        if wish.join is not None:
            people.set_person_membership(self.world, wish.join, wish.chat, inside=True)
        if wish.leave is not None:
            people.set_person_membership(self.world, wish.leave, wish.chat, inside=False)
        chat = people.migrate(self.world, wish.chat) if wish.migrate else self.world.chat(wish.chat)
        return {"chat_id": chat.chat_id}

    async def add_group(self, order: Order) -> Any:
        wish = order.as_(GroupOrder)
        members = {
            self.world.person(key).key: "member" if n else "creator" for n, key in enumerate(wish.people)
        }
        key = wish.title.lower().replace(" ", "-")
        chat = self.world.add_group(key, wish.title, members, bot_status="left")
        if wish.with_bot:
            people.set_bot_membership(self.world, key, "member")
        return {"key": key, "chat_id": chat.chat_id}

    async def change_rules(self, order: Order) -> Any:
        wish = order.as_(RulesOrder)
        if wish.privacy is not None:
            self.world.privacy = wish.privacy
        if wish.group_limit is not None:
            self.api.pace.on = wish.group_limit
        if wish.outage is not None:
            self.api.faults.outage = wish.outage
        self.world.touch()

    async def add_fault(self, order: Order) -> Any:
        self.api.faults.add(order.as_(Fault))
        self.world.touch()

    async def clear_faults(self, order: Order) -> Any:
        del order
        self.api.faults.clear()
        self.world.touch()

    async def push_update(self, order: Order) -> Any:
        wish = order.as_(UpdateOrder)
        self.world.updates.push(wish.kind, wish.body)


def _told(action: Callable[[Order], Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A POST handler: the order's result as JSON, or 409 with what is in the way."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await action(await read_order(request)))
        except PlayError as error:
            return web.json_response({"error": str(error)}, status=409)

    return handle
