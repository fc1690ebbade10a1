"""One engine for all journeys, and a town of its own for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from town import Town, Workshop, a_town, running_engine, short_folder

from engine.config import ClipTable, EngineConfig, EngineTable, LimitsTable


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The engine starts once for all journeys, so they share its event loop."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def workshop() -> AsyncIterator[Workshop]:
    """Makes a clip in about a second."""
    with short_folder() as data:
        config = EngineConfig(
            data=data,
            clip=ClipTable(short_side=96, seconds=0.5, frames_per_second=12),
            engine=EngineTable(free_disk_megabytes=1),
            limits=LimitsTable(refusals=0),  # the stories of one person are told within minutes
        )
        async with running_engine(config) as workshop:
            yield workshop


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def slow_workshop() -> AsyncIterator[Workshop]:
    """Takes many seconds for a clip, also on a fast and idle machine, so that others wait; one waiting clip a person."""
    with short_folder() as data:
        config = EngineConfig(
            data=data,
            clip=ClipTable(short_side=240, seconds=60, frames_per_second=60),
            limits=LimitsTable(queued_per_requester=1, running_per_requester=1),
            engine=EngineTable(free_disk_megabytes=1, drain_seconds=1),
        )
        async with running_engine(config) as workshop:
            yield workshop


@pytest_asyncio.fixture(loop_scope="session")
async def town(tmp_path: Path, workshop: Workshop) -> AsyncIterator[Town]:
    async with a_town(tmp_path, workshop) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="session")
async def busy_town(tmp_path: Path, slow_workshop: Workshop) -> AsyncIterator[Town]:
    """A town behind the slow workshop."""
    async with a_town(tmp_path, slow_workshop) as town:
        yield town
