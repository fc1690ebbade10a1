"""Keeps the bot within Telegram's limits: results wait for their turn, passing remarks are dropped instead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiolimiter import AsyncLimiter
from telegram.error import RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

MESSAGES_PER_SECOND, BURST = 30.0, 5.0
"""In any second, a burst of so many among them: a leaky bucket of 30 a second lets 60 out in the first one."""
CHAT_BURST, CHAT_SECONDS = 4.0, 4.0
"""One message a second in a chat, with a small burst for a placeholder and its first edits."""
GROUP_MESSAGES, GROUP_SECONDS = 20.0, 60.0
GROUP_RESERVE = 10.0
"""Of a group's messages a minute, what passing remarks leave to results."""
TRIES = 3
MANY_CHATS = 512

Call = Callable[[], Awaitable[Any]]


class Dropped(TelegramError):
    """A passing remark was not sent, because it would have had to wait."""

    def __init__(self) -> None:
        super().__init__("dropped: the chat has no room for a passing remark")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a call is made, given as `rate_limit_args`.

    A `passing` one is dropped instead of waiting. `begin` is awaited when the call's turn has come, right before
    it leaves; such a call is tried once, because its caller keeps count.
    """

    passing: bool = False
    begin: Callable[[], Awaitable[None]] | None = None


class Limiter(BaseRateLimiter[Manner]):
    """Figures: Telegram's FAQ, as in `telegram.constants.FloodLimit`.

    Unlike PTB's AIORateLimiter it pauses one chat after a 429, not all, and never lets an edit of progress
    stand in line before a result.
    """

    def __init__(self) -> None:
        self._overall = AsyncLimiter(BURST, BURST / (MESSAGES_PER_SECOND - BURST))
        self._chats: dict[int | str, tuple[AsyncLimiter, ...]] = {}
        self._paused_until: dict[int | str, float] = {}

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,  # noqa: ARG002  # PTB's signature
        data: dict[str, Any],
        rate_limit_args: Manner | None,
    ) -> Any:
        chat_id: int | str = data.get("chat_id", "")
        manner = rate_limit_args or Manner()

        async def call() -> Any:
            if manner.begin is not None:
                await manner.begin()
            return await callback(*args, **kwargs)

        if manner.passing:
            return await self._pass(chat_id, call)
        return await self._insist(chat_id, call, tries=1 if manner.begin is not None else TRIES)

    async def _pass(self, chat_id: int | str, call: Call) -> Any:
        limiters = self._limiters(chat_id)
        if self._pause(chat_id) > 0 or not all(_has_room(limiter) for limiter in limiters):
            raise Dropped
        try:
            return await self._within(limiters, call)
        except RetryAfter as error:
            self._pause_for(chat_id, error)
            raise

    async def _insist(self, chat_id: int | str, call: Call, *, tries: int) -> Any:
        for remaining in reversed(range(tries)):
            await asyncio.sleep(self._pause(chat_id))
            try:
                return await self._within(self._limiters(chat_id), call)
            except RetryAfter as error:
                self._pause_for(chat_id, error)
                if not remaining:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _within(self, limiters: tuple[AsyncLimiter, ...], call: Call) -> Any:
        for limiter in limiters:
            await limiter.acquire()
        return await call()

    def _limiters(self, chat_id: int | str) -> tuple[AsyncLimiter, ...]:
        """Those of the chat, the narrowest first; a call without a chat (an answer to a press) has none."""
        if chat_id == "":
            return ()
        if chat_id not in self._chats:
            self._forget_idle_chats()
            # A chat given by name is a channel or a group; PTB's own limiter treats it so too.
            is_group = isinstance(chat_id, str) or chat_id < 0
            group = (AsyncLimiter(GROUP_MESSAGES, GROUP_SECONDS),) if is_group else ()
            self._chats[chat_id] = (*group, AsyncLimiter(CHAT_BURST, CHAT_SECONDS), self._overall)
        return self._chats[chat_id]

    def _pause(self, chat_id: int | str) -> float:
        """Seconds until the chat may be spoken to again after a 429."""
        return max(0.0, self._paused_until.get(chat_id, 0.0) - asyncio.get_running_loop().time())

    def _pause_for(self, chat_id: int | str, error: RetryAfter) -> None:
        until = asyncio.get_running_loop().time() + retry_after_seconds(error)
        self._paused_until[chat_id] = max(until, self._paused_until.get(chat_id, 0.0))

    def _forget_idle_chats(self) -> None:
        if len(self._chats) < MANY_CHATS:
            return
        for chat_id, limiters in list(self._chats.items()):
            rested = all(limiter.has_capacity(limiter.max_rate) for limiter in limiters[:-1])
            if rested and not self._pause(chat_id):
                del self._chats[chat_id]
                self._paused_until.pop(chat_id, None)


def retry_after_seconds(error: RetryAfter) -> float:
    """How long Telegram asks us to wait, and a little more, because its clock is not ours."""
    # The public property warns about its change to timedelta; PTB's own limiter reads this field too.
    return error._retry_after.total_seconds() + 0.1  # noqa: SLF001


def _has_room(limiter: AsyncLimiter) -> bool:
    reserve = GROUP_RESERVE if limiter.time_period == GROUP_SECONDS else 0.0
    return limiter.has_capacity(1 + reserve)
