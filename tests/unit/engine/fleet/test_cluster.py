"""The engine's side of a cluster, over a driver that only pretends: no Ray is needed. The real one: tests/integration."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.errors import MachineLost, RenderCanceled, WorkerDied
from engine.fleet import RenderOrder, WorkerSettings
from engine.fleet.cluster import ClusterFleet

ROOT = Path(__file__).parents[4]


@pytest.fixture
def open_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)  # where the pretended driver can be imported
    (tmp_path / "token").write_text("a token")
    (tmp_path / "photo.jpg").write_bytes(b"photo")

    @asynccontextmanager
    async def opened(*, workers: int = 1, seconds: float = 0.05) -> AsyncIterator[ClusterFleet]:
        fleet = ClusterFleet(
            address="nowhere:1",
            token_file=tmp_path / "token",
            settings=WorkerSettings(renderer=f"simulated {seconds} 1000", models=tmp_path, work=tmp_path),
            workers=workers,
            driver="bench.parts.simulated_driver",
        )
        async with asyncio.timeout(60), fleet:
            yield fleet

    return opened


def order(folder: Path, prompt: str = "snow", *, attempt: int = 1, job_id: str = "a-job") -> RenderOrder:
    photo = folder / "photo.jpg"
    return RenderOrder(job_id=job_id, attempt=attempt, photo_path=photo, prompt=prompt, locale="en", seed=1)


def ignore(_: object) -> None: ...


async def test_a_clip_comes_back_into_our_work_folder(open_cluster, tmp_path):
    told = []
    async with open_cluster(seconds=0.2) as fleet:
        clip = await fleet.render(order(tmp_path), on_progress=told.append)

    assert clip.path == tmp_path / "a-job-1.mp4"
    assert clip.path.stat().st_size == 1000
    assert told
    assert not list(tmp_path.glob("part-*"))


async def test_more_orders_than_workers_wait_their_turn(open_cluster, tmp_path):
    async with open_cluster(workers=2) as fleet:
        orders = [order(tmp_path, job_id=f"job-{number}") for number in range(7)]

        clips = await asyncio.gather(*(fleet.render(it, on_progress=ignore) for it in orders))

    assert {clip.path.name for clip in clips} == {f"job-{number}-1.mp4" for number in range(7)}


@pytest.mark.parametrize(("prompt", "kind"), [("lost", MachineLost), ("dies", WorkerDied)])
async def test_a_lost_machine_is_not_the_jobs_fault(open_cluster, tmp_path, prompt, kind):
    async with open_cluster() as fleet:
        with pytest.raises(WorkerDied) as caught:
            await fleet.render(order(tmp_path, prompt), on_progress=ignore)
        again = await fleet.render(order(tmp_path, prompt, attempt=2), on_progress=ignore)

    assert type(caught.value) is kind
    assert again.path.exists()


async def test_a_driver_that_is_gone_loses_what_runs_and_comes_back(open_cluster, tmp_path):
    async with open_cluster(seconds=30) as fleet:
        rendering = asyncio.create_task(fleet.render(order(tmp_path), on_progress=ignore))
        while not fleet.busy:
            await asyncio.sleep(0.01)
        await fleet._kept.child.kill()

        with pytest.raises(MachineLost):
            await rendering
        while not fleet.ready:
            await asyncio.sleep(0.01)


async def test_a_canceled_job_stops(open_cluster, tmp_path):
    async with open_cluster(seconds=30) as fleet:
        rendering = asyncio.create_task(fleet.render(order(tmp_path), on_progress=ignore))
        while not fleet.busy:
            await asyncio.sleep(0.01)
        await fleet.cancel("a-job")

        with pytest.raises(RenderCanceled):
            await rendering
    assert not (tmp_path / "a-job-1.mp4").exists()


async def test_a_worker_that_was_kept_and_not_used_is_free_again(open_cluster, tmp_path):
    async with open_cluster() as fleet:
        async with fleet.worker():
            pass

        assert await fleet.render(order(tmp_path), on_progress=ignore)
