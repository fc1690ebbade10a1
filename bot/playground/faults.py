"""What can go wrong between the bot and Telegram, switched on from outside."""

from __future__ import annotations

import random
import time
from collections import deque

import msgspec

from bot.playground.errors import ApiError

GROUP_MESSAGES = 20
GROUP_SECONDS = 60.0
"""About this many messages in this time reach one group; then 429 (core.telegram.org/bots/faq)."""

STANDARD = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
"""What Telegram says with a code, where the fault does not say it."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong.

    `method` is a Bot API method, "download" for file downloads, or "*". `delay`: seconds before anything.
    With `after` the call takes effect first. Then: `code` answers with an error, `drop` closes the connection,
    and `after` alone holds the answer for `hold` seconds: delivered, but the bot sees a time-out.
    `times` is how often (None: until cleared), after letting `skip` matching calls pass; `rate` is a probability.
    """

    method: str = "*"
    code: int | None = None
    description: str | None = None
    retry_after: int | None = None
    migrate_to: int | None = None
    times: int | None = 1
    skip: int = 0
    rate: float = 1.0
    delay: float = 0.0
    after: bool = False
    hold: float = 60.0
    drop: bool = False

    def error(self) -> ApiError | None:
        """The answer that the bot gets instead of its result, if there is one."""
        if self.code is None:
            return None
        standard = STANDARD.get(self.code, "Internal Server Error")
        if self.code == 429:
            standard = f"Too Many Requests: retry after {self.retry_after or 1}"
        retry_after = (self.retry_after or 1) if self.code == 429 else None
        return ApiError(
            self.code, self.description or standard, retry_after=retry_after, migrate_to=self.migrate_to
        )


class Faults:
    """The faults that are switched on, oldest first; the first one that matches a call strikes."""

    def __init__(self, *, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a repeatable trouble-maker, nothing secret
        self._on: list[tuple[Fault, list[int]]] = []
        self.outage = False

    @property
    def on(self) -> list[Fault]:
        return [fault for fault, _ in self._on]

    def add(self, fault: Fault) -> None:
        self._on.append((fault, [fault.skip, -1 if fault.times is None else fault.times]))

    def clear(self) -> None:
        self._on.clear()
        self.outage = False

    def strike(self, method: str) -> Fault | None:
        """The fault that this call meets, counted."""
        if self.outage:
            return Fault(method="*", drop=True)
        for entry in self._on:
            fault, left = entry
            if fault.method.lower() not in {"*", method.lower()}:
                continue
            if left[0] > 0:
                left[0] -= 1
                continue
            if self._random.random() >= fault.rate:
                continue
            left[1] -= 1
            if left[1] == 0:
                self._on.remove(entry)
            return fault
        return None


class GroupPace:
    """Telegram's limit for one group, on a sliding minute."""

    def __init__(self) -> None:
        self.on = True
        self._sent: dict[int, deque[float]] = {}

    def count(self, chat_id: int) -> None:
        """One more message into this group. Raises ApiError 429 when that is too many."""
        now = time.monotonic()
        sent = self._sent.setdefault(chat_id, deque())
        while sent and now - sent[0] > GROUP_SECONDS:
            sent.popleft()
        if len(sent) >= GROUP_MESSAGES:
            wait = int(GROUP_SECONDS - (now - sent[0])) + 1
            raise ApiError(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        sent.append(now)
