"""Tells the engine which outcomes reached their person, until it has heard."""

from __future__ import annotations

import asyncio

from bot.database import StorageError
from bot.notes import Notes
from engine import logs
from engine.client import EngineClient
from engine.errors import EngineError, NotFound

log = logs.get(__name__)

PAUSE_SECONDS = 5.0


class Acknowledgements:
    """Apart from the outbox, so that an engine that is down never holds up what people are told."""

    def __init__(self, notes: Notes, engine: EngineClient) -> None:
        self._notes = notes
        self._engine = engine
        self._stirred = asyncio.Event()
        self._stirred.set()

    def stir(self) -> None:
        """There may be something to tell."""
        self._stirred.set()

    async def run(self) -> None:
        """For ever; nothing is lost when it is cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            try:
                for job_id, reached in await self._notes.unacknowledged():
                    await self._tell(job_id, reached=reached)
                    await self._notes.acknowledged(job_id)
            except (EngineError, StorageError) as error:
                log.info("acknowledgements wait", why=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
                self._stirred.set()

    async def _tell(self, job_id: str, *, reached: bool) -> None:
        try:
            if not reached:
                await self._engine.cancel(job_id)  # a job that has ended stays as it ended
            await self._engine.acknowledge(job_id)
        except NotFound:
            log.info("the engine no longer knows a job", job_id=job_id)
