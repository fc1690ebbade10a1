"""The engine's HTTP interface: one table of routes, one place where errors become RFC 9457 problem documents."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TypeVar

import msgspec
from aiohttp import BodyPartReader, web

from engine import errors, logs
from engine.dispatcher import Dispatcher, enough_disk
from engine.gates.share import ShareFacts
from engine.ledger import JobRow
from engine.pipeline import keep_photo, sha256_of
from engine.schema import (
    MAX_PHOTO_BYTES,
    EngineStatus,
    JobRequest,
    JobStatus,
    PhotoProblem,
    Refused,
    ReportRequest,
    RequesterView,
    Restricted,
    ShareAllowed,
    ShareRequest,
    Stage,
)
from engine.verdicts import Allowed, Refusal, RestrictedTo, Screened

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_REQUEST_BYTES = 64 * 1024
MAX_VERIFY_BYTES = 60_000_000
MAX_WAIT_SECONDS = 55.0
PROBLEM = "application/problem+json"
JOB_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
OPAQUE = r"[0-9a-zA-Z_-]{8,128}"

log = logs.get(__name__)


@dataclass(slots=True)
class Door:
    """Takes requests in. `places` bounds how many photos are received and checked at once."""

    dispatcher: Dispatcher
    places: int
    body_seconds: float
    free_disk_megabytes: int
    token: str | None = None
    _inside: int = 0
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put(f"/jobs/{{job_id:{JOB_ID}}}", self.put_job),
            web.get(f"/jobs/{{job_id:{JOB_ID}}}", self.get_job),
            web.delete(f"/jobs/{{job_id:{JOB_ID}}}", self.delete_job),
            web.get(f"/jobs/{{job_id:{JOB_ID}}}/clip", self.get_clip),
            web.post(f"/jobs/{{job_id:{JOB_ID}}}/delivered", self.post_delivered),
            web.post(f"/jobs/{{job_id:{JOB_ID}}}/shares", self.post_share),
            web.post(f"/jobs/{{job_id:{JOB_ID}}}/reports", self.post_report),
            web.get("/outcomes", self.get_outcomes),
            web.post("/verify", self.post_verify),
            web.get(f"/requesters/{{requester:{OPAQUE}}}", self.get_requester),
            web.delete(f"/requesters/{{requester:{OPAQUE}}}", self.delete_requester),
            web.get("/status", self.get_status),
            web.get("/healthz", self.get_health),
            web.get("/readyz", self.get_ready),
            web.get("/metrics", self.get_metrics),
        ]

    def application(self) -> web.Application:
        application = web.Application(
            middlewares=[self.authorized, problems], client_max_size=MAX_VERIFY_BYTES
        )
        application.add_routes(self.routes())
        return application

    @web.middleware
    async def authorized(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """On loopback everybody needs the token; a Unix socket is guarded by its mode."""
        if self.token is not None:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                return _problem(errors.Unauthorized("a bearer token is needed"), status=401)
        return await handler(request)

    async def put_job(self, request: web.Request) -> web.StreamResponse:
        """Admission comes before the body, the gates before the queue, the disk before the answer."""
        began = time.monotonic()
        known = self.dispatcher.ledger.row(request.match_info["job_id"])
        if known is None:
            self._admit_anybody()
        self._inside += 1
        try:
            async with self._lock(request.match_info["job_id"]):
                return await self._take_in(request)
        finally:
            self._inside -= 1
            self.dispatcher.metrics.door_seconds.observe(time.monotonic() - began)

    async def get_job(self, request: web.Request) -> web.StreamResponse:
        return _json(self.dispatcher.view(self._row(request)))

    async def delete_job(self, request: web.Request) -> web.StreamResponse:
        await self.dispatcher.cancel(self._row(request).job_id)
        return _json(self.dispatcher.view(self._row(request)))

    async def get_clip(self, request: web.Request) -> web.StreamResponse:
        row = self._row(request)
        if row.clip is None or not (path := self.dispatcher.shop.clip_path(row.clip)).exists():
            raise errors.NotFound("there is no clip, or its time is over")
        headers = {"ETag": f'"{row.clip}"', "Content-Type": "video/mp4"}
        return web.FileResponse(path, headers=headers)

    async def post_delivered(self, request: web.Request) -> web.StreamResponse:
        job_id = request.match_info["job_id"]
        await self.dispatcher.ledger.write(lambda verbs: verbs.acknowledge(job_id))
        return web.Response(status=204)

    async def post_share(self, request: web.Request) -> web.StreamResponse:
        """The last gate, over what the ledger and the disk say now."""
        asked = await self._body(request, ShareRequest)
        row = self._row(request)
        if row.status is not JobStatus.ANIMATED or row.clip is None:
            raise errors.NotFound("there is no clip, or its time is over")
        screened = await self._screen_share(row, row.clip, asked)
        await self.dispatcher.ledger.write(
            lambda verbs: verbs.record_decisions(row.job_id, screened.decisions)
        )
        if isinstance(screened.verdict, Allowed):
            return _json(ShareAllowed(job_id=row.job_id, clip_sha256=row.clip))
        reason = screened.verdict.reason
        self.dispatcher.metrics.refusals.labels(stage="share", reason=reason.value).inc()
        return _json(Refused(job_id=row.job_id, reply_to=row.reply_to, stage=Stage.SHARE, reason=reason))

    async def post_report(self, request: web.Request) -> web.StreamResponse:
        reported = await self._body(request, ReportRequest)
        job_id = request.match_info["job_id"]
        await self.dispatcher.ledger.write(lambda verbs: verbs.report(job_id, reported.reporter))
        self.dispatcher.metrics.reports.inc()
        return web.Response(status=204)

    async def get_outcomes(self, request: web.Request) -> web.StreamResponse:
        """Answers at once when there is something after the cursor, else when something comes or the wait ends."""
        after = _number(request, "after", most=2**62)
        end = time.monotonic() + _number(request, "wait", most=MAX_WAIT_SECONDS)
        page = self.dispatcher.ledger.outcomes(int(after))
        while not page.outcomes and self.dispatcher.accepting and (left := end - time.monotonic()) > 0:
            await self.dispatcher.news.wait(left)
            page = self.dispatcher.ledger.outcomes(int(after))
        return _json(page)

    async def post_verify(self, request: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(self.body_seconds):
            part = await anext(await _multipart(request), None)
            if not isinstance(part, BodyPartReader) or part.name != "file":
                raise errors.InvalidRequest("a part named `file` is needed")
            data = await _read(part, most=MAX_VERIFY_BYTES)
        return _json(await self.dispatcher.shop.finishing.verify(data))

    async def get_requester(self, request: web.Request) -> web.StreamResponse:
        requester = request.match_info["requester"]
        jobs, clips = self.dispatcher.ledger.stored(requester)
        views = tuple(self.dispatcher.view(row) for row in self.dispatcher.ledger.rows_of(requester))
        return _json(RequesterView(jobs=views, stored_jobs=jobs, stored_clips=clips))

    async def delete_requester(self, request: web.Request) -> web.StreamResponse:
        """Answers with what was removed."""
        requester = request.match_info["requester"]
        for row in self.dispatcher.ledger.rows_of(requester):
            await self.dispatcher.cancel(row.job_id)
        erased = await self.dispatcher.ledger.write(lambda verbs: verbs.erase(requester))
        for clip in erased.clips:
            self.dispatcher.shop.clip_path(clip).unlink(missing_ok=True)
        for photo in erased.photos:
            self.dispatcher.shop.photo_path(photo).unlink(missing_ok=True)
        return _json(RequesterView(stored_jobs=erased.jobs, stored_clips=len(erased.clips)))

    async def get_status(self, _: web.Request) -> web.StreamResponse:
        dispatcher = self.dispatcher
        queued, running = dispatcher.ledger.counts()
        return _json(
            EngineStatus(
                ready=dispatcher.fleet.ready and dispatcher.shop.screening.ready,
                queued=queued,
                running=running,
                workers=dispatcher.fleet.workers,
                renderer=dispatcher.renderer,
                typical_seconds=dispatcher.typical_seconds,
                accepting=dispatcher.accepting,
                version=version("zoetrope"),
                switched_off=dispatcher.shop.screening.switched_off,
            )
        )

    async def get_health(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def get_ready(self, _: web.Request) -> web.StreamResponse:
        ready = self.dispatcher.fleet.ready and self.dispatcher.shop.screening.ready
        return web.Response(text="ready\n" if ready else "starting\n", status=200 if ready else 503)

    async def get_metrics(self, _: web.Request) -> web.StreamResponse:
        metrics = self.dispatcher.metrics
        queued, running = self.dispatcher.ledger.counts()
        metrics.queued.set(queued)
        metrics.running.set(running)
        metrics.leaf_days.set(self.dispatcher.shop.finishing.leaf_days_left)
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    def _admit_anybody(self) -> None:
        """What speaks against any request, whoever sends it. Raises Busy."""
        dispatcher = self.dispatcher
        if not dispatcher.accepting or self._inside >= self.places:
            raise errors.Busy(5.0)
        if not enough_disk(dispatcher.shop.photos, megabytes=self.free_disk_megabytes):
            log.error("disk nearly full", free_megabytes_wanted=self.free_disk_megabytes)
            raise errors.Busy(300.0)
        dispatcher.ledger.admit("")

    async def _take_in(self, request: web.Request) -> web.StreamResponse:
        ledger = self.dispatcher.ledger
        async with asyncio.timeout(self.body_seconds):
            parts = await _multipart(request)
            job = await self._request_part(parts, job_id=request.match_info["job_id"])
            if ledger.row(job.job_id) is None:
                ledger.admit(job.requester)
            data = await self._photo_part(parts)
        digest = hashlib.sha256(msgspec.json.encode(job) + b"\0" + data).hexdigest()
        known = ledger.row(job.job_id)
        if known is not None:
            if known.digest != digest:
                raise errors.Conflict("this job id is known with other content")
            return self._answer(known)
        return await self._decide(job, digest, data)

    async def _decide(self, job: JobRequest, digest: str, data: bytes) -> web.StreamResponse:
        """Photo and prompt before the gates; then the answer is on disk before it is given."""
        dispatcher = self.dispatcher
        photo = await dispatcher.shop.screening.read_photo(data)
        screened = await dispatcher.shop.screening.check_request(job, photo)
        verdict = screened.verdict
        if isinstance(verdict, Refusal | RestrictedTo):
            outcome = await dispatcher.ledger.write(
                lambda verbs: verbs.record_answer(job, digest, verdict, screened.decisions)
            )
            dispatcher.metrics.refusals.labels(stage=outcome.stage.value, reason=outcome.reason.value).inc()
            log.info("job refused", job_id=job.job_id, stage=outcome.stage.value, reason=outcome.reason.value)
            return _json(outcome)
        if not isinstance(verdict, Allowed):
            raise errors.CheckFailed(60.0)  # nobody decides on held requests yet: not now, never an allowance
        name = await asyncio.to_thread(keep_photo, photo, job.job_id, dispatcher.shop)
        seed = job.seed if job.seed is not None else int(job.job_id[:7], 16)
        await dispatcher.ledger.write(
            lambda verbs: verbs.accept(job, digest, name, screened.facts, screened.decisions, seed)
        )
        dispatcher.work_to_do.ring()
        log.info("job accepted", job_id=job.job_id)
        return self._answer(self._known(job.job_id))

    def _answer(self, row: JobRow) -> web.StreamResponse:
        """The same for a first request and for its repetition."""
        if not row.accepted and isinstance(row.outcome, Refused | Restricted):
            return _json(row.outcome)
        return _json(self.dispatcher.view(row), status=202)

    async def _screen_share(self, row: JobRow, clip: str, asked: ShareRequest) -> Screened:
        path = self.dispatcher.shop.clip_path(clip)
        actual = await asyncio.to_thread(sha256_of, path) if path.exists() else ""
        return await self.dispatcher.shop.screening.check_share(
            ShareFacts(
                expected_sha256=clip,
                actual_sha256=actual,
                owner=row.requester,
                requester=asked.requester,
                policy_version=row.policy_version,
                labelled=True,  # the ledger takes signed clips only, and those are labelled by construction
                signed=True,
                reported=row.reported,
                shows_people=row.facts.shows_people,
                attested=asked.attested,
            )
        )

    async def _request_part(self, parts: AsyncIterator[object], *, job_id: str) -> JobRequest:
        part = await anext(parts, None)
        if not isinstance(part, BodyPartReader) or part.name != "request":
            raise errors.InvalidRequest("the first part is `request`")
        job = _decode(await _read(part, most=MAX_REQUEST_BYTES), JobRequest)
        if job.job_id != job_id:
            raise errors.InvalidRequest("the job id in the body is another one than in the path")
        return job

    async def _photo_part(self, parts: AsyncIterator[object]) -> bytes:
        part = await anext(parts, None)
        if not isinstance(part, BodyPartReader) or part.name != "photo":
            raise errors.InvalidRequest("the second part is `photo`")
        try:
            return await _read(part, most=MAX_PHOTO_BYTES)
        except errors.InvalidRequest as error:
            raise errors.PhotoRejected(PhotoProblem.TOO_MANY_BYTES) from error

    async def _body(self, request: web.Request, kind: type[T]) -> T:
        async with asyncio.timeout(self.body_seconds):
            body = await request.content.read(MAX_REQUEST_BYTES + 1)
        return _decode(body, kind)

    def _row(self, request: web.Request) -> JobRow:
        return self._known(request.match_info["job_id"])

    def _known(self, job_id: str) -> JobRow:
        row = self.dispatcher.ledger.row(job_id)
        if row is None:
            raise errors.NotFound("there is no such job")
        return row

    def _lock(self, job_id: str) -> asyncio.Lock:
        """One lock a job: a repeated request waits for the first one's answer. Kept for those that are inside."""
        for known in [known for known, lock in self._locks.items() if not lock.locked()]:
            if known != job_id:
                del self._locks[known]
        return self._locks.setdefault(job_id, asyncio.Lock())


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever a route raises becomes a problem document; what was not meant to be raised says nothing of itself."""
    try:
        return await handler(request)
    except errors.PhotoRejected as error:
        return _problem(error, status=error.http_status, problem=error.problem.value)
    except errors.RetryLater as error:
        return _problem(error, status=error.status, retry_after_seconds=error.retry_after_seconds)
    except errors.EngineError as error:
        return _problem(error, status=error.status)
    except TimeoutError:
        return _problem(errors.InvalidRequest("the body took too long"), status=408)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _problem(errors.NotFound(error.reason), status=error.status)
    except Exception as error:
        log.exception(
            "request failed", method=request.method, route=_route(request), kind=type(error).__name__
        )
        return _problem(errors.EngineError("something went wrong on our side"), status=500)


def _route(request: web.Request) -> str:
    """The pattern, never the path: a path may hold ids."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical


def _problem(error: errors.EngineError, *, status: int, **members: object) -> web.Response:
    document = {
        "type": f"about:zoetrope/{error.slug}",
        "title": error.slug.replace("-", " "),
        "status": status,
        "detail": str(error),
        **members,
    }
    headers = {"Content-Type": PROBLEM}
    if "retry_after_seconds" in members:
        headers["Retry-After"] = str(int(float(str(members["retry_after_seconds"])) + 0.5))
    return web.Response(body=msgspec.json.encode(document), status=status, headers=headers)


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        # msgspec names the field and the rule, never the value.
        raise errors.InvalidRequest(str(error)) from error


def _number(request: web.Request, name: str, *, most: float) -> float:
    try:
        value = float(request.query.get(name, "0"))
    except ValueError as error:
        raise errors.InvalidRequest(f"{name}: a number is expected") from error
    if not 0 <= value <= 2**62:
        raise errors.InvalidRequest(f"{name}: out of range")
    return min(value, most)


async def _multipart(request: web.Request) -> AsyncIterator[object]:
    if not request.content_type.startswith("multipart/"):
        raise errors.InvalidRequest("a multipart body is needed")
    try:
        return _parts(await request.multipart())
    except ValueError as error:
        raise errors.InvalidRequest("the multipart body cannot be read") from error


async def _parts(reader: object) -> AsyncIterator[object]:
    while (part := await reader.next()) is not None:  # type: ignore[attr-defined]  # aiohttp's MultipartReader
        yield part


async def _read(part: BodyPartReader, *, most: int) -> bytes:
    """All of a part. Raises InvalidRequest as soon as it is longer than `most`."""
    read = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        read += chunk
        if len(read) > most:
            raise errors.InvalidRequest(f"{part.name}: more than {most} bytes")
    return bytes(read)
