"""Brings jobs to workers, and their ends into the ledger; knows what every running job is doing now."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import statistics
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine import logs
from engine.errors import Fault, RenderCanceled
from engine.fleet import RenderOrder
from engine.ledger import Job, JobRow, Ledger
from engine.media.clip import LabeledClip
from engine.metrics import Metrics
from engine.pipeline import End, OnProgress, Shop, make_clip
from engine.schema import JobStatus, JobView, Step
from engine.verdicts import Refusal

log = logs.get(__name__)

FIRST_GUESS_SECONDS = 12.0
"""How long a clip takes, until the first ones were measured."""

_IDLE_LOOK_SECONDS = 5.0
"""A claim is tried at least this often, whatever happens to the bell."""

_SWEEP_SECONDS = 60.0


class ReservedWorker(Protocol):
    """A worker that is kept for one job."""

    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip: ...


class Fleet(Protocol):
    """Where rendering runs: `engine.fleet.local.LocalFleet`, or a cluster."""

    @property
    def workers(self) -> int: ...
    @property
    def ready(self) -> bool: ...
    def worker(self) -> contextlib.AbstractAsyncContextManager[ReservedWorker]: ...
    async def render(self, order: RenderOrder, *, on_progress: OnProgress) -> LabeledClip: ...
    async def cancel(self, job_id: str) -> None: ...


class Bell:
    """Wakes everybody who waits for something new."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Returns at the next ring, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)


@dataclass(slots=True)
class Running:
    """What a job is doing now; kept in memory only."""

    began: float
    step: Step = Step.RENDERING
    fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds that clips, prompts and ids are kept."""

    clip: float
    prompt: float
    ids: float


@dataclass(slots=True)
class Dispatcher:
    """Use `serving()` around the engine's life. `clock` is monotonic seconds."""

    ledger: Ledger
    fleet: Fleet
    shop: Shop
    metrics: Metrics
    retention: Retention
    work: Path
    renderer: str = "scene"
    clock: Callable[[], float] = time.monotonic
    news: Bell = field(default_factory=Bell)
    """Rings when an outcome is there."""
    work_to_do: Bell = field(default_factory=Bell)
    """Rings when a job could be claimed."""
    accepting: bool = True
    _running: dict[str, Running] = field(default_factory=dict)
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    _completing: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self, *, drain_seconds: float) -> AsyncIterator[None]:
        """Claim and run jobs inside the block; at its end wait for what runs, the rest is put back at the next start."""
        self.sweep_files()
        loops = [asyncio.create_task(self._serve()) for _ in range(self.fleet.workers)]
        loops.append(asyncio.create_task(self._sweep_now_and_then()))
        try:
            yield
        finally:
            self.accepting = False
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            if self._completing:
                await asyncio.wait(self._completing, timeout=drain_seconds)
            for task in self._completing:
                task.cancel()
            await asyncio.gather(*self._completing, return_exceptions=True)

    @property
    def typical_seconds(self) -> float:
        return statistics.median(self._durations) if self._durations else FIRST_GUESS_SECONDS

    def view(self, row: JobRow) -> JobView:
        """The job as its requester may see it."""
        running = self._running.get(row.job_id)
        return JobView(
            job_id=row.job_id,
            status=row.status,
            place=None if row.ahead is None else row.ahead + 1,
            expected_seconds=self._expected(row, running),
            step=Step.WAITING if running is None else running.step,
            fraction=0.0 if running is None else running.fraction,
            outcome=row.outcome,
        )

    async def cancel(self, job_id: str) -> None:
        """Raises NotFound. A running job stops soon; it can no longer end as anything else."""
        status = await self.ledger.write(lambda verbs: verbs.cancel(job_id))
        if status is JobStatus.RUNNING:
            await self.fleet.cancel(job_id)
        self._tell_ended(job_id, status)

    def sweep_files(self) -> None:
        """Remove files that no row names: what a crash left between a file and its row."""
        photos, clips = self.ledger.files_in_use()
        _sweep(self.shop.photos, keep={f"{name}.jpg" for name in photos})
        _sweep(self.shop.clips, keep={f"{name}.mp4" for name in clips})
        _sweep(self.work, keep=set())

    async def sweep(self) -> None:
        """Forget what is past its time."""
        kept = self.retention
        clips = await self.ledger.write(
            lambda verbs: verbs.sweep(
                clip_ms=int(kept.clip * 1000), prompt_ms=int(kept.prompt * 1000), id_ms=int(kept.ids * 1000)
            )
        )
        for clip in clips:
            self.shop.clip_path(clip).unlink(missing_ok=True)

    def _expected(self, row: JobRow, running: Running | None) -> float | None:
        if running is not None:
            return max(1.0, self.typical_seconds - (self.clock() - running.began))
        if row.ahead is None:
            return None
        return self.typical_seconds * (row.ahead // max(1, self.fleet.workers) + 1)

    async def _serve(self) -> None:
        """One worker's day: claim, render, hand the clip over to be checked and signed while the next one renders."""
        while True:
            async with AsyncExitStack() as reserved:
                worker = await reserved.enter_async_context(self.fleet.worker())
                job = await self._next_job()
                rendered = asyncio.Event()
                task = asyncio.create_task(self._run(job, worker, rendered))
                self._completing.add(task)
                task.add_done_callback(self._completing.discard)
                await rendered.wait()

    async def _next_job(self) -> Job:
        while True:
            job = await self.ledger.write(lambda verbs: verbs.claim())
            if job is not None:
                return job
            await self.work_to_do.wait(_IDLE_LOOK_SECONDS)

    async def _run(self, job: Job, worker: ReservedWorker, rendered: asyncio.Event) -> None:
        job_id = job.request.job_id
        state = self._running[job_id] = Running(began=self.clock())

        def tell(step: Step, fraction: float) -> None:
            state.step, state.fraction = step, fraction

        async def first(order: RenderOrder) -> LabeledClip:
            try:
                row = self.ledger.row(job_id)
                if row is None or row.cancel:  # canceled between claim and here
                    raise RenderCanceled
                return await worker.render(order, on_progress=tell)
            finally:
                rendered.set()

        async def again(order: RenderOrder) -> LabeledClip:
            return await self.fleet.render(order, on_progress=tell)

        try:
            end = await make_clip(job, self.shop, first=first, again=again, tell=tell)
            await self._finish(job, end, seconds=self.clock() - state.began)
        except RenderCanceled:
            status = await self.ledger.write(lambda verbs: verbs.canceled(job_id, job.attempt))
            self._tell_ended(job_id, status)
        except Exception:
            # Not a Fault: a mistake of ours. The job ends honestly instead of running for ever.
            log.exception("job broke", job_id=job_id)
            await self._finish(job, End(Fault("unexpected")), seconds=self.clock() - state.began)
        finally:
            rendered.set()
            self._running.pop(job_id, None)
            self._forget_photo_of(job)
            self.work_to_do.ring()

    async def _finish(self, job: Job, end: End, *, seconds: float) -> None:
        job_id = job.request.job_id
        status = await self.ledger.write(
            lambda verbs: verbs.finish(job_id, job.attempt, end.result, end.decisions)
        )
        match end.result:
            case Fault() as fault:
                self.metrics.faults.labels(cause=fault.cause.value).inc()
            case Refusal() as refusal:
                self.metrics.refusals.labels(stage="clip", reason=refusal.reason.value).inc()
            case _:
                self._durations.append(seconds)
                self.metrics.clip_seconds.observe(seconds)
        log.info("job finished", job_id=job_id, status=status, attempt=job.attempt, seconds=round(seconds, 2))
        self._tell_ended(job_id, status)

    def _tell_ended(self, job_id: str, status: JobStatus | None) -> None:
        if status is None or status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.HELD}:
            return
        row = self.ledger.row(job_id)
        if row is not None and row.accepted:
            self.metrics.ended.labels(status=status.value).inc()
        self.news.ring()
        self.work_to_do.ring()

    def _forget_photo_of(self, job: Job) -> None:
        """The photo goes when no open job needs it."""
        photos, _ = self.ledger.files_in_use()
        if job.photo not in photos:
            self.shop.photo_path(job.photo).unlink(missing_ok=True)

    async def _sweep_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.sweep()


def enough_disk(folder: Path, *, megabytes: int) -> bool:
    """Free space is above what the operator wants to keep free."""
    return shutil.disk_usage(folder).free >= megabytes * 1_000_000


def _sweep(folder: Path, *, keep: set[str]) -> None:
    for path in folder.iterdir():
        if path.is_file() and path.name not in keep:
            path.unlink(missing_ok=True)
