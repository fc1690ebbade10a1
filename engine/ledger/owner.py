"""One process owns a ledger; the kernel says which."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.errors import ConfigError


def own(path: Path) -> int:
    """The kernel drops this lock when the process dies: no stale locks. Raises ConfigError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigError(
            "another engine already runs on this data folder: stop it first, or set another `data`"
        ) from error
    return descriptor
