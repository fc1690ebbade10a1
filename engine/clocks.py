"""Whether the wall clock can be believed: what is thrown away by age must not go because a clock was set wrong."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine import logs

LEAP_SECONDS = 3600.0
"""Summer time, a slow NTP, a leap second: all below or at it."""

DOUBT_SECONDS = 86_400.0
"""So long after a leap nothing is thrown away; then the clock is believed, however it got there."""

log = logs.get(__name__)


def boot_seconds() -> float:
    """Since the machine started, its sleep included; nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ClockWatch:
    """Compares the wall clock with one that cannot be set. Ask it before anything is forgotten by age."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = boot_seconds
    ) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()
        self._doubted_until = float("-inf")

    def believed(self) -> bool:
        """False for a day after the clock leapt by more than an hour, in either direction."""
        apart, now = self._wall() - self._steady(), self._steady()
        if abs(apart - self._apart) > LEAP_SECONDS:
            log.error("the clock leapt: nothing is forgotten for a day", seconds=round(apart - self._apart))
            self._doubted_until = now + DOUBT_SECONDS
        self._apart = apart
        return now >= self._doubted_until
