"""Jobs come to workers and end in the ledger: the real ledger, the real pipeline, a shop in miniature around them."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.dispatcher import Bell
from engine.errors import Busy
from engine.fleet import RenderOrder
from engine.ledger import Ledger, Limits
from engine.media.clip import LabeledClip
from engine.pipeline import sha256_of
from engine.schema import Animated, Canceled, Failed, FailureCause, JobStatus, Reason, Refused, Stage, Step
from engine.verdicts import PhotoFacts
from tests.unit.engine.ledger.conftest import a_request
from tests.unit.engine.smallshop import FACE, SmallShop, SmallWorker, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[SmallShop]:
    async with asyncio.timeout(20), open_shop(tmp_path) as opened:
        yield opened
        assert await opened.ledger.write(lambda verbs: verbs.check()) == []


async def hand_in(
    shop: SmallShop, prompt: str, requester: str = "ann-hash", facts: PhotoFacts | None = None
) -> str:
    request = a_request(requester, prompt=prompt)
    (shop.folder / "photos" / f"{request.job_id}.jpg").write_bytes(b"photo")
    await shop.ledger.write(
        lambda verbs: verbs.accept(request, "digest", request.job_id, facts or PhotoFacts(), (), 7)
    )
    shop.dispatcher.work_to_do.ring()
    return request.job_id


async def ended(shop: SmallShop, job_id: str) -> object:
    while (outcome := shop.ledger.row(job_id).outcome) is None:
        await shop.dispatcher.news.wait(0.05)
    return outcome


async def test_a_job_becomes_a_clip_whose_name_is_its_hash(shop: SmallShop) -> None:
    job_id = await hand_in(shop, "snow", facts=PhotoFacts(faces=(FACE,)))

    outcome = await ended(shop, job_id)

    assert isinstance(outcome, Animated)
    assert outcome.shows_people
    path = shop.folder / "clips" / f"{outcome.clip_sha256}.mp4"
    assert sha256_of(path) == outcome.clip_sha256
    assert path.read_bytes() == b"snow|seed 7|signed for " + job_id.encode()
    assert shop.ledger.history(job_id) == ["queued", "started", "decision", "outcome"]


async def test_photo_and_half_made_clips_are_gone_when_a_job_has_ended(shop: SmallShop) -> None:
    for prompt in ("snow", "clip refused", "cannot be rendered", "cannot be signed", "clip wrong once"):
        await ended(shop, await hand_in(shop, prompt))
    while shop.dispatcher._completing:
        await asyncio.sleep(0)

    assert list((shop.folder / "photos").iterdir()) == []
    assert list((shop.folder / "work").iterdir()) == []


async def test_a_clip_that_came_out_wrong_is_made_again_with_another_seed(shop: SmallShop) -> None:
    """The only worker is free for it although nothing else waits: nobody holds a worker for a job to come."""
    job_id = await hand_in(shop, "clip wrong once")

    assert isinstance(await ended(shop, job_id), Animated)
    assert [order.seed for order in shop.fleet.rendered] == [7, 8]
    assert shop.gates.asked == [
        "clip clip wrong once|seed 7 remade=False",
        "clip clip wrong once|seed 8 remade=True",
    ]
    assert len(shop.ledger.decisions(job_id)) == 2


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [("clip wrong twice", Reason.FLASHING), ("clip refused", Reason.SEXUAL), ("clip held", Reason.SEXUAL)],
)
async def test_a_clip_that_may_not_leave_is_refused(shop: SmallShop, prompt: str, reason: Reason) -> None:
    outcome = await ended(shop, await hand_in(shop, prompt))

    assert isinstance(outcome, Refused)
    assert (outcome.stage, outcome.reason) == (Stage.CLIP, reason)
    assert list((shop.folder / "clips").iterdir()) == []


@pytest.mark.parametrize(
    ("prompt", "cause", "tries"),
    [
        ("kills its worker", FailureCause.WORKER_DIED, 2),
        ("cannot be rendered", FailureCause.RENDERING, 1),
        ("trips the renderer", FailureCause.RENDERING, 1),
        ("clip unchecked", FailureCause.CHECKING, 1),
        ("cannot be signed", FailureCause.SIGNING, 1),
    ],
)
async def test_a_fault_is_told_when_it_is_final(
    shop: SmallShop, prompt: str, cause: FailureCause, tries: int, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await ended(shop, await hand_in(shop, prompt))

    assert isinstance(outcome, Failed)
    assert outcome.cause is cause
    assert len(shop.fleet.rendered) == tries
    log = "".join(capsys.readouterr())
    assert "job finished" in log
    assert "the prompt was" not in log


async def test_a_job_outlives_the_death_of_one_worker(shop: SmallShop) -> None:
    job_id = await hand_in(shop, "kills one worker")

    assert isinstance(await ended(shop, job_id), Animated)
    assert shop.ledger.row(job_id).starts == 2


async def test_the_next_job_renders_while_the_last_one_is_signed(shop: SmallShop) -> None:
    shop.signer.patience = asyncio.Event()
    first = await hand_in(shop, "snow")
    await shop.signer.signing.wait()

    second = await hand_in(shop, "takes long")
    while second not in shop.fleet.rendering:
        await asyncio.sleep(0.01)

    assert shop.dispatcher.view(shop.ledger.row(first)).step is Step.SIGNING
    assert shop.dispatcher.view(shop.ledger.row(second)).fraction == 0.5
    shop.signer.patience.set()
    assert isinstance(await ended(shop, first), Animated)
    await shop.dispatcher.cancel(second)
    assert isinstance(await ended(shop, second), Canceled)


async def test_a_cancel_stops_the_render(shop: SmallShop) -> None:
    job_id = await hand_in(shop, "takes long")
    while job_id not in shop.fleet.rendering:
        await asyncio.sleep(0.01)

    await shop.dispatcher.cancel(job_id)

    assert isinstance(await ended(shop, job_id), Canceled)


async def test_the_photo_of_a_job_that_was_canceled_in_the_queue_is_gone_at_once(tmp_path: Path) -> None:
    async with open_shop(tmp_path, serving=False) as shop:
        job_id, other = await hand_in(shop, "snow"), await hand_in(shop, "rain")

        await shop.dispatcher.cancel(job_id)

        assert [path.name for path in (tmp_path / "photos").iterdir()] == [f"{other}.jpg"]


async def test_a_clip_that_was_canceled_while_it_was_signed_is_thrown_away(shop: SmallShop) -> None:
    shop.signer.patience = asyncio.Event()
    job_id = await hand_in(shop, "snow")
    await shop.signer.signing.wait()

    await shop.dispatcher.cancel(job_id)
    shop.signer.patience.set()

    assert isinstance(await ended(shop, job_id), Canceled)
    while shop.dispatcher._completing:
        await asyncio.sleep(0)
    assert list((shop.folder / "clips").iterdir()) == []


async def test_two_workers_work_at_once_and_each_person_waits_their_turn(tmp_path: Path) -> None:
    limits = Limits(depth=20, queued_per_requester=9, running_per_requester=1)
    async with asyncio.timeout(20), open_shop(tmp_path, workers=2, limits=limits) as shop:
        jobs = [
            await hand_in(shop, "takes long", requester) for requester in ("ann-hash", "ann-hash", "bob-hash")
        ]
        while len(shop.fleet.rendering) < 2:
            await asyncio.sleep(0.01)

        assert set(shop.fleet.rendering) == {jobs[0], jobs[2]}
        view = shop.dispatcher.view(shop.ledger.row(jobs[1]))
        assert view.place == 1
        for job_id in jobs:
            await shop.dispatcher.cancel(job_id)


async def test_expected_time_counts_what_runs_and_who_is_ahead(tmp_path: Path) -> None:
    async with open_shop(tmp_path, serving=False) as shop:
        shop.dispatcher._durations.extend([8.0, 10.0, 30.0])
        first, second = [await hand_in(shop, "snow", requester) for requester in ("ann-hash", "bob-hash")]

        expected = [shop.dispatcher.view(shop.ledger.row(job)).expected_seconds for job in (first, second)]

        assert expected == [10.0, 20.0]


async def test_after_three_clips_the_estimate_is_within_a_fifth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever clips took before: the renderer may have changed."""
    now, takes = 1000.0, iter([11.0, 18.0, 10.0, 9.0])
    label = SmallWorker.label

    def slowly(self: SmallWorker, order: RenderOrder) -> LabeledClip:
        nonlocal now
        now += next(takes)
        return label(self, order)

    monkeypatch.setattr(SmallWorker, "label", slowly)
    async with open_shop(tmp_path) as shop:
        shop.dispatcher.clock = lambda: now
        shop.dispatcher._durations.extend([2.0] * 20)
        for _ in range(3):
            await ended(shop, await hand_in(shop, "snow"))

        running = await hand_in(shop, "takes long")
        while running not in shop.fleet.rendering:
            await asyncio.sleep(0)
        expected = {}
        for passed in (0, 5):
            now += passed
            expected[passed] = shop.dispatcher.view(shop.ledger.row(running)).expected_seconds
        await shop.dispatcher.cancel(running)

    assert expected[0] == pytest.approx(11, rel=0.2)
    assert expected[5] == pytest.approx(11 - 5, rel=0.2)


async def test_a_start_remembers_how_long_clips_took(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await ended(shop, await hand_in(shop, "snow"))

    async with open_shop(tmp_path) as again:
        assert again.dispatcher.typical_seconds < 5.0


async def test_a_stop_lets_running_jobs_end_and_starts_no_others(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        shop.signer.patience = asyncio.Event()
        job_id = await hand_in(shop, "snow")
        await shop.signer.signing.wait()
        asyncio.get_running_loop().call_later(0.2, shop.signer.patience.set)

    async with open_shop(tmp_path, serving=False) as after:
        assert after.ledger.row(job_id).status is JobStatus.ANIMATED


async def test_a_stop_puts_back_what_does_not_end_in_time(tmp_path: Path) -> None:
    async with open_shop(tmp_path, drain_seconds=0.05) as shop:
        job_id = await hand_in(shop, "takes long")
        while job_id not in shop.fleet.rendering:
            await asyncio.sleep(0.01)

    async with open_shop(tmp_path, serving=False) as after:
        assert after.ledger.row(job_id).status is JobStatus.QUEUED
        assert after.ledger.put_back == []
        assert (tmp_path / "photos" / f"{job_id}.jpg").exists()
        assert after.ledger.history(job_id)[-1] == "requeued"


async def test_an_end_waits_for_a_disk_that_is_full(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.dispatcher._DISK_SECONDS", 0.05)
    shop.signer.patience = asyncio.Event()
    job_id = await hand_in(shop, "snow")
    await shop.signer.signing.wait()
    (pages,) = await shop.ledger.write(lambda verbs: verbs._one("PRAGMA page_count"))
    await shop.ledger.write(lambda verbs: verbs._one(f"PRAGMA max_page_count={pages}"))
    await fill_up(shop.ledger)

    shop.signer.patience.set()
    await asyncio.sleep(0.3)
    assert shop.ledger.row(job_id).status is JobStatus.RUNNING
    await shop.ledger.write(lambda verbs: verbs._one("PRAGMA max_page_count=100000"))

    assert isinstance(await ended(shop, job_id), Animated)


async def fill_up(ledger: Ledger) -> None:
    """Use every free page, down to the last bytes."""
    for size in (1000, 100, 10, 1):
        with pytest.raises(Busy):
            while True:
                text = "x" * size
                await ledger.write(lambda verbs, text=text: verbs._event("a-job", "filler", text))


async def test_orphans_go_and_what_is_being_written_stays(shop: SmallShop) -> None:
    old, new = shop.folder / "clips" / "old.mp4", shop.folder / "clips" / "new.mp4"
    for path in (old, new):
        path.write_bytes(b"?")
    os.utime(old, (time.time() - 7200,) * 2)
    job_id = await hand_in(shop, "snow")
    outcome = await ended(shop, job_id)

    await shop.dispatcher.sweep()

    kept = {path.name for path in (shop.folder / "clips").iterdir()}
    assert kept == {"new.mp4", f"{outcome.clip_sha256}.mp4"}


async def test_a_bell_wakes_all_who_wait_and_nobody_who_comes_later() -> None:
    bell, woken = Bell(), []

    async def listen(name: str, seconds: float) -> None:
        begun = time.monotonic()
        await bell.wait(seconds)
        woken.append((name, time.monotonic() - begun < seconds))

    waiting = [asyncio.create_task(listen(name, 5.0)) for name in "ab"]
    await asyncio.sleep(0)
    bell.ring()
    await asyncio.gather(*waiting)
    await listen("c", 0.05)

    assert sorted(woken) == [("a", True), ("b", True), ("c", False)]
