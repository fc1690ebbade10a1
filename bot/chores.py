"""What the bot does by itself: progress of open requests, the end of stories, and forgetting."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable

from bot.database import StorageError
from bot.store import SqliteStore
from engine import logs
from engine.clocks import ClockWatch
from engine.errors import EngineError, NotFound
from engine.schema import Failed, FailureCause, JobStatus
from handlers import status, story
from handlers.context import EditButtons, Services, Ticket
from handlers.outcome import failure_note
from handlers.texts import texts

log = logs.get(__name__)

PROGRESS_SECONDS = 1.5
STORIES_SECONDS = 20.0
PRUNE_SECONDS = 3600.0
LOST_SECONDS = 1800.0
"""No handler tries for so long to hand a job in."""

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

    def __init__(
        self,
        services: Services,
        store: SqliteStore,
        *,
        clock: ClockWatch | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock or ClockWatch()
        self._now = now
        self._missed: dict[str, float] = {}
        """By job, since when the engine says that it does not know it."""
        self._hearts: dict[str, int] = {}
        """By story, what stands under it."""
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
        except NotFound:  # its handler is still waiting to hand it in; or the ledger went back to a backup
            await self._miss(ticket)
            return
        self._missed.pop(ticket.job_id, None)
        if view.status in ON_THEIR_WAY:
            text = status.progress_text(view, ticket.locale)
            keyboard = status.progress_keyboard(ticket.job_id, ticket.locale)
            await self._services.outbox.progress(ticket.chat_id, placeholder_id, text, keyboard)

    async def _miss(self, ticket: Ticket) -> None:
        """A job that the engine has not known for long is lost: whoever waits for it is told."""
        since = self._missed.setdefault(ticket.job_id, self._now())
        if self._now() - since < LOST_SECONDS:
            return
        log.error("the engine does not know a job that was handed in", job_id=ticket.job_id)
        lost = Failed(job_id=ticket.job_id, reply_to=ticket.reply_to, cause=FailureCause.RENDERING)
        await self._services.outbox.put(f"outcome:{ticket.job_id}", failure_note(lost, ticket))
        await self._store.end_ticket(ticket.job_id)
        del self._missed[ticket.job_id]

    async def end_stories(self) -> None:
        """Take down the stories whose time is over."""
        for due in await self._store.due_stories():
            await story.end(due, self._services)

    async def show_hearts(self) -> None:
        """The number under each story: one edit at most each time, however many press. After a start, told anew."""
        hearts = await self._store.liked()
        told = self._hearts
        for story_id in hearts.keys() | told.keys():
            if told.get(story_id, 0) != hearts.get(story_id, 0):
                await self._show_hearts(story_id, hearts.get(story_id, 0))
        self._hearts = hearts

    async def _show_hearts(self, story_id: str, hearts: int) -> None:
        shown = await self._store.story(story_id)
        if shown is None or shown.ended or shown.message_id is None:
            return
        ticket = await self._store.ticket_of_job(shown.job_id)
        keyboard = story.story_keyboard(story_id, hearts, texts(ticket.locale if ticket else None))
        note = EditButtons(chat_id=shown.chat_id, message_id=shown.message_id, keyboard=keyboard)
        await self._services.outbox.put(f"hearts:{story_id}:{uuid.uuid4()}", note)

    async def prune(self) -> None:
        if self._clock.believed():
            await self._store.prune()
