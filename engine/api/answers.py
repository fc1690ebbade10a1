"""What goes out: JSON, and a clip whole or in ranges."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web


def as_json(value: object, *, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def as_clip(request: web.Request, content: bytes, *, sha256: str) -> web.Response:
    """The mp4, a range of it (RFC 9110 §14), or 304 where the caller has it. `sha256` is the ETag."""
    if any(tag.value in {sha256, "*"} for tag in request.if_none_match or ()):
        return _tagged(web.Response(status=HTTPStatus.NOT_MODIFIED), sha256)
    wanted = _range(request, len(content), sha256=sha256)
    if wanted is None:
        return _tagged(web.Response(body=content, content_type="video/mp4"), sha256)
    if not wanted:
        headers = {"Content-Range": f"bytes */{len(content)}"}
        return web.Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    part = content[wanted.start : wanted.stop]
    answer = web.Response(body=part, status=HTTPStatus.PARTIAL_CONTENT, content_type="video/mp4")
    answer.headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
    return _tagged(answer, sha256)


def _range(request: web.Request, size: int, *, sha256: str) -> range | None:
    """The bytes that are wanted; empty where there are none such; None for all of them.

    A header that cannot be read is ignored, as RFC 9110 says, and so is a range of another version of the file.
    """
    if request.headers.get("If-Range", f'"{sha256}"') != f'"{sha256}"':
        return None
    try:
        asked = request.http_range
    except ValueError:
        return None
    if asked.start is None and asked.stop is None:
        return None
    return range(*asked.indices(size))


def _tagged(answer: web.Response, sha256: str) -> web.Response:
    answer.etag = sha256
    answer.headers["Accept-Ranges"] = "bytes"
    return answer
