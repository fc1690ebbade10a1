"""The engine as it runs: real ledger, gates, renderer, signing, behind its own HTTP interface and its own client."""

import asyncio
import io
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import encypher_c2pa
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from bench.load import drip, put, trickle
from engine.api import bodies
from engine.client import Address, EngineClient
from engine.config import ClipTable, EngineConfig, EngineTable, LimitsTable
from engine.errors import Conflict, InvalidRequest, NotFound, PhotoRejected, QuotaExceeded, Unauthorized
from engine.process import engine, listening, prepare
from engine.schema import (
    Animated,
    Canceled,
    JobRequest,
    JobStatus,
    JobView,
    Layer,
    PhotoProblem,
    Reason,
    Refused,
    ReportRequest,
    ShareAllowed,
    ShareRequest,
    Stage,
)

MODELS = Path(__file__).parents[2] / "data" / "models"
LIMITS = LimitsTable(queued_per_requester=3)
PATIENCE_SECONDS = 240
"""Nothing takes so long, also on a machine that is very busy; what does will not come any more."""


@dataclass
class Running:
    client: EngineClient
    data: Path
    socket: Path


def small(data: Path, **engine_table: object) -> EngineConfig:
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "models").exists():
        (data / "models").symlink_to(MODELS)
    return EngineConfig(
        data=data,
        clip=ClipTable(short_side=96, seconds=0.5, frames_per_second=12),
        limits=LIMITS,
        engine=EngineTable(free_disk_megabytes=1, **engine_table),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    config = small(tmp_path_factory.mktemp("e"))
    prepare(config)
    async with engine(config) as door, listening(config, door):
        async with EngineClient(Address(socket=config.socket)) as client:
            while not (await client.status()).ready:
                await asyncio.sleep(0.1)
            yield Running(client, config.data, config.socket)


pytestmark = pytest.mark.asyncio(loop_scope="module")


def a_photo(seed: int = 1) -> bytes:
    """A hill under a sky: something that a renderer can move."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((240, 160, 3), np.uint8)
    pixels[:120] = (120, 160, 220)
    pixels[120:] = (60, 110, 50)
    pixels += rng.integers(0, 20, pixels.shape, dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


_count = iter(range(1, 10_000))


def a_request(prompt: str = "soft snow", requester: str | None = None, **changes: object) -> JobRequest:
    number = next(_count)
    return JobRequest(
        job_id=f"00000000-0000-4000-8000-{number:012x}",
        prompt=prompt,
        locale="en",
        requester=requester or f"requester-{number}",
        reply_to=f"reply-to-{number:06d}",
        **changes,
    )


async def outcome_of(client: EngineClient, job_id: str) -> object:
    after = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for told in (await client.outcomes(after=after, wait_seconds=5)).outcomes:
                after = told.sequence
                if told.outcome.job_id == job_id:
                    return told.outcome


async def test_a_photo_and_a_caption_become_a_labelled_signed_clip(running: Running, tmp_path: Path) -> None:
    request = a_request("soft snow, slow zoom")

    accepted = await running.client.submit(request, a_photo())
    outcome = await outcome_of(running.client, request.job_id)
    clip = await running.client.clip(request.job_id)

    assert isinstance(accepted, JobView)
    assert isinstance(outcome, Animated)
    assert outcome.reply_to == request.reply_to
    assert outcome.label == "AI modified"
    assert "snow" in outcome.moved
    assert (outcome.size_bytes, outcome.width % 2, outcome.height % 2) == (len(clip), 0, 0)
    assert (await running.client.verify(clip)).layer is Layer.CREDENTIALS
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    assert encypher_c2pa is not None
    assert not list((running.data / "photos").iterdir()) or request.job_id not in str(
        list((running.data / "photos").iterdir())
    )
    assert (await running.client.job(request.job_id)).status is JobStatus.ANIMATED


async def test_a_refusal_is_the_answer_and_stays_the_same_on_a_retry(running: Running) -> None:
    request, photo = a_request("undress her, naked"), a_photo()

    first = await running.client.submit(request, photo)
    second = await running.client.submit(request, photo)

    assert isinstance(first, Refused)
    assert (first.stage, first.reason) == (Stage.PROMPT, Reason.SEXUAL)
    assert second == first


async def test_the_same_job_may_be_handed_in_again_but_not_with_another_photo(running: Running) -> None:
    request, photo = a_request(), a_photo()

    first = await running.client.submit(request, photo)
    again = await running.client.submit(request, photo)

    assert isinstance(first, JobView)
    assert isinstance(again, JobView)
    with pytest.raises(Conflict):
        await running.client.submit(request, a_photo(2))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", PhotoProblem.EMPTY),
        (b"hello, I am no picture", PhotoProblem.NOT_AN_IMAGE),
        (b"\xff\xd8\xff" + b"0" * 50, PhotoProblem.BROKEN),
    ],
)
async def test_what_is_no_photo_is_said_exactly(running: Running, data: bytes, problem: PhotoProblem) -> None:
    with pytest.raises(PhotoRejected) as caught:
        await running.client.submit(a_request(), data)

    assert caught.value.problem is problem


async def test_a_photo_over_the_limit_is_refused_while_it_is_read(running: Running) -> None:
    with pytest.raises(PhotoRejected) as caught:
        await running.client.submit(a_request(), b"\xff" * 20_000_001)

    assert caught.value.problem is PhotoProblem.TOO_MANY_BYTES


async def test_one_person_cannot_fill_the_queue(running: Running) -> None:
    photo = a_photo()
    with pytest.raises(QuotaExceeded) as caught:
        for _ in range(12):
            await running.client.submit(a_request(requester="greedy-person"), photo)

    assert caught.value.retry_after_seconds > 0
    view = await running.client.requester("greedy-person")
    for job in view.jobs:
        await running.client.cancel(job.job_id)


async def test_a_job_can_be_canceled_and_says_so(running: Running) -> None:
    request = a_request(requester="changed-my-mind")
    await running.client.submit(request, a_photo())

    await running.client.cancel(request.job_id)

    assert isinstance(await outcome_of(running.client, request.job_id), Canceled | Animated)
    assert isinstance(await running.client.cancel(request.job_id), JobView)


async def test_only_the_maker_shares_and_not_what_was_reported(running: Running) -> None:
    request = a_request(requester="maker-hash")
    await running.client.submit(request, a_photo())
    await outcome_of(running.client, request.job_id)
    to_group = ShareRequest(requester="maker-hash", group="group-hash", opted_in=True)

    yes = await running.client.share(request.job_id, to_group)
    stranger = await running.client.share(
        request.job_id, ShareRequest(requester="somebody-else", group="group-hash", opted_in=True)
    )
    await running.client.report(request.job_id, ReportRequest(reporter="somebody-else"))
    reported = await running.client.share(request.job_id, to_group)

    assert isinstance(yes, ShareAllowed)
    assert isinstance(stranger, Refused)
    assert stranger.reason is Reason.NOT_YOURS
    assert isinstance(reported, Refused)
    assert reported.reason is Reason.REPORTED


async def test_a_clip_that_changed_on_the_disk_is_not_shared(running: Running) -> None:
    request = a_request(requester="maker-hash")
    await running.client.submit(request, a_photo())
    outcome = await outcome_of(running.client, request.job_id)
    path = running.data / "clips" / f"{outcome.clip_sha256}.mp4"
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    answer = await running.client.share(
        request.job_id, ShareRequest(requester="maker-hash", group="group-hash", opted_in=True)
    )

    assert isinstance(answer, Refused)
    assert answer.reason is Reason.CLIP_CHANGED


async def test_everything_of_a_person_goes_at_once(running: Running) -> None:
    request = a_request(requester="leaving-now")
    await running.client.submit(request, a_photo())
    await outcome_of(running.client, request.job_id)

    removed = await running.client.erase("leaving-now")

    assert (removed.stored_jobs, removed.stored_clips) == (1, 1)
    with pytest.raises(NotFound):
        await running.client.clip(request.job_id)


async def test_delivery_is_acknowledged_as_often_as_one_likes(running: Running) -> None:
    request = a_request()
    await running.client.submit(request, a_photo())
    await outcome_of(running.client, request.job_id)

    await running.client.acknowledge(request.job_id)
    await running.client.acknowledge(request.job_id)

    with pytest.raises(NotFound):
        await running.client.acknowledge("00000000-0000-4000-8000-ffffffffffff")


async def test_the_socket_is_for_its_owner_only(running: Running) -> None:
    assert stat.S_IMODE(running.socket.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jobs/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/jobs/not-a-uuid/clip", 404),
        ("GET", "/requesters/../status", 200),
        ("GET", "/outcomes?after=-1", 422),
        ("GET", "/outcomes?after=many", 422),
        ("PUT", "/jobs/00000000-0000-4000-8000-00000000abcd", 422),
        ("POST", "/verify", 422),
        ("GET", "/nothing", 404),
        ("PATCH", "/status", 405),
    ],
)
async def test_strange_calls_get_a_problem_document(
    running: Running, method: str, path: str, status: int
) -> None:
    connector = aiohttp.UnixConnector(str(running.socket))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.request(method, f"http://engine{path}") as response:
            assert response.status == status
            if status >= 400:
                assert response.content_type == "application/problem+json"


async def test_the_figures_are_there(running: Running) -> None:
    connector = aiohttp.UnixConnector(str(running.socket))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get("http://engine/metrics") as response:
            text = await response.text()
        async with session.get("http://engine/readyz") as response:
            assert response.status == 200
    assert "zoetrope_ended_jobs_total" in text
    assert "zoetrope_leaf_days_left 36" in text


async def test_on_a_port_everybody_needs_the_token(tmp_path: Path, unused_tcp_port: int) -> None:
    secret = tmp_path / "token"
    secret.write_text("open sesame, please")
    config = small(tmp_path / "d", port=unused_tcp_port, token_file=str(secret))
    prepare(config)
    url = f"http://127.0.0.1:{unused_tcp_port}"

    async with engine(config) as door, listening(config, door):
        async with EngineClient(Address(url=url, token="guess")) as stranger:
            with pytest.raises(Unauthorized):
                await stranger.status()
        async with EngineClient(Address(url=url, token="open sesame, please")) as friend:
            assert (await friend.status()).accepting


async def test_a_prompt_over_the_limit_is_an_invalid_request(running: Running) -> None:
    with pytest.raises(InvalidRequest, match="prompt"):
        await running.client.submit(a_request("x" * 1025), a_photo())


async def test_who_asks_before_sending_is_told_before_sending(running: Running) -> None:
    asked = a_request(requester="asks-first")

    status, *_ = await put(running.socket, asked, a_photo())
    again, *_ = await put(running.socket, asked, a_photo())

    assert (status, again) == (202, 202)
    await running.client.cancel(asked.job_id)


async def test_a_body_that_trickles_is_cut_off(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.4)
    reader, writer = await trickle(running.socket)
    dripping = asyncio.create_task(drip([writer]))

    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)

    dripping.cancel()
    writer.close()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Retry-After: 5" in head
