"""How often somebody may ask for something that costs us much more than them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Pace:
    """At most `most` times within `seconds` for each key. Kept in memory: a restart forgives."""

    def __init__(self, *, most: int, seconds: float, now: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._asked: dict[str, deque[float]] = {}

    def admits(self, key: str) -> bool:
        """Whether it may be now; what is admitted counts."""
        self._forget()
        asked = self._asked.setdefault(key, deque())
        if len(asked) >= self._most:
            return False
        asked.append(self._now())
        return True

    def _forget(self) -> None:
        """Nobody is remembered longer than it takes."""
        limit = self._now() - self._seconds
        for key, asked in list(self._asked.items()):
            while asked and asked[0] <= limit:
                asked.popleft()
            if not asked:
                del self._asked[key]
