"""Handles updates in order where order matters and side by side elsewhere, and marks each done when it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Hashable
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from telegram import Update
from telegram.error import BadRequest, NetworkError, RetryAfter
from telegram.ext import Application, ApplicationHandlerStop, BaseUpdateProcessor

from bot.database import StorageError
from bot.inbox import Arrival, Inbox, arrival_of
from engine import logs
from engine.errors import EngineUnavailable, RetryLater
from handlers.context import Context, EngineOutcome

log = logs.get(__name__)

PAUSES_SECONDS = (1.0, 4.0)
"""Before a second and a third try at an update whose handler met a passing trouble."""

MOST_STARTS = 12
"""An update that was being handled whenever the process died is given up after this many times, so that one
that takes the process down cannot do so for ever."""

PHOTOS_SIDE_BY_SIDE = 64
"""Handlers of photos hold the bytes while they wait for the engine; everything else goes past them."""

PATIENCE_SECONDS = 3.0
"""A message without a photo waits so long for what came before it, which keeps the order of a burst, and then goes
past: `/status` and `/cancel` matter most while a photo waits for an engine that does not answer."""

WAITING = 100_000
"""PTB's own limit counts what waits for its lane too; it must not let one person's flood stop the others."""


class GivenUp(Exception):
    """An update was begun too often and never finished."""


@dataclass(slots=True)
class _Try:
    """What the error handler tells the lane about the try that runs in its context."""

    may_repeat: bool
    trouble: Exception | None = None


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    members: int = 0


_current_try: ContextVar[_Try | None] = ContextVar("current_try", default=None)


class Lanes(BaseUpdateProcessor):
    """One person's messages in a chat one after the other, everybody else meanwhile."""

    def __init__(self, inbox: Inbox, *, pauses_seconds: tuple[float, ...] = PAUSES_SECONDS) -> None:
        super().__init__(max_concurrent_updates=WAITING)
        self._inbox = inbox
        self._pauses = pauses_seconds
        self._photos = asyncio.Semaphore(PHOTOS_SIDE_BY_SIDE)
        self._lanes: dict[Hashable, _Lane] = {}
        self._application: Application[Any, Any, Any, Any, Any, Any] | None = None
        self._closing = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def attach(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        """Tell it whose updates these are: a repeated try goes through the same handlers."""
        self._application = application
        application.add_error_handler(note_passing_trouble)

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def close(self, *, seconds: float) -> None:
        """Begin nothing more, and let what has begun finish for so long.

        What has not finished then is on disk, and is replayed at the next start.
        """
        self._closing = True
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        assert isinstance(coroutine, Coroutine)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            photos = self._photos if _has_photo(update) else nullcontext()
            async with self._lane(lane_of(update), patience=_patience(update)), photos:
                if not self._closing:
                    await self._handle(update, coroutine)
        finally:
            coroutine.close()  # one that never began would warn; closing a finished one does nothing
            self._tasks.discard(task)

    async def _handle(self, update: object, coroutine: Coroutine[Any, Any, None]) -> None:
        arrival = arrival_of(update)
        if arrival is None:
            await coroutine
            return
        if await self._begin(arrival) > MOST_STARTS:
            log.error("update given up", source=arrival.source, id=arrival.id)
            await self._running().process_error(update=update, error=GivenUp())
        else:
            await self._try_all(arrival, update, coroutine)
        await self._finish(arrival)

    async def _try_all(self, arrival: Arrival, update: object, coroutine: Coroutine[Any, Any, None]) -> None:
        attempt: Coroutine[Any, Any, None] = coroutine
        for pause in (*self._pauses, None):
            trouble = await _attempt(attempt, may_repeat=pause is not None)
            if trouble is None or pause is None:
                return
            log.warning(
                "update is tried again", source=arrival.source, id=arrival.id, why=type(trouble).__name__
            )
            await asyncio.sleep(pause)
            attempt = self._running().process_update(update)

    async def _begin(self, arrival: Arrival) -> int:
        try:
            return await self._inbox.begin(arrival)
        except StorageError:
            # It is on disk already; handling it now is better than not answering while the disk is full.
            log.exception("try not counted", source=arrival.source, id=arrival.id)
            return 1

    async def _finish(self, arrival: Arrival) -> None:
        try:
            await self._inbox.finish(arrival)
        except StorageError:
            # It will be handled once more after the next start; handlers can be repeated.
            log.exception("update not marked done", source=arrival.source, id=arrival.id)

    def _running(self) -> Application[Any, Any, Any, Any, Any, Any]:
        assert self._application is not None, "attach the application before it starts"
        return self._application

    @asynccontextmanager
    async def _lane(self, key: Hashable, *, patience: float | None) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(key, _Lane())
        lane.members += 1
        in_turn = False
        try:
            in_turn = await _turn_comes(lane.lock, within_seconds=patience)
            yield
        finally:
            if in_turn:
                lane.lock.release()
            lane.members -= 1
            if not lane.members:
                del self._lanes[key]


async def _turn_comes(lock: asyncio.Lock, *, within_seconds: float | None) -> bool:
    """True once it is ours; false when it was not in time. None waits for ever."""
    try:
        async with asyncio.timeout(within_seconds):
            return await lock.acquire()
    except TimeoutError:
        return False


def lane_of(update: object) -> Hashable:
    """What shares this key is handled in order.

    Presses have a lane of their own, because Telegram gives up on an answer after some seconds; the photos of
    an album run side by side, so that the first can wait for the others.
    """
    match update:
        case EngineOutcome():
            return ("outcome", update.outcome.job_id)
        case Update(message=message) if message is not None and message.media_group_id:
            return ("album", message.chat_id, message.message_id)
        case Update():
            kind = "press" if update.callback_query else "message"
            chat, user = update.effective_chat, update.effective_user
            return (kind, chat.id if chat else update.update_id, user.id if user else 0)
        case _:
            return id(update)


def _patience(update: object) -> float | None:
    """None for ever. Presses keep their order: two on the same button must not both share a clip."""
    is_words = isinstance(update, Update) and update.message is not None and not _has_photo(update)
    return PATIENCE_SECONDS if is_words else None


def _has_photo(update: object) -> bool:
    message = update.message if isinstance(update, Update) else None
    return message is not None and bool(message.photo or message.document)


async def note_passing_trouble(_update: object, context: Context) -> None:
    """PTB's first error handler: where another try may help, nobody is told yet."""
    current = _current_try.get()
    if current is not None and current.may_repeat and is_passing(context.error):
        current.trouble = context.error
        raise ApplicationHandlerStop


def is_passing(error: Exception | None) -> bool:
    """Whether the same update may well succeed in some seconds."""
    match error:
        case BadRequest():  # a NetworkError by descent only
            return False
        case NetworkError() | RetryAfter() | EngineUnavailable() | RetryLater():
            return True
        case _:
            return isinstance(error, StorageError)


async def _attempt(coroutine: Coroutine[Any, Any, None], *, may_repeat: bool) -> Exception | None:
    """Run it; the passing trouble that it met, if another try is due."""
    current = _Try(may_repeat=may_repeat)
    token = _current_try.set(current)
    try:
        await coroutine
    finally:
        _current_try.reset(token)
    return current.trouble
