"""The log of what the bot called: what Telegram saw."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from typing import Any

from bot.playground.forms import Form, Upload

KEPT = 20_000
"""A getUpdates that brought nothing is not kept, so that these are many hours."""


class Calls:
    """Bot API calls in the order of their answers."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, method: str, form: Form, *, status: int, answer: Any, seconds: float) -> None:
        """Note one call. `status` 0 means that the connection was closed without an answer."""
        if method == "getUpdates" and status == 200 and answer == []:
            return
        self.count += 1
        self._kept.append(
            {
                "n": self.count,
                "at": time.time(),
                "method": method,
                "params": dict(form.values),
                "files": {name: _told(upload) for name, upload in form.uploads.items()},
                "status": status,
                "answer": answer,
                "seconds": round(seconds, 4),
            }
        )

    def after(self, number: int, *, method: str | None = None) -> list[dict[str, Any]]:
        """Calls with a higher number, all or of one method."""
        return [
            call
            for call in self._kept
            if call["n"] > number and method in {None, call["method"], call["method"].lower()}
        ]


def _told(upload: Upload) -> dict[str, Any]:
    """What is kept of a file: enough to know it again."""
    return {
        "filename": upload.name,
        "mime": upload.mime,
        "size": len(upload.data),
        "sha256": hashlib.sha256(upload.data).hexdigest(),
    }
