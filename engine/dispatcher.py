"""Brings jobs to workers, and their ends into the ledger; knows what every running job is doing now."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import statistics
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from engine import logs, schema
from engine.children import error_place
from engine.clocks import ClockWatch
from engine.errors import Busy, Fault, RenderCanceled
from engine.fleet import Doing, OnProgress, RenderOrder
from engine.ledger import Job, JobRow, Ledger, Verbs
from engine.media.clip import LabeledClip, SignedClip
from engine.metrics import Metrics
from engine.pipeline import End, Render, Shop, make_clip
from engine.schema import JobStatus, JobView, Step
from engine.verdicts import Refusal

log = logs.get(__name__)

FIRST_GUESS_SECONDS = 12.0
"""How long a clip takes, until the first ones were measured."""

DURATIONS_KEPT = 5
"""Their median is what a clip takes: three clips after a change of renderer or machine it is right again."""

_IDLE_LOOK_SECONDS = 5.0
"""A claim is tried at least this often, whatever happens to the bell."""

_SWEEP_SECONDS = 60.0

_ORPHAN_SECONDS = 3600.0
"""A file without a row is an orphan from here on; before, its row may still come."""

_STUMBLED_SECONDS = 1.0
_DISK_SECONDS = 2.0
"""Pauses: after a surprise in a loop of ours, and while the disk does not take an end."""

T = TypeVar("T")


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
            async with asyncio.timeout(seconds):  # not `wait_for`: in Python 3.11 a ring swallows a cancel
                await self._rung.wait()


@dataclass(slots=True)
class Running:
    """What a job is doing now; kept in memory only."""

    began: float
    doing: Doing = field(default_factory=lambda: Doing(Step.RENDERING))


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds that clips, prompts and ids are kept."""

    clip: float
    prompt: float
    ids: float

    @property
    def told(self) -> schema.Retention:
        return schema.Retention(clip_seconds=self.clip, prompt_seconds=self.prompt, id_seconds=self.ids)


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
    watch: ClockWatch = field(default_factory=ClockWatch)
    spare_megabytes: int = 0
    """With less free disk nothing is claimed, and what breaks goes back into the queue: a full disk buries nobody."""
    _running: dict[str, Running] = field(default_factory=dict)
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=DURATIONS_KEPT))
    _completing: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self, *, drain_seconds: float) -> AsyncIterator[None]:
        """Claim and run jobs inside the block; at its end wait for what runs, and put back what does not end in time."""
        self._durations.extend(self.ledger.recent_seconds())
        self.sweep_files(older_than_seconds=0.0)  # nobody writes yet
        loops = [asyncio.create_task(self._forever(self._serve_one)) for _ in range(self.fleet.workers)]
        loops.append(asyncio.create_task(self._forever(self._sweep_later)))
        try:
            yield
        finally:
            self.accepting = False
            for loop in loops:
                loop.cancel()
            if self._completing:
                await asyncio.wait(self._completing, timeout=drain_seconds)
            for task in self._completing:
                task.cancel()
            await asyncio.gather(*loops, *self._completing, return_exceptions=True)

    @property
    def typical_seconds(self) -> float:
        return statistics.median(self._durations) if self._durations else FIRST_GUESS_SECONDS

    def view(self, row: JobRow) -> JobView:
        """The job as its requester may see it."""
        running = self._running.get(row.job_id)
        doing = Doing(Step.WAITING) if running is None else running.doing
        return JobView(
            job_id=row.job_id,
            status=row.status,
            place=None if row.ahead is None else row.ahead + 1,
            expected_seconds=self._expected(row, running),
            step=doing.step,
            fraction=doing.fraction,
            pass_number=doing.pass_number,
            passes=doing.passes,
            outcome=row.outcome,
        )

    async def cancel(self, job_id: str) -> None:
        """Raises NotFound. A running job stops soon; it can no longer end as anything else."""
        status = await self.ledger.write(lambda verbs: verbs.cancel(job_id))
        if status is JobStatus.RUNNING:  # its attempt forgets the photo
            await self.fleet.cancel(job_id)
        else:
            self._forget_photo(job_id)
        self._tell_ended(job_id, status)

    def sweep_files(self, *, older_than_seconds: float) -> None:
        """Remove files that no row names: what a crash left between a file and its row."""
        photos, clips = self.ledger.files_in_use()
        kept = {
            path.name for name in photos for path in (self.shop.photo_path(name), self.shop.origin_path(name))
        }
        _sweep(self.shop.photos, keep=kept, age=older_than_seconds)
        _sweep(self.shop.clips, keep={f"{name}.mp4" for name in clips}, age=older_than_seconds)
        _sweep(self.work, keep=set(), age=older_than_seconds)

    async def sweep(self) -> None:
        """Forget what is past its time, as far as the clock can be believed."""
        if not self.watch.believed():
            return
        kept = self.retention
        clips = await self.ledger.write(
            lambda verbs: verbs.sweep(
                clip_ms=int(kept.clip * 1000), prompt_ms=int(kept.prompt * 1000), id_ms=int(kept.ids * 1000)
            )
        )
        for clip in clips:
            self.shop.clip_path(clip).unlink(missing_ok=True)
        self.sweep_files(older_than_seconds=_ORPHAN_SECONDS)

    def _expected(self, row: JobRow, running: Running | None) -> float | None:
        """Seconds until the clip: what runs ends, then those ahead, over all workers at once."""
        typical, workers = self.typical_seconds, max(1, self.fleet.workers)
        if running is not None:
            return max(1.0, typical - (self.clock() - running.began))
        if row.ahead is None:
            return None
        left = sum(max(0.1, 1 - (self.clock() - it.began) / typical) for it in self._running.values())
        return typical * (1 + max(0.0, left + row.ahead + 1 - workers) / workers)

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """A loop that ended silently would stop everything: whatever goes wrong once is tried again."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001  # told where; a message could quote a prompt
                log.error("dispatcher stumbled", place=error_place(error))  # noqa: TRY400
                await asyncio.sleep(_STUMBLED_SECONDS)

    async def _serve_one(self) -> None:
        """Claim a job for a free worker, and keep that worker until the job no longer needs it.

        Nothing is reserved while there is nothing to do: a clip that is made again needs a worker too.
        """
        await self._until_claimable()
        async with self.fleet.worker() as worker:
            job = await self.ledger.write(lambda verbs: verbs.claim())
            if job is None:
                return
            rendered = asyncio.Event()
            task = asyncio.create_task(self._run(job, worker, rendered))
            self._completing.add(task)
            task.add_done_callback(self._completing.discard)
            await _even_if_cancelled(rendered)

    async def _until_claimable(self) -> None:
        while self.ledger.paused or not (self.ledger.claimable() and self._has_room()):
            await self.work_to_do.wait(_IDLE_LOOK_SECONDS)

    async def _run(self, job: Job, worker: ReservedWorker, rendered: asyncio.Event) -> None:
        """One attempt, from claim to end. `rendered` is set when the worker is no longer needed."""
        job_id = job.request.job_id
        state = self._running[job_id] = Running(began=self.clock())

        def tell(doing: Doing) -> None:
            state.doing = doing

        async def first(order: RenderOrder) -> LabeledClip:
            try:
                self._stop_if_canceled(job_id)  # between claim and here
                return await worker.render(order, on_progress=tell)
            finally:
                rendered.set()

        async def again(order: RenderOrder) -> LabeledClip:
            self._stop_if_canceled(job_id)
            return await self.fleet.render(order, on_progress=tell)

        try:
            end = await self._attempt(job, first=first, again=again, tell=tell)
            await self._finish(job, end, seconds=self.clock() - state.began)
        except asyncio.CancelledError:
            await self.ledger.write(lambda verbs: verbs.requeue(job_id, job.attempt, why="engine stops"))
            raise
        finally:
            rendered.set()
            self._running.pop(job_id, None)
            self._forget_photo(job.photo)
            self.work_to_do.ring()

    async def _attempt(self, job: Job, *, first: Render, again: Render, tell: OnProgress) -> End | None:
        """None where the job was canceled."""
        try:
            return await make_clip(job, self.shop, first=first, again=again, tell=tell)
        except RenderCanceled:
            return None
        except Exception as error:  # noqa: BLE001  # a mistake of ours: the job ends instead of running for ever
            log.error("job broke", job_id=job.request.job_id, place=error_place(error))  # noqa: TRY400
            return End(Fault("unexpected"))

    def _stop_if_canceled(self, job_id: str) -> None:
        row = self.ledger.row(job_id)
        if row is None or row.cancel:
            raise RenderCanceled

    async def _finish(self, job: Job, end: End | None, *, seconds: float) -> None:
        """Bring the end into the ledger, however long the disk takes; what it does not want is thrown away."""
        job_id, attempt = job.request.job_id, job.attempt
        if end is None:
            status = await self._write(lambda verbs: verbs.canceled(job_id, attempt))
        elif isinstance(end.result, Fault) and not self._has_room():
            log.error("disk full: the job waits", job_id=job_id, cause=end.result.cause.value)
            status = await self._write(lambda verbs: verbs.requeue(job_id, attempt, why="disk full"))
        else:
            status = await self._write(lambda verbs: verbs.finish(job_id, attempt, end.result, end.decisions))
            self._count(end, status, seconds=seconds)
        log.info("job finished", job_id=job_id, status=status, attempt=attempt, seconds=round(seconds, 2))
        self._tell_ended(job_id, status)

    def _has_room(self) -> bool:
        return enough_disk(self.work, megabytes=self.spare_megabytes)

    async def _write(self, verb: Callable[[Verbs], T]) -> T:
        """What must not be lost is tried until it is on disk."""
        while True:
            try:
                return await self.ledger.write(verb)
            except Busy:
                await asyncio.sleep(_DISK_SECONDS)

    def _count(self, end: End, status: JobStatus | None, *, seconds: float) -> None:
        match end.result:
            case Fault() as fault:
                self.metrics.faults.labels(cause=fault.cause.value).inc()
            case Refusal() as refusal:
                self.metrics.refusals.labels(stage="clip", reason=refusal.reason.value).inc()
            case SignedClip() as signed:
                if status is not JobStatus.ANIMATED:  # canceled, or a late attempt
                    signed.path.unlink(missing_ok=True)
                    return
                self._durations.append(seconds)
                self.metrics.clip_seconds.observe(seconds)

    def _tell_ended(self, job_id: str, status: JobStatus | None) -> None:
        if status is None or status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.HELD}:
            return
        row = self.ledger.row(job_id)
        if row is not None and row.accepted:
            self.metrics.ended.labels(status=status.value).inc()
        self.news.ring()
        self.work_to_do.ring()

    def _forget_photo(self, photo: str) -> None:
        """The photo goes when no open job needs it. It is named by its job (`engine.pipeline.keep_photo`)."""
        if not self.ledger.needs_photo(photo):
            self.shop.forget_photo(photo)

    async def _sweep_later(self) -> None:
        await asyncio.sleep(_SWEEP_SECONDS)
        await self.sweep()


def enough_disk(folder: Path, *, megabytes: int) -> bool:
    """Free space is above what the operator wants to keep free."""
    return shutil.disk_usage(folder).free >= megabytes * 1_000_000


async def _even_if_cancelled(event: asyncio.Event) -> None:
    """A worker is given back when it is idle, not before: a stop waits for that too."""
    try:
        await event.wait()
    except asyncio.CancelledError:
        await event.wait()
        raise


def _sweep(folder: Path, *, keep: set[str], age: float) -> None:
    """Files that nobody names; the age, in seconds, spares what is being written right now."""
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its writer was quicker
            if path.name not in keep and path.is_file() and time.time() - path.stat().st_mtime >= age:
                path.unlink()
