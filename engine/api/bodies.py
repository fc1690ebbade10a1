"""Bodies and queries become types here, read no further than their limit; nothing behind checks them again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from engine.errors import InvalidRequest, PhotoRejected
from engine.schema import MAX_PHOTO_BYTES, JobRequest, PhotoProblem

T = TypeVar("T")

JOB_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
OPAQUE = r"[0-9a-zA-Z_-]{8,128}"
"""What may stand in a path; a route with anything else in its place is none."""

MAX_JSON_BYTES = 64 * 1024
MAX_FILE_BYTES = 60_000_000
"""Of a file that somebody wants to know about: more than any clip of ours, and than Telegram hands out."""

_CHUNK_BYTES = 64 * 1024

GRACE_SECONDS, LEAST_BYTES_PER_SECOND = 5.0, 10_000
"""Who sends nothing for so long, or less than that on the whole, is keeping a place from others."""

Parts = AsyncIterator[BodyPartReader]


class _TooLong(InvalidRequest):
    """Raised as soon as more than the limit was read."""


async def parts_of(request: web.Request) -> Parts:
    """The parts of a multipart body, in order. Raises InvalidRequest."""
    if not request.content_type.startswith("multipart/"):
        raise InvalidRequest("a multipart body is needed")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise InvalidRequest("a part of a part is not expected")
            yield part
    except (ValueError, HttpProcessingError) as error:
        raise InvalidRequest("the multipart body cannot be read") from error


async def request_part(parts: Parts, *, job_id: str) -> JobRequest:
    """The first part of a job. Raises InvalidRequest."""
    body = await _part(parts, "request", most=MAX_JSON_BYTES)
    job = decode(body, JobRequest)
    if job.job_id != job_id:
        raise InvalidRequest("the job id in the body is another one than in the path")
    return job


async def photo_part(parts: Parts) -> bytes:
    """The second part of a job. Raises InvalidRequest or PhotoRejected."""
    try:
        return await _part(parts, "photo", most=MAX_PHOTO_BYTES)
    except _TooLong as error:
        raise PhotoRejected(PhotoProblem.TOO_MANY_BYTES) from error


async def file_part(parts: Parts) -> bytes:
    """The file of a question. Raises InvalidRequest."""
    return await _part(parts, "file", most=MAX_FILE_BYTES)


async def json_body(request: web.Request, kind: type[T]) -> T:
    """A whole JSON body. Raises InvalidRequest."""
    body = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise InvalidRequest(f"the body is longer than {MAX_JSON_BYTES} bytes")
    return decode(bytes(body), kind)


def decode(body: bytes, kind: type[T]) -> T:
    """Raises InvalidRequest naming the field and the rule."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidRequest(str(error)) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("the JSON is not UTF-8") from error


def whole_number(request: web.Request, name: str) -> int:
    """A number of the query, 0 where it is missing. Raises InvalidRequest."""
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # what SQLite can hold
        raise InvalidRequest(f"{name}: a whole number is expected")
    return int(text)


def seconds(request: web.Request, name: str, *, most: float) -> float:
    """Seconds of the query, 0 where they are missing, never more than `most`. Raises InvalidRequest."""
    try:
        value = float(request.query.get(name, "0"))
    except ValueError as error:
        raise InvalidRequest(f"{name}: seconds are expected") from error
    if math.isnan(value) or value < 0:
        raise InvalidRequest(f"{name}: seconds are expected")
    return min(value, most)


async def _part(parts: Parts, name: str, *, most: int) -> bytes:
    """All of the next part. Raises InvalidRequest when it has another name or is too long, TimeoutError when it trickles."""
    began = time.monotonic()
    async with asyncio.timeout(GRACE_SECONDS):
        part = await anext(parts, None)
    if part is None or part.name != name:
        raise InvalidRequest(f"a part named `{name}` is expected here")
    body = bytearray()
    try:
        while chunk := await _next_chunk(part):
            body += chunk
            took = time.monotonic() - began
            if took > GRACE_SECONDS and len(body) < took * LEAST_BYTES_PER_SECOND:
                raise TimeoutError
            if len(body) > most:
                raise _TooLong(f"{name} is longer than {most} bytes")
    except (ValueError, HttpProcessingError) as error:
        raise InvalidRequest("the multipart body cannot be read") from error
    return bytes(body)


async def _next_chunk(part: BodyPartReader) -> bytes:
    async with asyncio.timeout(GRACE_SECONDS):
        return await part.read_chunk(_CHUNK_BYTES)
