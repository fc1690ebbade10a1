"""What the bot's tests share: a clock that stands still until told, a store, and a talk with the playground."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from telegram.ext import ExtBot

from bot.database import Database
from bot.delivery import Delivery
from bot.limiter import Limiter, Manner
from bot.notes import Notes
from bot.outbox import DurableOutbox
from bot.playground.server import Playground
from bot.store import SqliteStore
from engine.client import Address, EngineClient
from engine.schema import Finding, JobView, Layer, OutcomePage, SequencedOutcome, VerifyReport
from handlers.context import Rules

RULES = Rules(
    operator_chat_id=None,
    story_hours=24,
    hide_after_reports=3,
    stale_after_seconds=3600,
    album_wait_seconds=0,
    progress_private_seconds=0.3,
    progress_group_seconds=0.3,
    edit_into_clip=True,
    verify_per_hour=20,
)


class Clock:
    """Unix seconds that only a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Engine:
    """The calls of the engine that the bot makes by itself, answered over its Unix socket, and what was asked."""

    socket: Path
    clips: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, JobView] = field(default_factory=dict)
    outcomes: list[SequencedOutcome] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/jobs/{job}/clip", self._clip)
        application.router.add_post("/jobs/{job}/delivered", self._delivered)
        application.router.add_post("/jobs/{job}/reports", self._reported)
        application.router.add_delete("/jobs/{job}", self._cancel)
        application.router.add_get("/jobs/{job}", self._job)
        application.router.add_get("/outcomes", self._outcomes)
        application.router.add_post("/verify", self._verify)
        return application

    async def _clip(self, request: web.Request) -> web.Response:
        clip = self.clips.get(request.match_info["job"])
        if clip is None:
            return web.json_response({"type": "about/not-found", "detail": ""}, status=404)
        return web.Response(body=clip, content_type="video/mp4")

    async def _delivered(self, request: web.Request) -> web.Response:
        self.asked.append(f"delivered {request.match_info['job']}")
        return web.Response(status=204)

    async def _reported(self, request: web.Request) -> web.Response:
        self.asked.append(f"reported {request.match_info['job']}")
        return web.Response(status=204)

    async def _cancel(self, request: web.Request) -> web.Response:
        self.asked.append(f"cancel {request.match_info['job']}")
        return web.json_response({"type": "job", "job_id": request.match_info["job"], "status": "animated"})

    async def _job(self, request: web.Request) -> web.Response:
        view = self.jobs.get(request.match_info["job"])
        if view is None:
            return web.json_response({"type": "about/not-found", "detail": ""}, status=404)
        return web.Response(body=msgspec.json.encode(view))

    async def _verify(self, request: web.Request) -> web.Response:
        """Ours is what begins so."""
        part = await (await request.multipart()).next()
        is_ours = bytes(await part.read()).startswith(b"ours")
        self.asked.append("verify")
        return web.Response(
            body=msgspec.json.encode(
                VerifyReport(
                    layer=Layer.CREDENTIALS if is_ours else Layer.NONE,
                    made_here=is_ours,
                    intact=is_ours,
                    detail=Finding.MADE_HERE if is_ours else Finding.NO_CREDENTIALS,
                    made_at="2026-11-24T10:00:00Z" if is_ours else None,
                )
            )
        )

    async def _outcomes(self, request: web.Request) -> web.Response:
        after, wait = int(request.query["after"]), float(request.query["wait"])
        self.asked.append(f"outcomes after {after}")
        found = tuple(each for each in self.outcomes if each.sequence > after)
        await asyncio.sleep(0 if found else wait)
        return web.Response(body=msgspec.json.encode(OutcomePage(outcomes=found)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "bot.sqlite") as opened:
        yield opened


@pytest.fixture
def store(database: Database, clock: Clock) -> SqliteStore:
    return SqliteStore(database, now=clock)


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground() as started:
        await started.play.send_text("ann", "hello")  # a private chat is closed until its person writes
        yield started


@pytest.fixture
async def bot(playground: Playground) -> AsyncIterator[ExtBot[Manner]]:
    made: ExtBot[Manner] = ExtBot(
        playground.token,
        base_url=playground.base_url,
        base_file_url=playground.base_file_url,
        rate_limiter=Limiter(),
    )
    async with made:
        yield made


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made = Engine(socket=tmp_path / "engine.sock")
    runner = web.AppRunner(made.application(), shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(made.socket)).start()
    yield made
    await runner.cleanup()


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[EngineClient]:
    async with EngineClient(Address(socket=engine.socket)) as opened:
        yield opened


@pytest.fixture
async def outbox(
    database: Database, bot: ExtBot[Manner], client: EngineClient, clock: Clock
) -> AsyncIterator[DurableOutbox]:
    """Not started yet; stopped at the end."""
    made = DurableOutbox(Notes(database, now=clock), Delivery(bot, client), client, RULES, now=clock)
    yield made
    await made.stop(seconds=1)
