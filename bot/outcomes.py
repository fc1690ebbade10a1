"""The long poll to the engine: outcomes come in as updates do, kept before they are handled."""

from __future__ import annotations

import asyncio

from bot.database import StorageError
from bot.inbox import DurableQueue, Inbox
from engine import logs
from engine.client import EngineClient
from engine.errors import EngineError

log = logs.get(__name__)

WAIT_SECONDS = 30.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0


async def follow_outcomes(
    engine: EngineClient, inbox: Inbox, queue: DurableQueue, *, wait_seconds: float = WAIT_SECONDS
) -> None:
    """Put every outcome after the cursor on the queue, for ever. Ends when it is cancelled; nothing is lost then."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            page = await engine.outcomes(after=await inbox.cursor(), wait_seconds=wait_seconds)
            for outcome in await inbox.accept_outcomes(page):
                await queue.put(outcome)
        except (EngineError, StorageError) as error:
            if pause == FIRST_PAUSE_SECONDS:
                log.warning("outcomes cannot be fetched; trying on", why=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        else:
            pause = FIRST_PAUSE_SECONDS
