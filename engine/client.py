"""The engine's HTTP interface from the caller's side: typed calls in, typed answers or `engine.errors` out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from engine import errors
from engine.schema import (
    Answer,
    AppealRequest,
    DecisionRequest,
    EngineStatus,
    Figures,
    JobRequest,
    JobView,
    OutcomePage,
    PauseRequest,
    PhotoProblem,
    ReportRequest,
    RequesterView,
    ShareAnswer,
    ShareRequest,
    SuspensionRequest,
    VerifyReport,
)

T = TypeVar("T")

CLIP_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where the engine listens: a Unix socket, or a loopback URL with a bearer token."""

    socket: Path | None = None
    url: str = "http://engine"
    token: str | None = None


class EngineClient:
    """One per process; open it with `async with`.

    Every call raises `EngineUnavailable` when the engine does not answer, and otherwise the class of
    `engine.errors` that the engine's problem document names.
    """

    def __init__(self, address: Address, *, timeout_seconds: float = 60.0) -> None:
        self._address = address
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.UnixConnector(str(self._address.socket)) if self._address.socket else None
        headers = {"Authorization": f"Bearer {self._address.token}"} if self._address.token else {}
        self._session = aiohttp.ClientSession(
            base_url=self._address.url, connector=connector, headers=headers, timeout=self._timeout
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def submit(self, request: JobRequest, photo: bytes) -> Answer:
        """Hand in a job; repeating it with the same id and content is the same job and the same answer.

        Raises PhotoRejected, QuotaExceeded, Busy, CheckFailed, Conflict or InvalidRequest.
        """
        form = aiohttp.FormData()
        form.add_field("request", msgspec.json.encode(request).decode(), content_type="application/json")
        form.add_field("photo", photo, filename="photo", content_type="application/octet-stream")
        return await self._call("PUT", f"/jobs/{request.job_id}", _ANSWER, data=form)

    async def job(self, job_id: str) -> JobView:
        """Raises NotFound for a job that the engine does not know."""
        return await self._call("GET", f"/jobs/{job_id}", _JOB_VIEW)

    async def cancel(self, job_id: str) -> JobView:
        """Idempotent; a job that has ended stays as it ended."""
        return await self._call("DELETE", f"/jobs/{job_id}", _JOB_VIEW)

    async def outcomes(self, *, after: int, wait_seconds: float = 30.0) -> OutcomePage:
        """Long poll: returns at once when there are outcomes after the cursor, else after `wait_seconds`."""
        timeout = aiohttp.ClientTimeout(total=wait_seconds + 15)
        query = {"after": str(after), "wait": f"{wait_seconds:g}"}
        return await self._call("GET", "/outcomes", _OUTCOME_PAGE, params=query, timeout=timeout)

    async def acknowledge(self, job_id: str) -> None:
        """Tell the engine that the outcome reached the person. Idempotent."""
        await self._bytes("POST", f"/jobs/{job_id}/delivered")

    async def clip(self, job_id: str) -> bytes:
        """The signed mp4. Raises NotFound once it is past its retention."""
        return b"".join([chunk async for chunk in self.stream_clip(job_id)])

    async def stream_clip(self, job_id: str) -> AsyncIterator[bytes]:
        try:
            async with self._request("GET", f"/jobs/{job_id}/clip") as response:
                await _raise_for_problem(response)
                async for chunk in response.content.iter_chunked(CLIP_CHUNK_BYTES):
                    yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.EngineUnavailable(type(error).__name__) from error

    async def share(self, job_id: str, request: ShareRequest) -> ShareAnswer:
        """The last gate, before a group sees the clip."""
        return await self._call(
            "POST", f"/jobs/{job_id}/shares", _SHARE_ANSWER, data=msgspec.json.encode(request)
        )

    async def report(self, job_id: str, request: ReportRequest) -> None:
        """Record a report; a reported clip is not shared again until an operator decides."""
        await self._bytes("POST", f"/jobs/{job_id}/reports", data=msgspec.json.encode(request))

    async def appeal(self, job_id: str, request: AppealRequest) -> None:
        """A person shall look at a refusal or a removal. Raises NotFound, and Conflict where it was appealed before."""
        await self._bytes("POST", f"/jobs/{job_id}/appeals", data=msgspec.json.encode(request))

    async def decide(self, job_id: str, request: DecisionRequest) -> None:
        """An operator's decision on a clip. Raises NotFound."""
        await self._bytes("POST", f"/admin/jobs/{job_id}/decision", data=msgspec.json.encode(request))

    async def suspend(self, requester: str, request: SuspensionRequest) -> None:
        await self._bytes(
            "POST", f"/admin/requesters/{requester}/suspension", data=msgspec.json.encode(request)
        )

    async def pause(self, *, on: bool) -> None:
        await self._bytes("POST", "/admin/pause", data=msgspec.json.encode(PauseRequest(on=on)))

    async def figures(self, *, days: float = 30.0) -> Figures:
        return await self._call("GET", "/admin/figures", _FIGURES, params={"days": f"{days:g}"})

    async def verify(self, clip: bytes) -> VerifyReport:
        """What is known of a file that somebody found."""
        form = aiohttp.FormData()
        form.add_field("file", clip, filename="file", content_type="application/octet-stream")
        return await self._call("POST", "/verify", _VERIFY_REPORT, data=form)

    async def requester(self, requester: str) -> RequesterView:
        return await self._call("GET", f"/requesters/{requester}", _REQUESTER_VIEW)

    async def erase(self, requester: str) -> RequesterView:
        """Remove all that is stored of a requester; returns what was removed."""
        return await self._call("DELETE", f"/requesters/{requester}", _REQUESTER_VIEW)

    async def status(self) -> EngineStatus:
        return await self._call("GET", "/status", _ENGINE_STATUS)

    def _request(self, method: str, path: str, **options: object) -> aiohttp.client._RequestContextManager:
        if self._session is None:
            raise RuntimeError("open the client with `async with` first")
        return self._session.request(method, path, **options)  # type: ignore[arg-type]

    async def _call(self, method: str, path: str, decoder: msgspec.json.Decoder[T], **options: object) -> T:
        body = await self._bytes(method, path, **options)
        try:
            return decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # not our engine, or another version
            raise errors.EngineUnavailable("an answer that is not understood") from error

    async def _bytes(self, method: str, path: str, **options: object) -> bytes:
        try:
            async with self._request(method, path, **options) as response:
                await _raise_for_problem(response)
                return await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.EngineUnavailable(type(error).__name__) from error


_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_JOB_VIEW = msgspec.json.Decoder(JobView)
_OUTCOME_PAGE = msgspec.json.Decoder(OutcomePage)
_SHARE_ANSWER: msgspec.json.Decoder[ShareAnswer] = msgspec.json.Decoder(ShareAnswer)
_VERIFY_REPORT = msgspec.json.Decoder(VerifyReport)
_FIGURES = msgspec.json.Decoder(Figures)
_REQUESTER_VIEW = msgspec.json.Decoder(RequesterView)
_ENGINE_STATUS = msgspec.json.Decoder(EngineStatus)

_BY_SLUG: Mapping[str, type[errors.EngineError]] = {
    kind.slug: kind for kind in (errors.InvalidRequest, errors.Conflict, errors.NotFound, errors.Unauthorized)
}
_LATER: Mapping[str, type[errors.RetryLater]] = {
    kind.slug: kind
    for kind in (
        errors.QuotaExceeded,
        errors.GroupQuotaExceeded,
        errors.DayQuotaExceeded,
        errors.Suspended,
        errors.TooManyRefusals,
        errors.Busy,
        errors.CheckFailed,
    )
}


async def _raise_for_problem(response: aiohttp.ClientResponse) -> None:
    """Turn an RFC 9457 problem document back into the error that made it."""
    if response.status < 400:
        return
    try:
        raise _error_of(msgspec.json.decode(await response.read(), type=dict[str, Any]))
    except (ValueError, KeyError, TypeError) as error:  # not a problem document of ours
        raise errors.EngineUnavailable(f"HTTP {response.status}") from error


def _error_of(problem: Mapping[str, Any]) -> errors.EngineError:
    slug = str(problem["type"]).rsplit("/", 1)[-1]
    detail = str(problem.get("detail", ""))
    if slug == errors.PhotoRejected.slug:
        return errors.PhotoRejected(PhotoProblem(problem["problem"]))
    if slug in _LATER:
        return _LATER[slug](float(problem.get("retry_after_seconds", 5.0)))
    if slug in _BY_SLUG:
        return _BY_SLUG[slug](detail)
    return errors.EngineUnavailable(f"{problem.get('status', '')} {slug}".strip())
