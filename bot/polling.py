"""Asks Telegram for updates, and notices when nobody does any more."""

from __future__ import annotations

import asyncio
from typing import Any

from telegram.error import Conflict, TelegramError
from telegram.ext import Updater
from telegram.request import HTTPXRequest

from engine import logs
from engine.errors import ConfigError

log = logs.get(__name__)

WAIT_SECONDS = 30
SILENCE_SECONDS = 180.0
"""PTB waits 30 s for updates, 15 s for the answer and up to 30 s after an error: this long without a call, it
has stopped, and only it says that it is running."""

UNKNOWN_BOT = (
    "Telegram does not know this bot token; copy it again from @BotFather into the file named as `token_file`"
)


class PollRequest(HTTPXRequest):
    """PTB's connection for `getUpdates`, with an eye on whether it is used."""

    def __init__(self) -> None:
        super().__init__(connection_pool_size=2, connect_timeout=10, read_timeout=15, pool_timeout=10)
        self._last_call = 0.0
        self._refused = False

    async def do_request(self, *arguments: Any, **options: Any) -> tuple[int, bytes]:
        self._last_call = asyncio.get_running_loop().time()
        code, payload = await super().do_request(*arguments, **options)
        self._refused = code in {401, 404}
        return code, payload

    async def watch(self) -> None:
        """Returns never. Raises ConfigError when the token is refused, RuntimeError when polling has stopped."""
        clock = asyncio.get_running_loop().time
        self._last_call = clock()
        while clock() - self._last_call < SILENCE_SECONDS:
            await asyncio.sleep(1)
            if self._refused:
                raise ConfigError(UNKNOWN_BOT)
        raise RuntimeError(f"nobody asked Telegram for updates for {SILENCE_SECONDS:.0f} s")


async def start_polling(updater: Updater, allowed_updates: tuple[str, ...]) -> None:
    """Only the kinds that are handled; what came in while the bot was down is kept."""
    await updater.start_polling(
        timeout=WAIT_SECONDS,
        bootstrap_retries=-1,
        allowed_updates=allowed_updates,
        drop_pending_updates=False,
        error_callback=_say_why,
    )


def _say_why(error: TelegramError) -> None:
    if isinstance(error, Conflict):
        log.error("another program is asking for updates with this bot's token; stop one of the two")
    else:
        log.warning("updates cannot be fetched; trying on", why=type(error).__name__)
