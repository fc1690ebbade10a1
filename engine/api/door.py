"""The table of routes: each reads its call, asks ledger and dispatcher, and answers; no policy, no pixels."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import time
from dataclasses import dataclass, field
from errno import errorcode
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web

from engine import errors, logs
from engine.api.answers import as_clip, as_json
from engine.api.bodies import (
    JOB_ID,
    MAX_FILE_BYTES,
    MAX_JSON_BYTES,
    OPAQUE,
    file_part,
    json_body,
    parts_of,
    photo_part,
    request_part,
    seconds,
    whole_number,
)
from engine.api.operators import OperatorRoutes
from engine.api.peers import trusted
from engine.api.problems import Handler, problem, problems
from engine.dispatcher import Dispatcher, enough_disk
from engine.gates.share import ShareFacts
from engine.ledger import Backups, JobRow
from engine.media.photo import Photo
from engine.pipeline import keep_photo, sha256_of
from engine.provenance.origin import Origin
from engine.schema import (
    MAX_PHOTO_BYTES,
    Animated,
    AppealRequest,
    EngineStatus,
    JobRequest,
    PhotoProblem,
    Profile,
    Refused,
    ReportRequest,
    RequesterView,
    Restricted,
    ShareAllowed,
    ShareRequest,
    Stage,
)
from engine.verdicts import Allowed, Held, Refusal, Remake, RestrictedTo, Screened

MAX_WAIT_SECONDS = 55.0

_DOOR_FULL_SECONDS = 5.0
_DISK_FULL_SECONDS = 300.0
_VERIFICATIONS = 2
"""Files that are looked into at the same time; each is a process."""

_GO_ON = web.Response()
"""Never sent: says that nothing speaks against a request."""

T = TypeVar("T")

log = logs.get(__name__)


@dataclass(slots=True)
class Door:
    """Takes requests in. `places` bounds how many photos are received and checked at once."""

    dispatcher: Dispatcher
    places: int
    body_seconds: float
    free_disk_megabytes: int
    token: str | None = None
    backups: Backups | None = None
    _inside: int = 0
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _verifying: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_VERIFICATIONS))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put(f"/jobs/{{job_id:{JOB_ID}}}", self.put_job, expect_handler=self.expect_photo),
            web.get(f"/jobs/{{job_id:{JOB_ID}}}", self.get_job),
            web.delete(f"/jobs/{{job_id:{JOB_ID}}}", self.delete_job),
            web.get(f"/jobs/{{job_id:{JOB_ID}}}/clip", self.get_clip),
            web.post(f"/jobs/{{job_id:{JOB_ID}}}/delivered", self.post_delivered),
            web.post(f"/jobs/{{job_id:{JOB_ID}}}/shares", self.post_share),
            web.post(f"/jobs/{{job_id:{JOB_ID}}}/reports", self.post_report),
            web.post(f"/jobs/{{job_id:{JOB_ID}}}/appeals", self.post_appeal),
            *OperatorRoutes(self.dispatcher).routes(),
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
        application = web.Application(middlewares=[self.authorized, problems], client_max_size=MAX_FILE_BYTES)
        application.add_routes(self.routes())
        return application

    @web.middleware
    async def authorized(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """On loopback everybody needs the token; a Unix socket is for its owner, whom the kernel names."""
        if self.token is not None:
            given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
                return problem(errors.Unauthorized("a bearer token is needed"), status=401)
        elif not trusted(request.transport):
            return problem(errors.Unauthorized("this socket is its owner's"), status=401)
        return await handler(request)

    async def expect_photo(self, request: web.Request) -> web.StreamResponse | None:
        """Who asks before sending (`Expect: 100-continue`) is told before sending: go on, or how long to wait."""

        async def ask(request: web.Request) -> web.StreamResponse:
            if self.dispatcher.ledger.row(request.match_info["job_id"]) is None:
                self._admit_anybody(request.content_length or 0)
            return _GO_ON

        async def explained(request: web.Request) -> web.StreamResponse:
            return await problems(request, ask)

        if request.headers.get("Expect", "").lower() != "100-continue":
            raise web.HTTPExpectationFailed
        answer = await self.authorized(request, explained)
        if answer is not _GO_ON:
            return answer
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # as aiohttp's own does: the answer has not begun
        return None

    async def put_job(self, request: web.Request) -> web.StreamResponse:
        """Admission comes before the body, the gates before the queue, the disk before the answer."""
        job_id = request.match_info["job_id"]
        if self.dispatcher.ledger.row(job_id) is None:
            self._admit_anybody(request.content_length or 0)
        began = time.monotonic()
        self._inside += 1
        try:
            async with self._alone(job_id):
                return await self._take_in(request, job_id)
        finally:
            self._inside -= 1
            self.dispatcher.metrics.door_seconds.observe(time.monotonic() - began)

    async def get_job(self, request: web.Request) -> web.StreamResponse:
        return as_json(self.dispatcher.view(self._row(request)))

    async def delete_job(self, request: web.Request) -> web.StreamResponse:
        await self.dispatcher.cancel(self._row(request).job_id)
        return as_json(self.dispatcher.view(self._row(request)))

    async def get_clip(self, request: web.Request) -> web.StreamResponse:
        """The signed file or nothing: bytes that are not the signed ones any more do not leave."""
        row = self._row(request)
        if row.removed:
            raise errors.NotFound("an operator removed this clip")
        path = self._clip_of(row)
        content = await asyncio.to_thread(path.read_bytes)
        if hashlib.sha256(content).hexdigest() != row.clip:
            log.error("clip changed on the disk", job_id=row.job_id)
            raise errors.NotFound("there is no clip: its file is not the one that was signed")
        return as_clip(request, content, sha256=row.clip)

    async def post_delivered(self, request: web.Request) -> web.StreamResponse:
        job_id = request.match_info["job_id"]
        await self.dispatcher.ledger.write(lambda verbs: verbs.acknowledge(job_id))
        return web.Response(status=204)

    async def post_share(self, request: web.Request) -> web.StreamResponse:
        """The last gate, over what the ledger and the disk say now."""
        asked = await self._json(request, ShareRequest)
        row = self._row(request)
        screened = await self._screen_share(row, self._clip_of(row), asked)
        allowed = isinstance(screened.verdict, Allowed)
        await self.dispatcher.ledger.write(
            lambda verbs: verbs.record_share(row.job_id, asked.group, screened.decisions, allowed=allowed)
        )
        if isinstance(screened.verdict, Allowed):
            return as_json(ShareAllowed(job_id=row.job_id, clip_sha256=row.clip or ""))
        reason = screened.verdict.reason
        self.dispatcher.metrics.refusals.labels(stage=Stage.SHARE.value, reason=reason.value).inc()
        return as_json(Refused(job_id=row.job_id, reply_to=row.reply_to, stage=Stage.SHARE, reason=reason))

    async def post_report(self, request: web.Request) -> web.StreamResponse:
        """From here on the clip is not shared again, until an operator decides."""
        told = await self._json(request, ReportRequest)
        job_id = request.match_info["job_id"]
        await self.dispatcher.ledger.write(lambda verbs: verbs.report(job_id, told.reporter, told.group))
        self.dispatcher.metrics.reports.inc()
        log.warning("clip reported", job_id=job_id)
        return web.Response(status=204)

    async def post_appeal(self, request: web.Request) -> web.StreamResponse:
        """Of a refusal or of a removal; once."""
        asked = await self._json(request, AppealRequest)
        job_id = request.match_info["job_id"]
        await self.dispatcher.ledger.write(lambda verbs: verbs.appeal(job_id, asked.requester))
        log.info("appeal", job_id=job_id)
        return web.Response(status=204)

    async def get_outcomes(self, request: web.Request) -> web.StreamResponse:
        """Answers at once when there is something after the cursor, else when something comes or the wait ends."""
        after = whole_number(request, "after")
        end = time.monotonic() + seconds(request, "wait", most=MAX_WAIT_SECONDS)
        page = self.dispatcher.ledger.outcomes(after)
        while not page.outcomes and self.dispatcher.accepting and (left := end - time.monotonic()) > 0:
            await self.dispatcher.news.wait(left)
            page = self.dispatcher.ledger.outcomes(after)
        return as_json(page)

    async def post_verify(self, request: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(self.body_seconds):
            data = await file_part(parts_of(request))
        async with self._verifying:
            return as_json(await self.dispatcher.shop.detector.examine(data))

    async def get_requester(self, request: web.Request) -> web.StreamResponse:
        requester = request.match_info["requester"]
        jobs, clips = self.dispatcher.ledger.stored(requester)
        views = tuple(self.dispatcher.view(row) for row in self.dispatcher.ledger.rows_of(requester))
        return as_json(RequesterView(jobs=views, stored_jobs=jobs, stored_clips=clips))

    async def delete_requester(self, request: web.Request) -> web.StreamResponse:
        """Answers with what was removed."""
        requester = request.match_info["requester"]
        for row in self.dispatcher.ledger.rows_of(requester):
            await self.dispatcher.cancel(row.job_id)
        erased = await self.dispatcher.ledger.write(lambda verbs: verbs.erase(requester))
        for clip in erased.clips:
            self.dispatcher.shop.clip_path(clip).unlink(missing_ok=True)
        for photo in erased.photos:
            self.dispatcher.shop.forget_photo(photo)
        if self.backups is not None:
            await self.backups.forget()
        return as_json(RequesterView(stored_jobs=erased.jobs, stored_clips=len(erased.clips)))

    async def get_status(self, _: web.Request) -> web.StreamResponse:
        dispatcher = self.dispatcher
        queued, running = dispatcher.ledger.counts()
        return as_json(
            EngineStatus(
                ready=dispatcher.fleet.ready and dispatcher.shop.screening.ready,
                queued=queued,
                running=running,
                workers=dispatcher.fleet.workers,
                renderer=dispatcher.renderer,
                typical_seconds=dispatcher.typical_seconds,
                accepting=dispatcher.accepting,
                version=version("zoetrope"),
                leaf_days_left=dispatcher.shop.finishing.leaf_days_left,
                switched_off=dispatcher.shop.screening.switched_off,
                retention=dispatcher.retention.told,
                paused=dispatcher.ledger.paused,
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

    def _admit_anybody(self, content_length: int) -> None:
        """What speaks against any request, whoever sends it. Raises Busy or PhotoRejected."""
        dispatcher = self.dispatcher
        if not dispatcher.accepting or self._inside >= self.places:
            raise errors.Busy(_DOOR_FULL_SECONDS * random.uniform(1, 3))  # noqa: S311  # so that not all come back at once
        if not enough_disk(dispatcher.shop.photos, megabytes=self.free_disk_megabytes):
            log.error("disk nearly full", free_megabytes_wanted=self.free_disk_megabytes)
            raise errors.Busy(_DISK_FULL_SECONDS)
        dispatcher.ledger.admit(None)
        if content_length > MAX_PHOTO_BYTES + 2 * MAX_JSON_BYTES:
            raise errors.PhotoRejected(PhotoProblem.TOO_MANY_BYTES)

    async def _take_in(self, request: web.Request, job_id: str) -> web.StreamResponse:
        """A known id with the same content is the same job, and gets the same answer. Raises Conflict."""
        ledger = self.dispatcher.ledger
        with self.dispatcher.metrics.door_stage("body"):
            async with asyncio.timeout(self.body_seconds):
                parts = parts_of(request)
                job = await request_part(parts, job_id=job_id)
                known, sent = ledger.row(job_id), msgspec.json.encode(job)
                if known is None:
                    job = self._with_repeated_words(job)
                    ledger.admit(job.requester, job.group)
                data = await photo_part(parts)
        digest = hashlib.sha256(sent + b"\0" + data).hexdigest()
        if known is None:
            return await self._decide(job, digest, data)
        if known.digest != digest:
            raise errors.Conflict("this job id is known with other content")
        return self._answer(known)

    def _with_repeated_words(self, job: JobRequest) -> JobRequest:
        """Raises NotFound where the job that shall be repeated is another's, or its words are no longer kept."""
        if job.repeat is None:
            return job
        earlier = self.dispatcher.ledger.request_of(job.repeat, job.requester)
        if earlier is None:
            raise errors.NotFound("the job to repeat is not known any more")
        return msgspec.structs.replace(job, prompt=earlier.prompt, look=earlier.look)

    async def _decide(self, job: JobRequest, digest: str, data: bytes) -> web.StreamResponse:
        """Photo and prompt before the gates; then the answer is on disk before it is given."""
        screening = self.dispatcher.shop.screening
        stage = self.dispatcher.metrics.door_stage
        with stage("decode"):
            photo = await screening.read_photo(data)
        with stage("gates"):
            screened = await screening.check_request(job, photo)
        verdict = screened.verdict
        match verdict:
            case Allowed():
                with stage("keep"):
                    origin = await self.dispatcher.shop.finishing.take_origin(data)
                    name = await self._keep(photo, origin, job)
                return await self._accept(job, digest, name, screened)
            case Refusal() | RestrictedTo():
                return await self._refuse(job, digest, verdict, screened)
            case Held() | Remake():  # nobody decides on held requests yet, and an unknown is never a yes
                refusal = Refusal(reason=verdict.reason, gate=verdict.gate, score=verdict.score)
                return await self._refuse(job, digest, refusal, screened)

    async def _keep(self, photo: Photo, origin: Origin | None, job: JobRequest) -> str:
        """The photo's name, once it is on disk. Raises Busy when the disk does not take it."""
        try:
            return await asyncio.to_thread(keep_photo, photo, job.job_id, self.dispatcher.shop, origin=origin)
        except OSError as error:
            log.error("photo not kept", why=errorcode.get(error.errno or 0, "unknown"))  # noqa: TRY400  # its path is no news
            raise errors.Busy(_DISK_FULL_SECONDS) from error

    async def _accept(
        self, job: JobRequest, digest: str, photo: str, screened: Screened
    ) -> web.StreamResponse:
        seed = job.seed if job.seed is not None else int(job.job_id[:7], 16)
        try:
            with self.dispatcher.metrics.door_stage("ledger"):
                await self.dispatcher.ledger.write(
                    lambda verbs: verbs.accept(job, digest, photo, screened.facts, screened.decisions, seed)
                )
        except errors.RetryLater:
            self.dispatcher.shop.forget_photo(photo)
            raise
        self.dispatcher.work_to_do.ring()
        log.info("job accepted", job_id=job.job_id)
        return self._answer(self._known(job.job_id))

    async def _refuse(
        self, job: JobRequest, digest: str, answer: Refusal | RestrictedTo, screened: Screened
    ) -> web.StreamResponse:
        told = await self.dispatcher.ledger.write(
            lambda verbs: verbs.record_answer(job, digest, answer, screened.decisions)
        )
        self.dispatcher.metrics.refusals.labels(stage=told.stage.value, reason=told.reason.value).inc()
        log.info("job refused", job_id=job.job_id, stage=told.stage.value, reason=told.reason.value)
        return as_json(told)

    def _answer(self, row: JobRow) -> web.StreamResponse:
        """The same for a first request and for its repetition."""
        if not row.accepted and isinstance(row.outcome, Refused | Restricted):
            return as_json(row.outcome)
        return as_json(self.dispatcher.view(row), status=202)

    async def _screen_share(self, row: JobRow, clip: Path, asked: ShareRequest) -> Screened:
        on_disk = await asyncio.to_thread(sha256_of, clip)
        made = row.outcome if isinstance(row.outcome, Animated) else None
        return await self.dispatcher.shop.screening.check_share(
            ShareFacts(
                expected_sha256=row.clip or "",
                actual_sha256=on_disk,
                owner=row.requester,
                requester=asked.requester,
                policy_version=row.policy_version,
                labelled=made is not None and bool(made.label),
                signed=made is not None
                and made.clip_sha256 == on_disk,  # the very bytes that carry the credentials
                reported=row.reported or row.removed,
                shows_people=row.facts.shows_people,
                attested=asked.attested,
                suspended=self.dispatcher.ledger.is_suspended(asked.requester),
                opted_in=asked.opted_in,
                fits_group=asked.profile is Profile.STANDARD or row.facts.suits_strict,
            )
        )

    async def _json(self, request: web.Request, kind: type[T]) -> T:
        async with asyncio.timeout(self.body_seconds):
            return await json_body(request, kind)

    def _row(self, request: web.Request) -> JobRow:
        return self._known(request.match_info["job_id"])

    def _known(self, job_id: str) -> JobRow:
        row = self.dispatcher.ledger.row(job_id)
        if row is None:
            raise errors.NotFound("there is no such job")
        return row

    def _clip_of(self, row: JobRow) -> Path:
        """The clip's file, whose name comes from the ledger only. Raises NotFound."""
        if row.clip is None or not (path := self.dispatcher.shop.clip_path(row.clip)).exists():
            raise errors.NotFound("there is no clip, or its time is over")
        return path

    def _alone(self, job_id: str) -> asyncio.Lock:
        """A repeated request waits for the first one's answer. A lock lives as long as somebody holds or awaits it."""
        return self._locks.setdefault(job_id, asyncio.Lock())
