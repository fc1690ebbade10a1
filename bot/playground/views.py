"""What can be seen from outside, under /play: the room, messages, calls, media; and the page's stream of changes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import msgspec
from aiohttp import web

from bot.playground.botapi import BotApi
from bot.playground.errors import PlayError
from bot.playground.methods.profile import shown_commands, shown_description
from bot.playground.world import Chat, Json, World

LONGEST_WAIT_SECONDS = 30.0
STOPPING = web.AppKey("stopping", asyncio.Event)
"""Set when the server ends, so that event streams end too."""

EVENT_PAUSE_SECONDS = 0.03
"""Changes within this time travel in one event."""


@dataclass(frozen=True, slots=True)
class Views:
    """The reading routes under /play."""

    api: BotApi

    @property
    def world(self) -> World:
        return self.api.world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/play/state", self.state),
            web.get("/play/changes", self.changes),
            web.get("/play/messages", self.messages),
            web.get("/play/queries/{id}", self.query),
            web.get("/play/calls", self.calls),
            web.get("/play/media/{id}", self.media),
            web.get("/play/events", self.events),
        ]

    async def state(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._room())

    async def changes(self, request: web.Request) -> web.Response:
        """The version, once it is above `since`, or after `seconds`."""
        seconds = min(float(request.query.get("seconds", "10")), LONGEST_WAIT_SECONDS)
        since = int(request.query.get("since", "0"))
        return web.json_response({"version": await self.world.wait_for_change(since=since, seconds=seconds)})

    async def messages(self, request: web.Request) -> web.Response:
        """A chat's messages with the version at which they were so."""
        try:
            chat = self.world.chat(request.query["chat"])
        except (KeyError, PlayError) as error:
            return web.json_response({"error": str(error)}, status=404)
        seen = [message.seen() for message in self.world.in_chat(chat, deleted="deleted" in request.query)]
        return web.json_response({"version": self.world.version, "messages": seen})

    async def query(self, request: web.Request) -> web.Response:
        """What the bot answered to a press; null while it has not."""
        return web.json_response({"answer": self.world.queries.get(request.match_info["id"])})

    async def calls(self, request: web.Request) -> web.Response:
        number = int(request.query.get("after", "0"))
        return web.json_response(self.api.calls.after(number, method=request.query.get("method")))

    async def media(self, request: web.Request) -> web.StreamResponse:
        """A file as a person's app gets it. Only pictures and clips open in the page; the rest is saved."""
        stored = self.world.files.get(request.match_info["id"])
        if stored is None:
            return web.json_response({"error": "no such file"}, status=404)
        return _media_response(request, stored.data, stored.mime)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: first everything, then what changed."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        version, number = -1, 0
        while not request.app[STOPPING].is_set():
            now = self.world.version
            event = {
                "version": now,
                "room": self._room(),
                "messages": [message.seen() for message in self.world.changed_after(version)],
                "calls": self.api.calls.after(number)[-200:],
            }
            number = self.api.calls.count
            version = now
            try:
                await response.write(f"data: {json.dumps(event)}\n\n".encode())
            except ConnectionResetError:
                break
            await self.world.wait_for_change(since=version, seconds=15)
            await asyncio.sleep(EVENT_PAUSE_SECONDS)
        return response

    def _room(self) -> Json:
        world = self.world
        return {
            "bot": world.bot(),
            "people": [
                {
                    "key": person.key,
                    "id": person.user_id,
                    "name": person.name,
                    "locale": person.locale,
                    "description": shown_description(world, person),
                }
                for person in world.people.values()
            ],
            "chats": [self._chat(chat) for chat in world.chats.values() if chat.migrated_to is None],
            "pending": world.updates.pending,
            "running": world.updates.fetched,
            "privacy": world.privacy,
            "group_limit": self.api.pace.on,
            "outage": self.api.faults.outage,
            "faults": [msgspec.to_builtins(fault) for fault in self.api.faults.on],
            "version": world.version,
        }

    def _chat(self, chat: Chat) -> Json:
        world = self.world
        members = [chat.owner.key] if chat.owner is not None else list(chat.members)
        return {
            "key": chat.key,
            "id": chat.chat_id,
            "ids": [chat.chat_id, *chat.former_ids],
            "kind": chat.kind,
            "title": chat.title,
            "members": members,
            "bot_status": chat.bot_status,
            "started": chat.started,
            "keyboard": chat.keyboard,
            "action": chat.action,
            "action_until": chat.action_until,
            "commands": {key: shown_commands(world, chat, world.person(key)) for key in members},
        }


_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4"})


def _media_response(request: web.Request, data: bytes, mime: str) -> web.Response:
    """With byte ranges, which browsers want for clips; anything but pictures and clips only to be saved."""
    shown = mime in _SHOWN
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600, immutable",
        "Content-Disposition": "inline" if shown else "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    content_type = mime if shown else "application/octet-stream"
    part = request.http_range
    if part.start is None and part.stop is None:
        return web.Response(body=data, content_type=content_type, headers=headers)
    start, stop, _ = part.indices(len(data))
    if start >= stop:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(body=data[start:stop], status=206, content_type=content_type, headers=headers)
