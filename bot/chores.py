"""What the bot does by itself: progress of open requests, the end of stories, and forgetting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.database import StorageError
from bot.store import SqliteStore
from engine import logs
from engine.clocks import ClockWatch
from engine.errors import EngineError, NotFound
from engine.schema import JobStatus
from handlers import status
from handlers.context import Services, Ticket
from handlers.story import end

log = logs.get(__name__)

PROGRESS_SECONDS = 1.5
STORIES_SECONDS = 20.0
PRUNE_SECONDS = 3600.0

ON_THEIR_WAY = frozenset({JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.HELD})


async def every(seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
    """Do it now and then for ever; a disk or an engine that fails meanwhile is waited out."""
    while True:
        try:
            await chore()
        except (EngineError, StorageError) as error:
            log.info("chore put off", chore=chore.__name__, why=type(error).__name__)
        await asyncio.sleep(seconds)


class Chores:
    """Each is repeatable, and picks up what a downtime left."""

    def __init__(self, services: Services, store: SqliteStore, *, clock: ClockWatch | None = None) -> None:
        self._clock = clock or ClockWatch()
        self._services = services
        self._store = store

    async def show_progress(self) -> None:
        """Say in each open placeholder where its job is."""
        for ticket in await self._store.open_tickets():
            if ticket.placeholder_id is not None:
                await self._show(ticket, ticket.placeholder_id)

    async def _show(self, ticket: Ticket, placeholder_id: int) -> None:
        try:
            view = await self._services.engine.job(ticket.job_id)
        except NotFound:
            return  # its handler is still waiting to hand it in
        if view.status in ON_THEIR_WAY:
            text = status.progress_text(view, ticket.locale)
            keyboard = status.progress_keyboard(ticket.job_id, ticket.locale)
            await self._services.outbox.progress(ticket.chat_id, placeholder_id, text, keyboard)

    async def end_stories(self) -> None:
        """Take down the stories whose time is over."""
        for story in await self._store.due_stories():
            await end(story, self._services)

    async def prune(self) -> None:
        if self._clock.believed():
            await self._store.prune()
