"""Keeps one child alive: started again whenever it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self

from engine import logs
from engine.children.child import Child, ChildGone
from engine.children.inside import error_place
from engine.errors import ConfigError

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0

log = logs.get(__name__)


class Kept:
    """A child that is started again whenever it ends, after growing pauses while it cannot start.

    `start` returns a child that is warm. What it may raise for a child that is not: ChildGone, TimeoutError,
    OSError, or ConfigError, whose message tells the operator what to change.
    """

    def __init__(self, start: Callable[[], Awaitable[Child]], *, name: str) -> None:
        self._start = start
        self._name = name
        self._child: Child | None = None
        self._warm = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = in_background(self._keep(), name=self._name)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._keeping is not None
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        if self._child is not None:
            await self._child.close()

    @property
    def child(self) -> Child | None:
        """The one that is there; it may have ended already."""
        return self._child

    @property
    def ready(self) -> bool:
        return self._child is not None and self._child.alive

    async def renew(self) -> None:
        """End the child that is there, and wait for the next one. Its user must not be asking it."""
        child, self._child = self._child, None
        self._warm.clear()
        if child is not None:
            await child.close()
        await self.warm_child()

    async def warm_child(self) -> Child:
        """Wait for a child that is up and warm; forever, while it cannot start."""
        while True:
            await self._warm.wait()
            if self._child is not None and self._child.alive:
                return self._child
            self._warm.clear()

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                self._child = await self._start()
            except (ChildGone, TimeoutError, OSError, ConfigError) as error:
                reason = str(error) if isinstance(error, ConfigError) else type(error).__name__
                # no traceback: a failed start repeats, and its reason says all that is known
                log.error("child did not start", child=self._name, reason=reason, again_in_seconds=pause)  # noqa: TRY400
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._warm.set()
                await self._child.ended()
                self._warm.clear()
                pause = _FIRST_PAUSE_SECONDS


def in_background(work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    """A task whose unexpected end is logged at once; asyncio says so only when the task is forgotten."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("background work ended", work=name, place=error_place(error))

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    return task
