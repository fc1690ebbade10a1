"""A fleet on many machines, through Ray: the same interface as `engine.fleet.local`, over a driver in a supervised child.

Photos go out and labelled clips come back over Ray; the signing key never leaves the engine. The ledger decides what
is tried again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self, assert_never

import msgspec

from engine import logs
from engine.children import Child, ChildGone, Kept, in_background
from engine.errors import (
    ConfigError,
    MachineLost,
    PoorClip,
    RenderCanceled,
    RenderFailed,
    WorkerDied,
    WorkerHung,
)
from engine.fleet import Canceled, Done, Failed, OnProgress, Progress, RenderOrder, WorkerSettings
from engine.fleet.cluster_words import Away, Drop, FromDriver, Idle, Join, Joined, Lost, Sent, Stop, Word
from engine.fleet.local import Deadlines, say_doing
from engine.media.clip import LabeledClip

_JOIN_SECONDS = 60.0
_HEAD_LOST_SECONDS = 10
"""How long Ray looks for a head that is gone before it ends the driver."""

log = logs.get(__name__)


class ClusterWorker:
    """A slot that is kept for one job."""

    def __init__(self, fleet: ClusterFleet, slot: int) -> None:
        self._fleet = fleet
        self.slot = slot
        self.used = False

    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip:
        """Raises WorkerDied, MachineLost, WorkerHung, RenderFailed or RenderCanceled."""
        self.used = True
        return await self._fleet.render_in(self.slot, order, on_progress=on_progress)


class _Sending:
    """An order on its way, what its worker said, and whether it is to be stopped."""

    def __init__(self, order: RenderOrder) -> None:
        self.order = order
        self.words: asyncio.Queue[Word] = asyncio.Queue()
        self.stopping: asyncio.Task[None] | None = None


class ClusterFleet:
    """Use it as an async context manager. `workers` is how many there may be at most; they come as machines join.

    `gpus` is what each takes of a machine's GPUs, `module` what runs in it, `driver` the child that speaks Ray.
    """

    def __init__(
        self,
        *,
        address: str,
        token_file: Path,
        settings: WorkerSettings,
        workers: int,
        gpus: float = 1.0,
        deadlines: Deadlines | None = None,
        module: str = "engine.fleet.worker",
        driver: str = "engine.fleet.driver",
    ) -> None:
        self._join = Join(address=address, settings=settings, workers=workers, gpus=gpus, module=module)
        self._token_file = token_file
        self._driver = driver
        self._deadlines = deadlines or Deadlines()
        self._kept = Kept(self._start, name="cluster")
        self._numbers = itertools.count(1)
        self._sendings: dict[int, _Sending] = {}
        self._up: set[int] = set()
        self._idle: set[int] = set()
        self._news = asyncio.Event()
        """Rings when a worker became idle."""
        self._hearing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._kept.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._kept.__aexit__()
        if self._hearing is not None:
            await asyncio.wait([self._hearing])

    @property
    def workers(self) -> int:
        return self._join.workers

    @property
    def busy(self) -> int:
        return len(self._sendings)

    @property
    def warm(self) -> int:
        """Workers that are up, idle or not."""
        return len(self._up)

    @property
    def ready(self) -> bool:
        return bool(self._up)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[ClusterWorker]:
        """Wait for a warm, idle worker and keep it for the block."""
        while not self._idle:
            self._news.clear()
            await self._news.wait()
        slot = min(self._idle)
        self._idle.discard(slot)
        worker = ClusterWorker(self, slot)
        try:
            yield worker
        finally:
            if not worker.used and slot in self._up:
                self._offer(slot)

    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip:
        """With the next free worker. Raises what `ClusterWorker.render` raises."""
        async with self.worker() as worker:
            return await worker.render(order, on_progress=on_progress)

    async def cancel(self, job_id: str) -> None:
        """Stop this job if it renders now; its `render` raises RenderCanceled. Nothing happens otherwise."""
        for number, sending in self._sendings.items():
            if sending.order.job_id == job_id and sending.stopping is None:
                sending.stopping = in_background(self._stop(number), name="cancel")

    async def render_in(self, slot: int, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip:
        number, sending = next(self._numbers), _Sending(order)
        self._sendings[number] = sending
        ended = False
        try:
            photo = await asyncio.to_thread(order.photo_path.read_bytes)
            await self._say(Sent(number=number, slot=slot, order=order, photo=photo))
            word = await self._last_word(sending, on_progress)
            ended = True
            return await self._settle(word, sending)
        except (TimeoutError, ChildGone) as error:
            if sending.stopping is not None:
                raise RenderCanceled from error
            raise (WorkerHung if isinstance(error, TimeoutError) else MachineLost) from error
        finally:
            if sending.stopping is not None:
                sending.stopping.cancel()
            del self._sendings[number]
            if not ended:
                in_background(self._drop(number), name="drop")

    async def _last_word(self, sending: _Sending, on_progress: OnProgress) -> Word:
        seconds = self._deadlines.first_step
        while True:
            async with asyncio.timeout(seconds):
                word = await sending.words.get()
            if not isinstance(word.message, Progress):
                return word
            on_progress(say_doing(word.message))
            seconds = self._deadlines.step

    async def _settle(self, word: Word, sending: _Sending) -> LabeledClip:
        """A cancel beats whatever came after it."""
        message = word.message
        assert not isinstance(message, Progress)
        if sending.stopping is not None:
            raise RenderCanceled
        match message:
            case Done(clip):
                return await asyncio.to_thread(self._keep, clip, word.content, sending.order)
            case Failed(place=place, poisoned=poisoned, poor=poor):
                job_id = sending.order.job_id
                log.warning("render failed", job_id=job_id, place=place, poisoned=poisoned, poor=poor)
                raise PoorClip(place) if poor else RenderFailed(place)
            case Lost(machine):
                raise MachineLost if machine else WorkerDied
            case Canceled():
                raise RenderCanceled
            case _:
                assert_never(message)

    def _keep(self, clip: LabeledClip, content: bytes, order: RenderOrder) -> LabeledClip:
        """The clip under its name in our work folder, whole and synced."""
        work = self._join.settings.work
        unfinished = work / order.unfinished_name
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return dataclasses.replace(clip, path=unfinished.rename(work / order.clip_name))

    async def _stop(self, number: int) -> None:
        try:
            await self._say(Stop(number))
            await asyncio.sleep(self._deadlines.cancel)
            log.warning("worker ignored a cancel")
            await self._say(Drop(number))
        except ChildGone:
            return  # `render_in` hears of it as well

    async def _drop(self, number: int) -> None:
        try:
            await self._say(Drop(number))
        except ChildGone:
            return

    async def _say(self, message: msgspec.Struct) -> None:
        """Raises ChildGone; never waits for a driver that is not there."""
        child = self._kept.child
        if child is None or not child.alive:
            raise ChildGone("cluster", None)
        await child.send(message)

    def _offer(self, slot: int) -> None:
        self._idle.add(slot)
        self._news.set()

    async def _start(self) -> Child:
        if not self._token_file.exists():
            raise ConfigError("[cluster] token_file is missing: python -m engine cluster head makes it")
        environment = {
            **RAY_ENVIRONMENT,
            "RAY_AUTH_TOKEN_PATH": str(self._token_file),
            "RAY_gcs_rpc_server_reconnect_timeout_s": str(_HEAD_LOST_SECONDS),
        }
        child = await Child.start(self._driver, name="cluster", environment=environment)
        await child.ask(self._join, Joined, seconds=_JOIN_SECONDS)
        log.info("cluster joined", address=self._join.address)
        self._hearing = in_background(self._hear(child), name="cluster")
        return child

    async def _hear(self, child: Child) -> None:
        """Give every word to the order that it is about, until the driver is gone: then everything is."""
        try:
            while True:
                message: FromDriver = await child.receive(FromDriver)
                match message:
                    case Idle(slot):
                        self._up.add(slot)
                        self._offer(slot)
                    case Away(slot, sentence):
                        self._up.discard(slot)
                        self._idle.discard(slot)
                        if sentence:
                            log.error("worker of the cluster cannot be used", reason=sentence)
                    case Word():
                        if message.number in self._sendings:
                            self._sendings[message.number].words.put_nowait(message)
        except ChildGone:
            self._up.clear()
            self._idle.clear()
            for number, sending in self._sendings.items():
                sending.words.put_nowait(Word(number=number, message=Lost(machine=True)))


RAY_ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
"""Whoever is in the cluster runs code on all of it: never without a token. And nothing is told to Ray's makers."""
