"""The bot's public pages: `/verify`, where anybody learns what is known of a file, and `/healthz`."""

from __future__ import annotations

import asyncio
import string
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import resources

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.config import WebConfig
from engine import logs
from engine.client import EngineClient
from engine.errors import ConfigError, EngineError
from engine.schema import MAX_VERIFY_BYTES
from handlers.pace import Pace
from handlers.page import page_words
from handlers.texts import LANGUAGES, Html, Texts, language_of, texts
from handlers.verify import say_report, say_too_large, say_too_often, say_unavailable

BODY_SECONDS = 60.0
AT_ONCE = 4
"""Files that are being received or looked into; each may take `MAX_VERIFY_BYTES` of memory."""

_CHUNK_BYTES = 64 * 1024
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

log = logs.get(__name__)


class _TooLarge(Exception):
    """More was sent than is looked into."""


@dataclass(slots=True)
class Pages:
    """The routes. `pace` counts per address; behind a proxy, per address that the proxy names."""

    engine: EngineClient
    pace: Pace
    behind_proxy: bool = False
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.get("/verify", self.show),
                web.post("/verify", self.answer),
                web.get("/verify/{name:page[.](?:css|js)}", _part),
                web.get("/healthz", _health),
            ]
        )
        return application

    async def show(self, request: web.Request) -> web.Response:
        return _page(_language(request))

    async def answer(self, request: web.Request) -> web.Response:
        """The page with its answer, or the answer alone where the page's script asks."""
        say = _language(request)
        status, found = await self._answer(request, say)
        paragraphs = found.split("\n")
        if request.headers.get("Accept") == "application/json":
            return web.json_response({"paragraphs": paragraphs}, status=status, headers=_HEADERS)
        return _page(say, paragraphs, status=status)

    async def _answer(self, request: web.Request, say: Texts) -> tuple[int, Html]:
        if not self.pace.admits(self._caller(request)):
            return HTTPStatus.TOO_MANY_REQUESTS, say_too_often(say)
        if self.places.locked():
            return HTTPStatus.SERVICE_UNAVAILABLE, say_unavailable(say)
        try:
            async with self.places:
                async with asyncio.timeout(BODY_SECONDS):
                    data = await _file_of(request)
                return HTTPStatus.OK, say_report(say, await self.engine.verify(data))
        except _TooLarge:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, say_too_large(say)
        except (EngineError, TimeoutError) as error:
            log.info("not verified", error=type(error).__name__)
            return HTTPStatus.SERVICE_UNAVAILABLE, say_unavailable(say)

    def _caller(self, request: web.Request) -> str:
        """The last address of the chain is the one that our own proxy saw; the others anybody can write."""
        forwarded = request.headers.get("X-Forwarded-For", "") if self.behind_proxy else ""
        return forwarded.rpartition(",")[2].strip() or request.remote or ""


@asynccontextmanager
async def serving(table: WebConfig, *, engine: EngineClient, pace: Pace) -> AsyncIterator[int]:
    """Serve the pages until the block ends; the port. 0 serves nothing. Raises ConfigError when it is taken."""
    if not table.port:
        yield 0
        return
    pages = Pages(engine=engine, pace=pace, behind_proxy=table.behind_proxy)
    runner = web.AppRunner(pages.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, table.host, table.port).start()
        except OSError as error:
            raise ConfigError(
                f"[web] port {table.port} cannot be used: choose another one, or 0 for no page"
            ) from error
        yield table.port
    finally:
        await runner.cleanup()


async def _file_of(request: web.Request) -> bytes:
    """The part `file`, read no further than the limit; what is no such form is an empty file."""
    body = bytearray()
    try:
        reader = await request.multipart()
        part = await reader.next()
        while isinstance(part, BodyPartReader) and part.name == "file":
            chunk = await part.read_chunk(_CHUNK_BYTES)
            if not chunk:
                break
            body += chunk
            if len(body) > MAX_VERIFY_BYTES:
                raise _TooLarge
    except (ValueError, AssertionError, HttpProcessingError):
        return b""
    return bytes(body)


async def _part(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    content = resources.files("bot").joinpath("pages", name).read_bytes()
    return web.Response(body=content, content_type=_KINDS[name], charset="utf-8", headers=_HEADERS)


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _page(say: Texts, paragraphs: Sequence[str] = (), *, status: int = HTTPStatus.OK) -> web.Response:
    template = resources.files("bot").joinpath("pages", "verify.html").read_text(encoding="utf-8")
    found = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    text = string.Template(template).substitute(page_words(say), limit=MAX_VERIFY_BYTES, found=found)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def _language(request: web.Request) -> Texts:
    """The first language of the browser that we speak."""
    wanted = [
        each.partition(";")[0].strip() for each in request.headers.get("Accept-Language", "").split(",")
    ]
    spoken = (code for code in wanted[:10] if code.lower().partition("-")[0] in LANGUAGES)
    return texts(language_of(next(spoken, None)))
