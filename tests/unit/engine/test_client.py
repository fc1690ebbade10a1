"""The client's promise: a typed answer, or an error of ours; never somebody else's exception."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from engine import errors
from engine.client import Address, EngineClient
from engine.schema import PhotoProblem
from tests.unit.engine.ledger.conftest import a_request

JOB = "00000000-0000-4000-8000-00000000abcd"


class Saying:
    """A server that says the same to everything."""

    def __init__(self) -> None:
        self.status, self.body, self.type = 200, b"", "application/json"
        self.headers: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.Response:
        self.headers = dict(request.headers)
        return web.Response(status=self.status, body=self.body, content_type=self.type)


@pytest.fixture
async def saying(tmp_path: Path) -> AsyncIterator[Saying]:
    saying, application = Saying(), web.Application()
    application.router.add_route("*", "/{any:.*}", saying.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "engine.sock")).start()
    yield saying
    await runner.cleanup()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[EngineClient]:
    async with EngineClient(Address(socket=tmp_path / "engine.sock", token="open sesame")) as client:
        yield client


async def test_without_an_engine_it_says_so(client: EngineClient) -> None:
    for call in (client.status(), client.submit(a_request(), b"photo"), client.clip(JOB)):
        with pytest.raises(errors.EngineUnavailable):
            await call


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b'{"type": "something"}'])
@pytest.mark.parametrize("status", [200, 404, 500, 502])
async def test_an_answer_that_is_not_ours_is_as_good_as_none(
    client: EngineClient, saying: Saying, status: int, body: bytes
) -> None:
    saying.status, saying.body = status, body

    with pytest.raises(errors.EngineUnavailable):
        await client.job(JOB)


@pytest.mark.parametrize(
    "kind", [errors.InvalidRequest, errors.Conflict, errors.NotFound, errors.Unauthorized]
)
async def test_every_problem_becomes_the_error_that_made_it(
    client: EngineClient, saying: Saying, kind: type[errors.EngineError]
) -> None:
    saying.status = kind.status
    saying.body = f'{{"type": "about:zoetrope/{kind.slug}", "detail": "because"}}'.encode()

    with pytest.raises(kind, match="because"):
        await client.job(JOB)


@pytest.mark.parametrize(
    "kind",
    [
        errors.QuotaExceeded,
        errors.GroupQuotaExceeded,
        errors.DayQuotaExceeded,
        errors.Busy,
        errors.CheckFailed,
    ],
)
async def test_not_now_says_when(client: EngineClient, saying: Saying, kind: type[errors.RetryLater]) -> None:
    saying.status = kind.status
    saying.body = f'{{"type": "{kind.slug}", "retry_after_seconds": 12.5}}'.encode()

    with pytest.raises(kind) as caught:
        await client.submit(a_request(), b"photo")

    assert caught.value.retry_after_seconds == 12.5


@pytest.mark.parametrize("problem", PhotoProblem)
async def test_a_rejected_photo_says_why(client: EngineClient, saying: Saying, problem: PhotoProblem) -> None:
    saying.status = 422
    saying.body = f'{{"type": "photo-rejected", "problem": "{problem.value}"}}'.encode()

    with pytest.raises(errors.PhotoRejected) as caught:
        await client.submit(a_request(), b"photo")

    assert caught.value.problem is problem


async def test_the_token_goes_along(client: EngineClient, saying: Saying) -> None:
    saying.body = b'{"jobs": []}'

    await client.requester("ann-hash")

    assert saying.headers["Authorization"] == "Bearer open sesame"


async def test_it_must_be_opened_first() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await EngineClient(Address()).status()
