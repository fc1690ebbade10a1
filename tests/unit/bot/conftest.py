"""What the bot's tests share: a clock that stands still until told, and a store in a fresh file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.database import Database
from bot.store import SqliteStore


class Clock:
    """Unix seconds that only a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "bot.sqlite") as opened:
        yield opened


@pytest.fixture
def store(database: Database, clock: Clock) -> SqliteStore:
    return SqliteStore(database, now=clock)
