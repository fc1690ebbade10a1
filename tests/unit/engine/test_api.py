"""The HTTP interface: what is answered, when, and what is never told. Real app, real ledger, over a real socket."""

import asyncio
import json
import time

import aiohttp
import msgspec
import pytest

from engine.client import EngineClient
from engine.errors import (
    Busy,
    CheckFailed,
    Conflict,
    EngineUnavailable,
    InvalidRequest,
    NotFound,
    PhotoRejected,
    QuotaExceeded,
)
from engine.ledger import Limits
from engine.schema import (
    Animated,
    Canceled,
    DecisionRequest,
    Finding,
    JobRequest,
    JobStatus,
    JobView,
    OperatorDecision,
    PhotoProblem,
    Reason,
    Refused,
    ReportRequest,
    Restricted,
    ShareAllowed,
    ShareRequest,
    Stage,
)
from tests.unit.engine.conftest import House, OpenHouse
from tests.unit.engine.ledger.conftest import a_request

PHOTO = b"photo of a hill"


async def outcome_of(client: EngineClient, job_id: str) -> object:
    after = 0
    while True:
        for told in (await client.outcomes(after=after, wait_seconds=5)).outcomes:
            after = told.sequence
            if told.outcome.job_id == job_id:
                return told.outcome


async def animated(house: House, **changes: object) -> tuple[JobRequest, Animated]:
    request = a_request(**changes)
    await house.client.submit(request, PHOTO)
    outcome = await outcome_of(house.client, request.job_id)
    assert isinstance(outcome, Animated)
    return request, outcome


# --- handing in ---------------------------------------------------------------------------------------


async def test_an_accepted_job_is_answered_with_its_place(open_house: OpenHouse) -> None:
    async with open_house(serving=False) as house:
        view = await house.client.submit(a_request("ann-hash"), PHOTO)
        later = await house.client.submit(a_request("bob-hash"), PHOTO)

    assert isinstance(view, JobView)
    assert (view.status, view.place) == (JobStatus.QUEUED, 1)
    assert later.place == 2
    assert later.expected_seconds > view.expected_seconds


async def test_the_photo_is_on_the_disk_before_the_answer(open_house: OpenHouse) -> None:
    async with open_house(serving=False) as house:
        request = a_request()
        await house.client.submit(request, PHOTO)

        assert (house.shop.folder / "photos" / f"{request.job_id}.jpg").read_bytes() == PHOTO


@pytest.mark.parametrize(
    ("prompt", "kind", "reason"),
    [
        ("refuse me", Refused, Reason.VIOLENCE),
        ("restrict me", Restricted, Reason.SEXUAL),
        ("hold me", Refused, Reason.SEXUAL),
    ],
)
async def test_a_no_at_the_door_is_the_answer_once_and_always(
    house: House, prompt: str, kind: type, reason: Reason
) -> None:
    request = a_request(prompt=prompt)

    first = await house.client.submit(request, PHOTO)
    again = await house.client.submit(request, PHOTO)

    assert isinstance(first, kind)
    assert (first.reason, first.stage) == (reason, Stage.PROMPT)
    assert first == again
    assert house.shop.gates.asked == ["photo", "request"], "the second answer comes from the ledger"
    assert (await house.client.outcomes(after=0, wait_seconds=0)).outcomes == ()
    assert list((house.shop.folder / "photos").iterdir()) == []


async def test_two_identical_requests_at_once_are_one_job(house: House) -> None:
    request = a_request()

    await asyncio.gather(*(house.client.submit(request, PHOTO) for _ in range(5)))

    assert house.shop.gates.asked.count("request") == 1


async def test_the_same_id_with_other_content_is_a_conflict(open_house: OpenHouse) -> None:
    async with open_house(serving=False) as house:
        request = a_request()
        await house.client.submit(request, PHOTO)

        with pytest.raises(Conflict):
            await house.client.submit(request, PHOTO + b"!")
        with pytest.raises(Conflict):
            await house.client.submit(msgspec.structs.replace(request, prompt="rain"), PHOTO)

        assert (house.shop.folder / "photos" / f"{request.job_id}.jpg").read_bytes() == PHOTO


async def test_what_is_no_photo_can_be_tried_again_with_one(house: House) -> None:
    request = a_request()

    with pytest.raises(PhotoRejected) as caught:
        await house.client.submit(request, b"hello")

    assert caught.value.problem is PhotoProblem.NOT_AN_IMAGE
    assert isinstance(await house.client.submit(request, PHOTO), JobView)


async def test_gates_that_give_no_answer_are_not_an_allowance(house: House) -> None:
    request = a_request(prompt="gates are down")

    with pytest.raises(CheckFailed) as caught:
        await house.client.submit(request, PHOTO)

    assert caught.value.retry_after_seconds == 10.0
    with pytest.raises(NotFound):
        await house.client.job(request.job_id)


async def test_a_mistake_of_ours_is_told_without_a_word_of_the_prompt(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EngineUnavailable):
        await house.client.submit(a_request(prompt="trip the door"), PHOTO)

    log = "".join(capsys.readouterr())
    assert "request failed" in log
    assert "trip the door" not in log


# --- admission ----------------------------------------------------------------------------------------


class Watched:
    """A body that knows how much of it was asked for."""

    def __init__(self, size: int) -> None:
        self.left = self.size = size

    async def __aiter__(self):
        while self.left > 0:
            self.left -= 65_536
            yield b"x" * 65_536

    @property
    def sent(self) -> int:
        return self.size - self.left


async def test_a_full_queue_says_so_before_the_photo_is_sent(open_house: OpenHouse) -> None:
    limits = Limits(depth=1, queued_per_requester=1, running_per_requester=1)
    async with open_house(serving=False, limits=limits) as house:
        accepted = a_request("ann-hash")
        await house.client.submit(accepted, PHOTO)
        body = Watched(200 * 2**20)

        with pytest.raises(Busy) as caught:
            await house.client.submit(a_request("bob-hash"), PHOTO)
        answer = await put(house, a_request("bob-hash"), body)

        assert caught.value.retry_after_seconds > 0
        assert answer == 503
        assert body.sent < 20 * 2**20, "refused by the header, the rest was never asked for"
        assert isinstance(await house.client.submit(accepted, PHOTO), JobView), (
            "a known job is not turned away"
        )


async def put(house: House, request: JobRequest, body: Watched) -> int | None:
    """The status; None where the engine closed the connection while we were still sending."""
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    try:
        async with house.http.put(f"/jobs/{request.job_id}", data=body, headers=headers) as response:
            return response.status
    except aiohttp.ClientError:
        return None


async def test_one_person_cannot_fill_the_queue_and_is_told_before_the_photo(open_house: OpenHouse) -> None:
    async with open_house(serving=False) as house:
        for _ in range(5):
            await house.client.submit(a_request("ann-hash"), PHOTO)
        asked = len(house.shop.gates.asked)

        with pytest.raises(QuotaExceeded):
            await house.client.submit(a_request("ann-hash"), PHOTO)

        assert len(house.shop.gates.asked) == asked
        assert isinstance(await house.client.submit(a_request("bob-hash"), PHOTO), JobView)


async def test_a_crowd_is_let_in_one_by_one(open_house: OpenHouse) -> None:
    async with open_house(places=0) as house:
        with pytest.raises(Busy):
            await house.client.submit(a_request(), PHOTO)


async def test_a_full_disk_takes_no_photos(open_house: OpenHouse) -> None:
    async with open_house(free_disk_megabytes=10**9) as house:
        with pytest.raises(Busy):
            await house.client.submit(a_request(), PHOTO)


async def test_a_photo_that_the_disk_does_not_take_is_not_accepted(house: House) -> None:
    request = a_request()
    (house.shop.folder / "photos" / f"{request.job_id}.jpg").mkdir()  # no file can take this place

    with pytest.raises(Busy):
        await house.client.submit(request, PHOTO)

    with pytest.raises(NotFound):
        await house.client.job(request.job_id)


async def test_an_engine_that_stops_takes_nothing_and_lets_nobody_wait(house: House) -> None:
    waiting = asyncio.create_task(house.client.outcomes(after=0, wait_seconds=20))
    await asyncio.sleep(0.05)

    house.shop.dispatcher.accepting = False
    house.shop.dispatcher.news.ring()

    assert (await waiting).outcomes == ()
    with pytest.raises(Busy):
        await house.client.submit(a_request(), PHOTO)
    assert not (await house.client.status()).accepting


# --- bodies that are not what they should be ----------------------------------------------------------

JOB = "00000000-0000-4000-8000-00000000abcd"
HEAD = b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
GOOD = msgspec.json.encode(a_request(job_id=JOB))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"--b\r\n",
        b"--b\r\nno header at all\r\n\r\n",
        b"--c\r\n\r\nanother boundary",
        HEAD + b"{}\r\n--b--\r\n",
        HEAD + b"not json\r\n--b--\r\n",
        HEAD + b"\xff\xfe\r\n--b--\r\n",
        HEAD + b'{"prompt": "\\ud800"}\r\n--b--\r\n',
        HEAD + GOOD + b"\r\n--b--\r\n",
        HEAD + GOOD + b"\r\n" + HEAD + GOOD + b"\r\n--b--\r\n",
        HEAD + GOOD.replace(b"abcd", b"abce") + b"\r\n--b--\r\n",
        HEAD + b" " * 70_000 + b"\r\n--b--\r\n",
        HEAD.replace(b"request", b"photo") + b"photo\r\n--b--\r\n",
        HEAD.replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")
        + b"--c--\r\n--b--\r\n",
    ],
)
async def test_a_body_that_cannot_be_read_is_an_invalid_request(house: House, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    async with house.http.put(f"/jobs/{JOB}", data=body, headers=headers) as response:
        problem = await response.json(content_type="application/problem+json")

    assert response.status == 422
    assert problem["type"].endswith("/invalid-request")
    with pytest.raises(NotFound):
        await house.client.job(JOB)


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("PATCH", "/status", None, 405),
        ("GET", "/jobs/..%2f..%2fetc%2fpasswd/clip", None, 404),
        ("GET", f"/jobs/{JOB}", None, 404),
        ("DELETE", f"/jobs/{JOB}", None, 404),
        ("POST", f"/jobs/{JOB}/delivered", None, 404),
        ("POST", f"/jobs/{JOB}/shares", b'{"requester": "ann-hash", "group": "group-hash"}', 404),
        ("POST", f"/jobs/{JOB}/shares", b'{"requester": "x"}', 422),
        ("POST", f"/jobs/{JOB}/shares", b"[" * 70_000, 422),
        ("POST", f"/jobs/{JOB}/reports", b'{"reporter": "ann-hash"}', 404),
        ("GET", "/outcomes?after=-1", None, 422),
        ("GET", "/outcomes?after=1e3", None, 422),
        ("GET", f"/outcomes?after={10**30}", None, 422),
        ("GET", "/outcomes?wait=nan", None, 422),
        ("GET", "/outcomes?wait=soon", None, 422),
        ("POST", "/verify", b"no parts", 422),
    ],
)
async def test_strange_calls_get_a_problem_document(
    house: House, method: str, path: str, data: bytes | None, status: int
) -> None:
    async with house.http.request(method, path, data=data) as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["status"]) == (status, status)
    assert set(problem) >= {"type", "title", "detail"}


async def test_a_body_that_comes_too_slowly_may_be_sent_again(open_house: OpenHouse) -> None:
    async with open_house(body_seconds=0.2) as house:
        reader, writer = await asyncio.open_unix_connection(str(house.socket))
        head = f"PUT /jobs/{JOB} HTTP/1.1\r\nHost: e\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 999\r\n\r\n"
        writer.write(head.encode() + HEAD)

        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Retry-After: 5" in answer


async def test_a_caller_that_hangs_up_is_no_news(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    _, writer = await asyncio.open_unix_connection(str(house.socket))
    head = f"PUT /jobs/{JOB} HTTP/1.1\r\nHost: e\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 999\r\n\r\n"
    writer.write(head.encode() + HEAD)
    await writer.drain()
    writer.close()

    await asyncio.sleep(0.1)

    assert (await house.client.status()).accepting
    assert house.door._inside == 0
    assert "request failed" not in "".join(capsys.readouterr())


async def test_a_small_json_body_may_come_in_pieces(house: House) -> None:
    request, outcome = await animated(house)

    async def pieces():
        for byte in json.dumps({"requester": request.requester, "group": "group-hash", "opted_in": True}):
            yield byte.encode()
            await asyncio.sleep(0)

    async with house.http.post(f"/jobs/{request.job_id}/shares", data=pieces()) as response:
        assert await response.json() == {
            "type": "share_allowed",
            "job_id": request.job_id,
            "clip_sha256": outcome.clip_sha256,
        }


# --- the feed -----------------------------------------------------------------------------------------


async def test_a_long_poll_answers_when_something_comes(house: House) -> None:
    polling = asyncio.create_task(house.client.outcomes(after=0, wait_seconds=20))
    await asyncio.sleep(0.05)
    request = a_request()
    begun = time.monotonic()

    await house.client.submit(request, PHOTO)
    page = await polling

    assert [told.outcome.job_id for told in page.outcomes] == [request.job_id]
    assert time.monotonic() - begun < 15  # not when the poll would have ended by itself
    assert (await house.client.outcomes(after=page.outcomes[0].sequence, wait_seconds=0)).outcomes == ()


async def test_a_canceled_job_is_told_and_stays_canceled(open_house: OpenHouse) -> None:
    async with open_house(serving=False) as house:
        request = a_request()
        await house.client.submit(request, PHOTO)

        for _ in range(2):
            assert (await house.client.cancel(request.job_id)).status is JobStatus.CANCELED

        assert await outcome_of(house.client, request.job_id) == Canceled(
            job_id=request.job_id, reply_to=request.reply_to
        )


# --- the clip -----------------------------------------------------------------------------------------


async def test_a_clip_is_its_bytes_and_its_hash(house: House) -> None:
    request, outcome = await animated(house)
    url = f"/jobs/{request.job_id}/clip"

    async with house.http.get(url) as response:
        clip = await response.read()
        etag = response.headers["ETag"]
    async with house.http.get(url, headers={"If-None-Match": etag}) as again:
        assert again.status == 304

    assert clip == await house.client.clip(request.job_id)
    assert etag == f'"{outcome.clip_sha256}"'
    assert (response.content_type, len(clip)) == ("video/mp4", outcome.size_bytes)


@pytest.mark.parametrize(
    ("asked", "status", "slice_", "said"),
    [
        ("bytes=0-3", 206, slice(0, 4), "bytes 0-3/{size}"),
        ("bytes=5-", 206, slice(5, None), "bytes 5-{last}/{size}"),
        ("bytes=-4", 206, slice(-4, None), "bytes {fourth}-{last}/{size}"),
        ("bytes=4-99999", 206, slice(4, None), "bytes 4-{last}/{size}"),
        ("bytes=99999-", 416, None, "bytes */{size}"),
        ("lines=1-2", 200, slice(None), None),
        ("bytes=9-1", 200, slice(None), None),
    ],
)
async def test_ranges_of_a_clip(
    house: House, asked: str, status: int, slice_: slice | None, said: str | None
) -> None:
    request, _ = await animated(house)
    clip = await house.client.clip(request.job_id)

    async with house.http.get(f"/jobs/{request.job_id}/clip", headers={"Range": asked}) as response:
        body = await response.read()

    size = len(clip)
    assert response.status == status
    assert slice_ is None or body == clip[slice_]
    assert response.headers.get("Content-Range") == (
        said and said.format(size=size, last=size - 1, fourth=size - 4)
    )


async def test_a_range_of_another_version_is_the_whole_clip(house: House) -> None:
    request, outcome = await animated(house)
    url, headers = f"/jobs/{request.job_id}/clip", {"Range": "bytes=0-3"}

    async with house.http.get(url, headers={**headers, "If-Range": '"another"'}) as other:
        assert other.status == 200
    async with house.http.get(url, headers={**headers, "If-Range": f'"{outcome.clip_sha256}"'}) as same:
        assert same.status == 206


async def test_a_file_that_changed_on_the_disk_does_not_leave(house: House) -> None:
    request, outcome = await animated(house)
    path = house.shop.folder / "clips" / f"{outcome.clip_sha256}.mp4"
    path.write_bytes(path.read_bytes() + b"!")

    with pytest.raises(NotFound):
        await house.client.clip(request.job_id)
    answer = await house.client.share(
        request.job_id, ShareRequest(requester=request.requester, group="group-hash", opted_in=True)
    )

    assert isinstance(answer, Refused)
    assert answer.reason is Reason.CLIP_CHANGED


# --- sharing, reports, erasure ------------------------------------------------------------------------


async def test_only_the_maker_shares_and_every_decision_is_kept(house: House) -> None:
    request, outcome = await animated(house, requester="ann-hash")

    yes = await house.client.share(
        request.job_id, ShareRequest(requester="ann-hash", group="group-hash", opted_in=True)
    )
    no = await house.client.share(
        request.job_id, ShareRequest(requester="bob-hash", group="group-hash", opted_in=True)
    )

    assert yes == ShareAllowed(job_id=request.job_id, clip_sha256=outcome.clip_sha256)
    assert no == Refused(
        job_id=request.job_id, reply_to=request.reply_to, stage=Stage.SHARE, reason=Reason.NOT_YOURS
    )
    assert house.shop.ledger.history(request.job_id)[-4:] == ["decision", "shared", "decision", "not_shared"]


async def test_people_are_shown_to_a_group_when_the_maker_says_that_they_agree(house: House) -> None:
    request = a_request("ann-hash")
    await house.client.submit(request, b"photo of a face")
    assert (await outcome_of(house.client, request.job_id)).shows_people
    asked = ShareRequest(requester="ann-hash", group="group-hash", opted_in=True)

    silent = await house.client.share(request.job_id, asked)
    said = await house.client.share(request.job_id, msgspec.structs.replace(asked, attested=True))

    assert silent.reason is Reason.NOT_ATTESTED
    assert isinstance(said, ShareAllowed)


async def test_a_reported_clip_is_not_shared_again(house: House) -> None:
    request, _ = await animated(house, requester="ann-hash")

    await house.client.report(request.job_id, ReportRequest(reporter="bob-hash", group="group-hash"))
    answer = await house.client.share(
        request.job_id, ShareRequest(requester="ann-hash", group="group-hash", opted_in=True)
    )

    assert answer.reason is Reason.REPORTED
    async with house.http.get("/metrics") as response:
        figures = await response.text()
    assert "zoetrope_reports_total 1.0" in figures
    assert 'zoetrope_refusals_total{reason="reported",stage="share"} 1.0' in figures


async def test_a_person_sees_and_erases_what_is_stored(house: House) -> None:
    done, _ = await animated(house, requester="ann-hash")
    running = a_request("ann-hash", prompt="takes long")
    await house.client.submit(running, PHOTO)
    while running.job_id not in house.shop.fleet.rendering:
        await asyncio.sleep(0.01)

    before = await house.client.requester("ann-hash")
    removed = await house.client.erase("ann-hash")
    after = await house.client.requester("ann-hash")

    assert [job.job_id for job in before.jobs] == [running.job_id]
    assert (removed.stored_jobs, removed.stored_clips) == (2, 1)
    assert (after.jobs, after.stored_jobs, after.stored_clips) == ((), 0, 0)
    assert isinstance(await outcome_of(house.client, running.job_id), Canceled)
    with pytest.raises(NotFound):
        await house.client.clip(done.job_id)
    left = [path.name for name in ("photos", "clips") for path in (house.shop.folder / name).iterdir()]
    assert left == []


# --- figures ------------------------------------------------------------------------------------------


async def test_status_health_and_readiness(house: House) -> None:
    await animated(house)

    status = await house.client.status()
    async with house.http.get("/readyz") as ready:
        assert ready.status == 200
    house.shop.gates.ready = False
    async with house.http.get("/readyz") as starting:
        assert starting.status == 503
    async with house.http.get("/healthz") as healthy:
        assert healthy.status == 200

    assert (status.ready, status.queued, status.running, status.workers) == (True, 0, 0, 1)
    assert (status.accepting, status.switched_off) == (True, ("faces",))
    assert 0 < status.typical_seconds < 5


async def test_a_file_is_verified(house: House) -> None:
    assert (await house.client.verify(b"12345")).detail is Finding.NO_CREDENTIALS


async def test_a_token_is_needed_where_there_is_one(house: House) -> None:
    house.door.token = "open sesame"

    for given in ("", "Bearer", "Bearer open", "open sesame", "Bearer öpen"):
        async with house.http.get("/status", headers={"Authorization": given}) as response:
            assert response.status == 401
    async with house.http.get("/status", headers={"Authorization": "Bearer open sesame"}) as response:
        assert response.status == 200


async def test_a_prompt_over_the_limit_names_the_field_and_not_the_words(house: House) -> None:
    with pytest.raises(InvalidRequest, match=r"prompt") as caught:
        await house.client.submit(a_request(prompt="secret " * 200), PHOTO)

    assert "secret" not in str(caught.value)


# --- operators ----------------------------------------------------------------------------------------


async def test_a_removed_clip_is_neither_given_out_nor_shared_until_it_is_restored(
    open_house: OpenHouse,
) -> None:
    async with open_house() as house:
        request, _ = await animated(house)
        remove = DecisionRequest(
            decision=OperatorDecision.REMOVE, operator="operator-hash", reason=Reason.HATE
        )
        share = ShareRequest(requester=request.requester, group="group-hash", attested=True, opted_in=True)
        await house.client.decide(request.job_id, remove)
        with pytest.raises(NotFound):
            await house.client.clip(request.job_id)
        refused = await house.client.share(request.job_id, share)
        restore = msgspec.structs.replace(remove, decision=OperatorDecision.RESTORE, reason=None)
        await house.client.decide(request.job_id, restore)
        allowed = await house.client.share(request.job_id, share)
        figures = await house.client.figures(days=1)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.REPORTED
    assert isinstance(allowed, ShareAllowed)
    assert figures.decisions == {"remove": 1, "restore": 1}


async def test_again_takes_the_words_of_the_same_persons_earlier_job(open_house: OpenHouse) -> None:
    async with open_house() as house:
        first, _ = await animated(house)
        again = msgspec.structs.replace(a_request(first.requester, prompt=""), repeat=first.job_id)
        await house.client.submit(again, PHOTO)
        known = house.door.dispatcher.ledger.request_of(again.job_id, first.requester)
        stranger = msgspec.structs.replace(a_request("somebody-else", prompt=""), repeat=first.job_id)
        with pytest.raises(NotFound):
            await house.client.submit(stranger, PHOTO)

    assert known is not None
    assert known.prompt == first.prompt
