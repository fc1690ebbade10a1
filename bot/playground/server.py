"""The playground as one server on loopback: Bot API, control interface and chat page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import resources
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.playground.botapi import BotApi
from bot.playground.client import Play
from bot.playground.control import UPLOAD_LIMIT_BYTES, Control
from bot.playground.views import STOPPING, Views
from bot.playground.webhooks import bring
from bot.playground.world import BOT_ID, new_world

HOST = "127.0.0.1"

DEFAULT_TOKEN = f"{BOT_ID}:zoetrope-playground-token"
"""No secret: only this machine can reach the playground, and it guards nothing."""

_PAGE_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Playground:
    """A running playground, as an async context manager. `port` 0 picks a free one."""

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = DEFAULT_TOKEN,
        group_limit: bool = True,
        privacy: bool = True,
    ) -> None:
        self.token = token
        self.api = BotApi(world=new_world(privacy=privacy), token=token)
        self.api.pace.on = group_limit
        self._wanted_port = port
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._bringing: asyncio.Task[None] | None = None
        self.port = port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def base_url(self) -> str:
        """For `ApplicationBuilder.base_url`."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """For `ApplicationBuilder.base_file_url`."""
        return f"{self.url}/file/bot"

    async def __aenter__(self) -> Self:
        """Raises OSError when the port is taken."""
        app = web.Application(middlewares=[_only_this_machine], client_max_size=UPLOAD_LIMIT_BYTES)
        app[STOPPING] = self._stopping
        app.add_routes([*self.api.routes(), *Control(self.api).routes(), *Views(self.api).routes()])
        app.add_routes([web.get("/", _page), web.get("/{name:[a-z]+[.](?:css|js|svg)}", _page)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._wanted_port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])
        self.play = Play(self.url)
        self._bringing = asyncio.create_task(bring(self.api))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self.api.world.touch()
        if self._bringing is not None:
            self._bringing.cancel()
            await asyncio.gather(self._bringing, return_exceptions=True)
        await self.play.close()
        assert self._runner is not None
        await self._runner.cleanup()


@web.middleware
async def _only_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page sends through a browser here: a foreign host name (DNS rebinding), a foreign
    origin, a cross-site request. There is no CORS.
    """
    port = request.url.port
    here = {f"{name}:{port}" for name in (HOST, "localhost")}
    if request.host not in here:
        raise web.HTTPMisdirectedRequest(text="The playground answers on this machine only.")
    origin = request.headers.get("Origin")
    foreign = origin is not None and origin.removeprefix("http://") not in here
    cross = request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"} and request.path != "/"
    if foreign or cross:
        raise web.HTTPForbidden(text="The playground does not answer other sites' pages.")
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


async def _page(request: web.Request) -> web.Response:
    name = request.match_info.get("name", "index.html")
    file = resources.files("bot.playground").joinpath("page", name)
    if not file.is_file():
        raise web.HTTPNotFound
    kind = _PAGE_TYPES[name.rpartition(".")[2]]
    return web.Response(body=file.read_bytes(), content_type=kind, charset="utf-8", headers=_PAGE_HEADERS)
