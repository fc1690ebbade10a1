"""A fleet on this machine: one warm worker process per device, watched, killed when it hangs, and replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, assert_never

from engine import logs
from engine.children import Child, ChildGone, Kept, Sandbox, in_background
from engine.config import RendererTable
from engine.errors import ConfigError, PoorClip, RenderCanceled, RenderFailed, WorkerDied, WorkerHung
from engine.fleet import (
    UNFINISHED,
    Cancel,
    Canceled,
    Decoding,
    Doing,
    Done,
    Drawing,
    Encoding,
    Failed,
    FromWorker,
    Loading,
    OnProgress,
    Progress,
    Ready,
    RenderOrder,
    Unusable,
    WorkerSettings,
)
from engine.media.clip import LabeledClip
from engine.schema import Step

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds without progress of a worker's main loop, on the event loop's monotonic clock, until it is killed.

    `first_step` covers looking at the photo; `cancel` is the grace between asking and killing.
    """

    load: float = 300.0
    first_step: float = 120.0
    step: float = 60.0
    cancel: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recycling:
    """When a worker is replaced between two jobs, as an insurance against leaks."""

    after_jobs: int = 50
    above_bytes: int = 6 * 2**30


class Worker:
    """One device's worker. Reserve it with `LocalFleet.worker`; it renders one order at a time."""

    def __init__(self, kept: Kept, *, work: Path, deadlines: Deadlines, recycling: Recycling) -> None:
        self.kept = kept
        self._work = work
        self._deadlines = deadlines
        self._recycling = recycling
        self._child: Child | None = None
        self._served = 0
        self._order: RenderOrder | None = None
        self._canceling: asyncio.Task[None] | None = None

    @property
    def job_id(self) -> str | None:
        """The job that it renders now."""
        return None if self._order is None else self._order.job_id

    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip:
        """Raises WorkerDied, WorkerHung, RenderFailed or RenderCanceled.

        When the waiting is cancelled, the worker is killed: nobody would take its clip.
        """
        assert self._order is None, "a worker renders one order at a time"
        self._order = order
        try:
            if not self.kept.ready:
                on_progress(Doing(Step.LOADING))
            child = await self._fresh_child()
            return await self._until_done(child, order, on_progress)
        finally:
            if self._canceling is not None:
                self._canceling.cancel()
            self._order = self._canceling = None
            (self._work / order.unfinished_name).unlink(missing_ok=True)  # what a killed worker left

    def cancel(self) -> None:
        """Ask the worker to stop before its next frame, and kill it when it has not within the grace."""
        if self._canceling is None:
            self._canceling = in_background(self._stop(), name="cancel")

    async def recycle(self) -> None:
        """Between two jobs: a worker that served long or grew large makes room for a new one."""
        child = self._child
        if child is not None and (
            self._served >= self._recycling.after_jobs or child.resident_bytes > self._recycling.above_bytes
        ):
            log.info("worker recycled", jobs=self._served, resident_bytes=child.resident_bytes)
            await child.close()

    async def _fresh_child(self) -> Child:
        child = await self.kept.warm_child()
        if child is not self._child:
            self._child, self._served = child, 0
        self._served += 1
        return child

    async def _until_done(self, child: Child, order: RenderOrder, on_progress: OnProgress) -> LabeledClip:
        try:
            return await self._settle(child, await self._listen(child, order, on_progress))
        except (ChildGone, TimeoutError) as error:
            if self._canceling is not None:
                raise RenderCanceled from error
            raise (WorkerDied if isinstance(error, ChildGone) else WorkerHung) from error

    async def _listen(
        self, child: Child, order: RenderOrder, on_progress: OnProgress
    ) -> Done | Failed | Canceled:
        """The worker's last word on the order. Every message is its main loop's; silence ends in TimeoutError."""
        if self._canceling is not None:
            return Canceled()
        try:
            message: FromWorker = await child.ask(order, FromWorker, seconds=self._deadlines.first_step)
            while isinstance(message, Progress):
                on_progress(say_doing(message))
                message = await child.ask(None, FromWorker, seconds=self._deadlines.step)
        except BaseException:
            await child.kill()  # it may be at work still; the next order must not meet it there
            raise
        return message

    async def _settle(self, child: Child, message: Done | Failed | Canceled) -> LabeledClip:
        """A cancel beats whatever came after it."""
        match message:
            case Done(clip):
                if self._canceling is None:
                    return clip
                clip.path.unlink(missing_ok=True)
            case Failed(place=place, poisoned=poisoned, poor=poor):
                log.warning("render failed", job_id=self.job_id, place=place, poisoned=poisoned, poor=poor)
                if poisoned:
                    await child.kill()
                if self._canceling is None:
                    raise PoorClip(place) if poor else RenderFailed(place)
            case Canceled():
                pass
            case _:
                assert_never(message)
        raise RenderCanceled

    async def _stop(self) -> None:
        child, job_id = self._child, self.job_id
        if child is None or job_id is None:
            return  # the order was not sent yet; `_listen` looks before it sends
        with contextlib.suppress(ChildGone):  # `render` hears of it as well
            await child.send(Cancel(job_id=job_id))
        await asyncio.sleep(self._deadlines.cancel)
        log.warning("worker ignored a cancel", job_id=job_id)
        await child.kill()


class LocalFleet:
    """Use it as an async context manager: workers warm up in the background, and end with the block.

    `module` is what runs in a worker: `engine.fleet.worker`, or another module with a `main(link)` that speaks
    the messages of `engine.fleet`.
    """

    def __init__(
        self,
        *,
        renderer: str,
        models: Path,
        work: Path,
        options: RendererTable = RendererTable(),  # noqa: B008  # frozen
        devices: int = 1,
        deadlines: Deadlines | None = None,
        recycling: Recycling | None = None,
        module: str = "engine.fleet.worker",
        sandbox: Sandbox | None = None,
    ) -> None:
        self._settings = WorkerSettings(renderer=renderer, models=models, work=work, options=options)
        self._work = work
        self._module = module
        self._sandbox = sandbox
        self._deadlines = deadlines or Deadlines()
        self._workers = [
            Worker(
                Kept(partial(self._start, device), name="worker"),
                work=work,
                deadlines=self._deadlines,
                recycling=recycling or Recycling(),
            )
            for device in _device_names(devices)
        ]
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._offering: set[asyncio.Task[None]] = set()
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._work.mkdir(parents=True, exist_ok=True)
        for orphan in self._work.glob(f"{UNFINISHED}*"):
            orphan.unlink()
        for worker in self._workers:
            await self._running.enter_async_context(worker.kept)
            self._offer(worker)
        return self

    async def __aexit__(self, *_: object) -> None:
        for offering in self._offering:
            offering.cancel()
        await self._running.aclose()

    @property
    def workers(self) -> int:
        return len(self._workers)

    @property
    def busy(self) -> int:
        return sum(worker.job_id is not None for worker in self._workers)

    @property
    def ready(self) -> bool:
        """At least one worker is warm."""
        return any(worker.kept.ready for worker in self._workers)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Worker]:
        """Wait for a warm, idle worker and keep it for the block: a job claimed inside does not wait again."""
        worker = await self._idle.get()
        try:
            yield worker
        finally:
            self._offer(worker)

    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip:
        """With the next free worker. Raises WorkerDied, WorkerHung, RenderFailed or RenderCanceled."""
        async with self.worker() as worker:
            return await worker.render(order, on_progress=on_progress)

    async def cancel(self, job_id: str) -> None:
        """Stop this job if it renders now; its `render` raises RenderCanceled. Nothing happens otherwise."""
        for worker in self._workers:
            if worker.job_id == job_id:
                worker.cancel()

    def _offer(self, worker: Worker) -> None:
        """Put a worker back among the idle ones as soon as it is warm."""
        offering = in_background(self._make_idle(worker), name="worker")
        self._offering.add(offering)
        offering.add_done_callback(self._offering.discard)

    async def _make_idle(self, worker: Worker) -> None:
        await worker.recycle()
        await worker.kept.warm_child()
        self._idle.put_nowait(worker)

    async def _start(self, device: str) -> Child:
        child = await Child.start(
            self._module,
            name="worker",
            environment={"CUDA_VISIBLE_DEVICES": device, "HF_HUB_OFFLINE": "1"},
            sandbox=self._sandbox,
        )
        reply: Loading | Ready | Unusable = await child.ask(
            self._settings, Loading | Ready | Unusable, seconds=self._deadlines.load
        )
        if isinstance(reply, Loading):
            log.info("worker loading", renderer=reply.renderer, device=device)
            reply = await child.ask(None, Ready | Unusable, seconds=self._deadlines.load)
        if isinstance(reply, Unusable):
            await child.close()
            raise ConfigError(reply.sentence)
        log.info("worker warm", renderer=reply.renderer, device=device)
        return child


def say_doing(message: Progress) -> Doing:
    match message:
        case Drawing(fraction, step, steps):
            return Doing(Step.RENDERING, fraction, pass_number=step, passes=steps)
        case Decoding(fraction):
            return Doing(Step.DECODING, fraction)
        case Encoding(fraction):
            return Doing(Step.ENCODING, fraction)
        case _:
            assert_never(message)


def _device_names(count: int) -> list[str]:
    """The first `count` of the GPUs that the engine itself may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(count)]
    return [names[number % len(names)] for number in range(count)]
