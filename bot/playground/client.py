"""Plays people against a playground and looks at what the bot did: for tests, for `scripts/demo`."""

# ruff: noqa: ASYNC109 - the waits report what they saw when time is up, which `asyncio.timeout` cannot
from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from bot.playground.errors import PlayError
from bot.playground.seen import Answer, Call, Seen, read_seen

T = TypeVar("T")


class Play:
    """The control interface of the playground at `url`, as methods. Raises PlayError for what cannot be done.

    `chat` arguments are the keys "ann", "bob", "cleo" (private chats), "friends" (their group), or an id; without one a
    person writes in their private chat.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # --- people write

    async def send_text(self, person: str, text: str, **envelope: Any) -> Seen:
        """`envelope`: chat, reply_to, thread_id, sent_at, anonymous, forwarded."""
        return read_seen(await self._post("text", {"person": person, "text": text, **envelope}))

    async def send_photo(
        self, person: str, photo: bytes, caption: str = "", *, small: bytes | None = None, **envelope: Any
    ) -> Seen:
        """`photo` arrives at the bot byte for byte; Telegram would make a JPEG of it first."""
        files = {"photo0": photo} | ({"small0": small} if small is not None else {})
        order = {"person": person, "captions": [caption], **envelope}
        return read_seen((await self._post("photo", order, files))[0])

    async def send_album(
        self, person: str, photos: Sequence[bytes], *, captions: Sequence[str] = (), **envelope: Any
    ) -> list[Seen]:
        files = {f"photo{n}": photo for n, photo in enumerate(photos)}
        order = {"person": person, "captions": list(captions), **envelope}
        return [read_seen(raw) for raw in await self._post("photo", order, files)]

    async def send_document(
        self, person: str, data: bytes, *, filename: str, mime: str, caption: str = "", **envelope: Any
    ) -> Seen:
        order = {"person": person, "filename": filename, "mime": mime, "caption": caption, **envelope}
        return read_seen(await self._post("document", order, {"document": data}))

    async def edit(self, person: str, message_id: int, text: str, *, chat: str | None = None) -> Seen:
        """Other words in one's own message, or in its caption."""
        order = {"person": person, "chat": chat or person, "message_id": message_id, "text": text}
        return read_seen(await self._post("edit", order))

    async def delete(self, person: str, message_id: int, *, chat: str | None = None) -> None:
        await self._post("delete", {"person": person, "chat": chat or person, "message_id": message_id})

    # --- people press

    async def press(
        self,
        person: str,
        button: str,
        *,
        message_id: int | None = None,
        chat: str | None = None,
        timeout: float = 30.0,
    ) -> Answer | None:
        """Press the button whose label or data is `button`, or whose label contains it, on the newest message that
        has it; the bot's answer, or None when it gave none in time. Raises PlayError when there is no such button.
        """
        for message in reversed(await self.messages(chat or person)):
            data = _find_button(message, button)
            if data is not None and message_id in {None, message.id}:
                return await self.press_data(person, data, message_id=message.id, chat=chat, timeout=timeout)
        raise PlayError(f"there is no button {button!r} in the chat {chat or person}")

    async def press_data(
        self, person: str, data: str, *, message_id: int, chat: str | None = None, timeout: float = 30.0
    ) -> Answer | None:
        """A press with any data, also of a button that is gone."""
        order = {"person": person, "chat": chat or person, "message_id": message_id, "data": data}
        query = (await self._post("press", order))["query"]

        async def answer() -> Answer | None:
            raw = (await self._get(f"queries/{query}"))["answer"]
            return None if raw is None else msgspec.convert(raw, Answer)

        try:
            return await self.wait_until(answer, timeout=timeout)
        except TimeoutError:
            return None

    async def react(self, person: str, emoji: str, *, chat: str, message_id: int) -> None:
        """In Telegram's own way, not by a button; "" takes it back."""
        order = {"person": person, "chat": chat, "message_id": message_id, "emoji": emoji}
        await self._post("react", order)

    async def share_chat(self, person: str, shared_chat: str, *, request_id: int | None = None) -> Seen:
        """Answer the bot's "choose a chat" button."""
        order = {"person": person, "shared": shared_chat, "request_id": request_id}
        return read_seen(await self._post("share-chat", order))

    # --- what can be seen

    async def messages(self, chat: str, *, deleted: bool = False) -> list[Seen]:
        """All messages of a chat, oldest first."""
        query = {"chat": chat} | ({"deleted": "1"} if deleted else {})
        return [read_seen(raw) for raw in (await self._get("messages", **query))["messages"]]

    async def wait(
        self, chat: str, where: Callable[[Seen], bool], *, after: int = 0, timeout: float = 30.0
    ) -> Seen:
        """The newest message with an id above `after` for which `where` holds. Raises TimeoutError with the chat."""

        async def newest() -> Seen | None:
            found = await self.messages(chat)
            return next((seen for seen in reversed(found) if seen.id > after and where(seen)), None)

        try:
            return await self.wait_until(newest, timeout=timeout)
        except TimeoutError:
            there = [
                (seen.id, seen.from_bot, seen.kind, seen.text[:80]) for seen in await self.messages(chat)
            ]
            raise TimeoutError(f"no such message in {chat} after {timeout} s; there is: {there}") from None

    async def wait_until(self, check: Callable[[], Awaitable[T | None]], *, timeout: float = 30.0) -> T:
        """The first result of `check` that is not None; it is asked again after every change."""
        deadline = time.monotonic() + timeout
        version = 0
        while True:
            left = deadline - time.monotonic()
            version = (await self._get("changes", since=version, seconds=max(left, 0)))["version"]
            if (result := await check()) is not None:
                return result
            if left <= 0:
                raise TimeoutError(f"it did not happen within {timeout} s")

    async def media(self, message: Seen | str) -> bytes:
        """The bytes of a message's media (or of a file id), as a person would save them."""
        file_id = message if isinstance(message, str) else message.file_id
        if file_id is None:
            raise PlayError("that message has no media")
        async with self._open().get(f"{self.url}/play/media/{file_id}") as response:
            response.raise_for_status()
            return await response.read()

    async def calls(self, method: str | None = None, *, after: int = 0) -> list[Call]:
        """What the bot called, in order; polls that brought nothing are left out."""
        query: dict[str, Any] = {"after": after} | ({"method": method} if method else {})
        return msgspec.convert(await self._get("calls", **query), list[Call])

    async def state(self) -> dict[str, Any]:
        """Everything but messages: people, chats, commands, faults, waiting updates."""
        room: dict[str, Any] = await self._get("state")
        return room

    async def pending(self) -> int:
        """How many updates the bot has not confirmed."""
        return int((await self.state())["pending"])

    # --- what goes wrong

    async def fault(self, method: str, **fault: Any) -> None:
        """See `bot.playground.faults.Fault` for the fields."""
        await self._post("fault", {"method": method, **fault})

    async def clear_faults(self) -> None:
        await self._post("clear-faults", {})

    async def outage(self, *, on: bool) -> None:
        """While it is on, every connection of the bot is closed without an answer."""
        await self._post("rules", {"outage": on})

    async def set_rules(self, *, privacy: bool | None = None, group_limit: bool | None = None) -> None:
        await self._post("rules", {"privacy": privacy, "group_limit": group_limit})

    # --- people and groups change

    async def set_person(self, person: str, *, locale: str | None = None, name: str | None = None) -> None:
        await self._post("person", {"person": person, "locale": locale, "name": name})

    async def block(self, person: str) -> None:
        await self._post("person", {"person": person, "blocks": True})

    async def unblock(self, person: str) -> None:
        await self._post("person", {"person": person, "blocks": False})

    async def add_group(self, title: str, people: Sequence[str], *, with_bot: bool = True) -> str:
        """The key of the new group; the first person is its owner."""
        order = {"title": title, "people": list(people), "with_bot": with_bot}
        return str((await self._post("group", order))["key"])

    async def set_bot(self, chat: str, status: str) -> None:
        """The bot's membership in a group: "member", "administrator", "kicked", "left"."""
        await self._post("chat", {"chat": chat, "bot": status})

    async def add_bot(self, chat: str) -> None:
        await self.set_bot(chat, "member")

    async def remove_bot(self, chat: str) -> None:
        await self.set_bot(chat, "kicked")

    async def join(self, person: str, chat: str) -> None:
        await self._post("chat", {"chat": chat, "join": person})

    async def leave(self, person: str, chat: str) -> None:
        await self._post("chat", {"chat": chat, "leave": person})

    async def migrate(self, chat: str) -> int:
        """The id of the supergroup that the group became; its key stays."""
        return int((await self._post("chat", {"chat": chat, "migrate": True}))["chat_id"])

    async def update(self, kind: str, body: dict[str, Any]) -> None:
        """Any update, as Telegram would send it."""
        await self._post("update", {"kind": kind, "body": body})

    # --- HTTP

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def _get(self, path: str, **query: Any) -> Any:
        async with self._open().get(f"{self.url}/play/{path}", params=query) as response:
            return await _result(response)

    async def _post(self, path: str, order: dict[str, Any], files: dict[str, bytes] | None = None) -> Any:
        given = {name: value for name, value in order.items() if value is not None}
        if not files:
            async with self._open().post(f"{self.url}/play/{path}", json=given) as response:
                return await _result(response)
        with aiohttp.MultipartWriter("form-data") as form:
            _add_part(form, "order", json.dumps(given).encode())
            for name, data in files.items():
                _add_part(form, name, data)
        async with self._open().post(f"{self.url}/play/{path}", data=form) as response:
            return await _result(response)


def _add_part(form: aiohttp.MultipartWriter, name: str, data: bytes) -> None:
    form.append(data).set_content_disposition("form-data", name=name)


async def _result(response: aiohttp.ClientResponse) -> Any:
    body = await response.json()
    if response.status >= 400:
        raise PlayError(body["error"])
    return body


def _find_button(message: Seen, wanted: str) -> str | None:
    labels = message.button_data
    if wanted in labels:
        return labels[wanted]
    near = (data for label, data in labels.items() if wanted == data or wanted in label)
    return next(near, None)
