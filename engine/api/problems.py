"""Whatever a route raises becomes an RFC 9457 problem document, in one place; `engine.client` turns it back."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import aiohttp
import msgspec
from aiohttp import web

from engine import errors, logs
from engine.children import error_place

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MEDIA_TYPE = "application/problem+json"

_SLOW_BODY_SECONDS = 5.0

log = logs.get(__name__)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What was not meant to be raised says nothing of itself outside, and only its place in the log."""
    try:
        return await handler(request)
    except errors.PhotoRejected as error:
        return problem(error, status=error.http_status, problem=error.problem.value)
    except errors.RetryLater as error:
        return problem(error, status=error.status, retry_after_seconds=error.retry_after_seconds)
    except errors.EngineError as error:
        return problem(error, status=error.status)
    except TimeoutError:  # the only clock over a route is the one over its body; a repetition is harmless
        return problem(errors.Busy(_SLOW_BODY_SECONDS), status=408, retry_after_seconds=_SLOW_BODY_SECONDS)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _of_aiohttp(error)
    except (ConnectionError, aiohttp.ClientPayloadError):  # the caller hung up: nobody reads the answer
        return problem(errors.InvalidRequest("the body broke off"), status=400)
    except Exception as error:  # noqa: BLE001  # the last place where it can be told; its message may quote a prompt
        log.error("request failed", method=request.method, route=_route(request), place=error_place(error))  # noqa: TRY400
        return problem(errors.EngineError("something went wrong on our side"), status=500)


def problem(error: errors.EngineError, *, status: int, **members: str | float) -> web.Response:
    """A problem document; `members` are its extensions. `retry_after_seconds` is said in the header too."""
    document = {
        "type": f"about:zoetrope/{error.slug}",
        "title": error.slug.replace("-", " "),
        "status": status,
        "detail": str(error),
        **members,
    }
    headers = {"Content-Type": MEDIA_TYPE}
    if isinstance(error, errors.RetryLater):
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    return web.Response(body=msgspec.json.encode(document), status=status, headers=headers)


def _of_aiohttp(error: web.HTTPException) -> web.Response:
    """No such route, no such method, a body over the limit."""
    kind = errors.NotFound if error.status == HTTPStatus.NOT_FOUND else errors.InvalidRequest
    answer = problem(kind(error.reason), status=error.status)
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


def _route(request: web.Request) -> str:
    """The pattern, never the path: a path may hold ids."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical
