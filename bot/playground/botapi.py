"""The Bot API over HTTP: token, method, faults, answer; and file downloads."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.playground.calls import Calls
from bot.playground.errors import ApiError
from bot.playground.faults import Fault, Faults, GroupPace
from bot.playground.forms import Form, read_form
from bot.playground.methods import find_method
from bot.playground.world import World

_PACED = ("send", "edit", "copy", "forward")
_NOT_PACED = frozenset({"sendchataction"})


@dataclass(slots=True)
class BotApi:
    """Answers the bot. What it did is in `world`, what it asked in `calls`."""

    world: World
    token: str
    calls: Calls = field(default_factory=Calls)
    faults: Faults = field(default_factory=Faults)
    pace: GroupPace = field(default_factory=GroupPace)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", r"/bot{token:[^/]+}/{method}", self._call),
            web.get(r"/file/bot{token:[^/]+}/{path:.+}", self._download),
        ]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        began = time.monotonic()
        name = request.match_info["method"]
        form = Form({})
        try:
            self._check_token(request)
            form = await read_form(request)
            name, function = find_method(name)
            fault = self.faults.strike(name)
            if fault is not None:
                await self._before(fault)
            result = await self._perform(function, name, form)
            if fault is not None:
                await self._after(fault)
        except ApiError as error:
            if request.transport is None:  # nobody hears it: a poll of a bot that is gone
                return web.Response(status=error.code)
            return self._answer(name, form, error.code, error.body(), began, error.description)
        except _Dropped:
            self.calls.add(name, form, status=0, answer=None, seconds=time.monotonic() - began)
            return _drop(request)
        return self._answer(name, form, 200, {"ok": True, "result": result}, began, result)

    async def _perform(self, function: Any, name: str, form: Form) -> Any:
        self._count(name.lower(), form)
        result = function(self.world, form)
        return await result if inspect.isawaitable(result) else result

    def _count(self, method: str, form: Form) -> None:
        """Messages into a group are limited per minute."""
        if self.pace.on and method.startswith(_PACED) and method not in _NOT_PACED:
            chat_id = form.integer("chat_id")
            if chat_id < 0:
                self.pace.count(chat_id)

    async def _before(self, fault: Fault) -> None:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if not fault.after:
            _raise(fault)

    async def _after(self, fault: Fault) -> None:
        if fault.after:
            _raise(fault)
            await asyncio.sleep(fault.hold)

    def _answer(
        self, name: str, form: Form, status: int, body: dict[str, Any], began: float, noted: Any
    ) -> web.Response:
        self.calls.add(name, form, status=status, answer=noted, seconds=time.monotonic() - began)
        if not (name == "getUpdates" and noted == []):
            self.world.touch()
        return web.json_response(body, status=status)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_token(request)
            fault = self.faults.strike("download")
            if fault is not None:
                await self._before(fault)
            data = self.world.files.download(request.match_info["path"])
            if fault is not None:
                await self._after(fault)
        except ApiError as error:
            return web.json_response(error.body(), status=error.code)
        except _Dropped:
            return _drop(request)
        return web.Response(body=data, content_type="application/octet-stream")

    def _check_token(self, request: web.Request) -> None:
        if not hmac.compare_digest(request.match_info["token"].encode(), self.token.encode()):
            raise ApiError(401, "Unauthorized")


class _Dropped(Exception):
    """The connection ends here, without an answer."""


def _raise(fault: Fault) -> None:
    if fault.drop:
        raise _Dropped
    if (error := fault.error()) is not None:
        raise error


def _drop(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
