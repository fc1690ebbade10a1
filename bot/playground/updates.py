"""The updates that wait for the bot: their order, their confirmation, and one poller at a time."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any
from urllib.parse import urlsplit

from bot.playground.errors import ApiError

_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that a bot gets only when it asks for them (getUpdates, allowed_updates)."""

BETWEEN_POLLS_SECONDS = 5.0

_EPOCH = 1_767_225_600  # 2026-01-01


def first_id() -> int:
    """A number to count from, higher at every start: what a bot remembers of an earlier start stays behind it.

    Eight a second from 2026 on stay under 2³¹ for eight years.
    """
    return int((time.time() - _EPOCH) * 8)


def is_here(url: str) -> bool:
    """The playground calls nobody but this machine."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost"}


class Updates:
    """getUpdates' queue. Ids never go down; what was confirmed is gone."""

    def __init__(self) -> None:
        self._next = first_id()
        self._waiting: list[dict[str, Any]] = []
        self._allowed: frozenset[str] | None = None
        self._poll: asyncio.Future[None] | None = None
        self._polled_at = -math.inf
        self._news = asyncio.Event()
        self.webhook_url = ""
        self.webhook_secret = ""
        self.webhook_error = ""

    @property
    def fetched(self) -> bool:
        """Whether a bot is fetching them: it polls, did a moment ago, or has them brought."""
        polls = self._poll is not None and not self._poll.done()
        return polls or bool(self.webhook_url) or time.monotonic() - self._polled_at < BETWEEN_POLLS_SECONDS

    @property
    def pending(self) -> int:
        return len(self._waiting)

    @property
    def allowed(self) -> list[str] | None:
        return None if self._allowed is None else sorted(self._allowed)

    def push(self, kind: str, body: dict[str, Any]) -> None:
        """Queue an update, unless the bot did not ask for its kind."""
        wanted = kind not in _NOT_BY_DEFAULT if self._allowed is None else kind in self._allowed
        if wanted:
            self._waiting.append({"update_id": self._next, kind: body})
            self._next += 1
            self._news.set()

    def next_to_bring(self) -> dict[str, Any] | None:
        """The oldest, where a webhook on this machine is set."""
        return self._waiting[0] if self._waiting and is_here(self.webhook_url) else None

    def brought(self, update_id: int) -> None:
        self._waiting = [update for update in self._waiting if update["update_id"] != update_id]

    def drop_all(self) -> None:
        self._waiting.clear()

    def allow(self, kinds: list[str] | None) -> None:
        """What the bot wants from now on: None leaves it as it is, an empty list means the default."""
        if kinds is not None:
            self._allowed = frozenset(kinds) or None

    async def get(self, *, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        """One long poll. Raises ApiError 409 when another poll takes over, as Telegram ends the earlier one."""
        if self.webhook_url:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._confirm(offset)
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(
                ApiError(
                    409,
                    "Conflict: terminated by other getUpdates request; "
                    "make sure that only one bot instance is running",
                )
            )
        mine = self._poll = asyncio.get_running_loop().create_future()
        try:
            return await self._wait(mine, limit=limit, seconds=seconds)
        finally:
            self._polled_at = time.monotonic()
            if not mine.done():
                mine.set_result(None)

    async def _wait(self, mine: asyncio.Future[None], *, limit: int, seconds: float) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while not self._waiting and (left := deadline - time.monotonic()) > 0:
            self._news.clear()
            news = asyncio.create_task(self._news.wait())
            both: set[asyncio.Future[Any]] = {news, mine}
            try:
                await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                news.cancel()
            if mine.done():
                mine.result()
        return self._waiting[:limit]

    def _confirm(self, offset: int) -> None:
        """An offset confirms everything below it; a negative one keeps only that many of the newest."""
        if offset > 0:
            self._waiting = [update for update in self._waiting if update["update_id"] >= offset]
        elif offset < 0:
            self._waiting = self._waiting[offset:]
