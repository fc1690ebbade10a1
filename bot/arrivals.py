"""Whether Telegram serves the bytes that were signed: looked at after each delivery, where the operator wants it.

Kept in memory, and the last in every line: a clip that was not looked at before a stop is not looked at again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.delivery import Said
from bot.limiter import Manner
from engine import logs
from handlers.alarms import changed_on_the_way
from handlers.context import EditToVideo, Note, Outbox, SendOriginal

WAITING = 100
"""More than this many clips wait only when Telegram is slow; then some are not looked at."""

DAY_SECONDS = 86_400

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A clip as it was sent, and what Telegram made of it."""

    job_id: str
    sha256: str
    said: Said


class Arrivals:
    """`look_at` never waits; `run` looks, one clip after another. Without `wanted` nothing is kept or fetched."""

    def __init__(
        self,
        bot: ExtBot[Manner],
        *,
        wanted: bool,
        operator_chat_id: int | None,
        now: Callable[[], float],
    ) -> None:
        self._bot = bot
        self._wanted = wanted
        self._operator_chat_id = operator_chat_id
        self._now = now
        self._waiting: asyncio.Queue[Delivered] = asyncio.Queue(maxsize=WAITING)

    def look_at(self, note: Note, clip: bytes, said: Said) -> None:
        if not self._wanted or not isinstance(note, EditToVideo | SendOriginal) or self._waiting.full():
            return
        self._waiting.put_nowait(Delivered(note.job_id, hashlib.sha256(clip).hexdigest(), said))

    async def run(self, outbox: Outbox) -> None:
        while True:
            await self._look(await self._waiting.get(), outbox)

    async def _look(self, delivered: Delivered, outbox: Outbox) -> None:
        try:
            same = delivered.sha256 == await self._served_sha256(delivered.said.file_id)
        except TelegramError as error:
            log.info("delivered clip not looked at", job_id=delivered.job_id, error=type(error).__name__)
            return
        if same and not delivered.said.is_animation:
            log.info("clip arrived as it was signed", job_id=delivered.job_id)
            return
        log.error(
            "clip changed on the way", job_id=delivered.job_id, is_animation=delivered.said.is_animation
        )
        await self._alarm(delivered.job_id, outbox)

    async def _served_sha256(self, file_id: str) -> str:
        file = await self._bot.get_file(file_id)
        return hashlib.sha256(await file.download_as_bytearray()).hexdigest()

    async def _alarm(self, job_id: str, outbox: Outbox) -> None:
        """Once a day: what happens to one clip happens to all."""
        if self._operator_chat_id is not None:
            today = int(self._now() // DAY_SECONDS)
            await outbox.put(f"changed:{today}", changed_on_the_way(self._operator_chat_id, job_id))
