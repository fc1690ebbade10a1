import asyncio
import os
import signal
import textwrap
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.errors import RenderCanceled, RenderFailed, WorkerDied, WorkerHung
from engine.fleet import Doing, RenderOrder
from engine.fleet.local import Deadlines, LocalFleet, Recycling
from engine.schema import Step

QUICK = Deadlines(load=30, first_step=10, step=1.0, cancel=0.8)

WORKER = '''
    """A worker whose renderer does what the prompt says: the real loop around a small fault."""
    import ctypes, os, signal, time
    from engine.fleet import Drawing, WorkerSettings
    from engine.fleet.serving import CancelRequested, serve
    from engine.media.clip import LabeledClip, Made, TrainedModel

    def main(link):
        settings = link.receive(WorkerSettings)

        def make(order, on_progress):
            on_progress(Drawing(0.0))
            unfinished = settings.work / order.unfinished_name
            unfinished.write_bytes(b"half a clip")
            match order.prompt:
                case "segfault": ctypes.string_at(0)
                case "killed": os.kill(os.getpid(), signal.SIGKILL)
                case "hang": time.sleep(60)
                case "raise": raise ValueError("the prompt was: a secret")
                case "cuda": raise RuntimeError("CUDA error: device-side assert triggered")
                case "slow":
                    for step in range(600):
                        time.sleep(0.05)
                        on_progress(Drawing(step / 600, step // 200 + 1, 3))
                case "deaf":
                    while True:
                        time.sleep(0.05)
                        try:
                            on_progress(Drawing(0.5))
                        except CancelRequested:
                            pass
                case "late":
                    time.sleep(0.3)
            path = unfinished.rename(settings.work / order.clip_name)
            return LabeledClip(
                path=path, sha256="0" * 64, width=96, height=160, duration_seconds=0.5, label="AI modified",
                renderer=str(os.getpid()), digital_source_type="compositeWithTrainedAlgorithmicMedia",
                models=(TrainedModel("matte", "1", "MIT"),), made=Made(moved=("snow",)))

        serve(link, make)
'''


@pytest.fixture
def open_fleet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faulty_worker.py").write_text(textwrap.dedent(WORKER))

    @asynccontextmanager
    async def open_with(*, deadlines: Deadlines = QUICK, **options: object):
        fleet = LocalFleet(
            renderer="scene",
            models=tmp_path / "models",
            work=tmp_path / "work",
            deadlines=deadlines,
            module="faulty_worker",
            **options,
        )
        async with asyncio.timeout(60), fleet:
            yield fleet

    return open_with


def order(prompt: str, *, job_id: str = "a-job", attempt: int = 1) -> RenderOrder:
    return RenderOrder(
        job_id=job_id, attempt=attempt, photo_path=Path("photo.jpg"), prompt=prompt, locale="en", seed=1
    )


def ignore(_doing: Doing) -> None:
    pass


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.02)


async def test_a_clip_comes_back_whole(open_fleet, tmp_path):
    async with open_fleet() as fleet:
        clip = await fleet.render(order("snow"), on_progress=ignore)

        assert clip.path == tmp_path / "work" / "a-job-1.mp4"
        assert clip.path.exists()
        assert clip.made.moved == ("snow",)
        assert clip.models[0].name == "matte"


async def test_progress_is_told_while_it_renders(open_fleet):
    told: list[Doing] = []
    async with open_fleet() as fleet:
        rendering = asyncio.create_task(fleet.render(order("slow"), on_progress=told.append))
        await until(lambda: len(told) >= 3)

        assert fleet.busy == 1
        assert {doing.step for doing in told[1:]} == {Step.RENDERING}
        assert [doing.fraction for doing in told] == sorted(doing.fraction for doing in told)
        assert (told[-1].pass_number, told[-1].passes) == (1, 3)
        rendering.cancel()


@pytest.mark.parametrize(
    ("prompt", "surprise"),
    [("segfault", WorkerDied), ("killed", WorkerDied), ("hang", WorkerHung), ("raise", RenderFailed)],
)
async def test_a_fault_is_named_and_the_next_job_is_rendered(open_fleet, tmp_path, prompt, surprise):
    async with open_fleet() as fleet:
        with pytest.raises(surprise) as raised:
            await fleet.render(order(prompt), on_progress=ignore)

        assert "secret" not in str(raised.value)
        assert (await fleet.render(order("snow", job_id="next"), on_progress=ignore)).path.exists()
        assert fleet.busy == 0


async def test_a_killed_worker_leaves_no_half_clip(open_fleet, tmp_path):
    async with open_fleet() as fleet:
        with pytest.raises(WorkerDied):
            await fleet.render(order("segfault"), on_progress=ignore)

        assert list((tmp_path / "work").iterdir()) == []


async def test_half_clips_of_an_earlier_start_are_swept(open_fleet, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "part-x-1.mp4").write_bytes(b"half")
    (tmp_path / "work" / "x-2.mp4").write_bytes(b"whole")

    async with open_fleet():
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["x-2.mp4"]


async def test_after_a_plain_error_the_same_worker_goes_on(open_fleet):
    async with open_fleet() as fleet:
        before = (await fleet.render(order("snow"), on_progress=ignore)).renderer
        with pytest.raises(RenderFailed):
            await fleet.render(order("raise"), on_progress=ignore)

        assert (await fleet.render(order("snow"), on_progress=ignore)).renderer == before


async def test_after_an_error_of_the_device_the_worker_is_replaced(open_fleet):
    async with open_fleet() as fleet:
        before = (await fleet.render(order("snow"), on_progress=ignore)).renderer
        with pytest.raises(RenderFailed):
            await fleet.render(order("cuda"), on_progress=ignore)

        assert (await fleet.render(order("snow"), on_progress=ignore)).renderer != before


@pytest.mark.parametrize("prompt", ["slow", "deaf", "late"])
async def test_a_canceled_job_ends_as_canceled(open_fleet, tmp_path, prompt):
    async with open_fleet() as fleet:
        rendering = asyncio.create_task(fleet.render(order(prompt), on_progress=ignore))
        await until((tmp_path / "work" / "part-a-job-1.mp4").exists)

        await fleet.cancel("a-job")

        with pytest.raises(RenderCanceled):
            await rendering
        assert list((tmp_path / "work").iterdir()) == []
        assert (await fleet.render(order("snow"), on_progress=ignore)).path.exists()


async def test_a_willing_worker_survives_a_cancel(open_fleet, tmp_path):
    async with open_fleet() as fleet:
        before = (await fleet.render(order("snow"), on_progress=ignore)).renderer
        rendering = asyncio.create_task(fleet.render(order("slow", job_id="b"), on_progress=ignore))
        await until((tmp_path / "work" / "part-b-1.mp4").exists)

        await fleet.cancel("b")

        with pytest.raises(RenderCanceled):
            await rendering
        assert (await fleet.render(order("snow"), on_progress=ignore)).renderer == before


async def test_canceling_a_job_that_does_not_run_does_nothing(open_fleet):
    async with open_fleet() as fleet:
        await fleet.cancel("unknown")

        assert (await fleet.render(order("snow"), on_progress=ignore)).path.exists()


async def test_when_nobody_waits_for_the_clip_the_worker_is_replaced(open_fleet, tmp_path):
    async with open_fleet() as fleet:
        before = (await fleet.render(order("snow"), on_progress=ignore)).renderer
        rendering = asyncio.create_task(fleet.render(order("slow", job_id="b"), on_progress=ignore))
        await until((tmp_path / "work" / "part-b-1.mp4").exists)

        rendering.cancel()

        assert (await fleet.render(order("snow", attempt=2), on_progress=ignore)).renderer != before


async def test_an_error_in_the_listener_does_not_leave_the_worker_at_work(open_fleet):
    def falls_over(_doing: Doing) -> None:
        raise ZeroDivisionError

    async with open_fleet() as fleet:
        with pytest.raises(ZeroDivisionError):
            await fleet.render(order("slow"), on_progress=falls_over)

        assert (
            await fleet.render(order("snow", job_id="next"), on_progress=ignore)
        ).path.name == "next-1.mp4"


async def test_a_worker_that_dies_while_idle_costs_no_job(open_fleet):
    async with open_fleet() as fleet, fleet.worker() as worker:
        pid = int((await worker.render(order("snow"), on_progress=ignore)).renderer)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not fleet.ready)

        clip = await worker.render(order("snow", attempt=2), on_progress=ignore)

        assert clip.renderer != str(pid)


async def test_a_worker_is_replaced_after_its_share_of_jobs(open_fleet):
    async with open_fleet(recycling=Recycling(after_jobs=2)) as fleet:
        pids = [(await fleet.render(order("snow", attempt=n), on_progress=ignore)).renderer for n in range(4)]

    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_a_worker_that_grew_is_replaced(open_fleet):
    async with open_fleet(recycling=Recycling(above_bytes=1)) as fleet:
        pids = {(await fleet.render(order("snow", attempt=n), on_progress=ignore)).renderer for n in range(2)}

    assert len(pids) == 2


async def test_two_devices_render_side_by_side_and_a_third_job_waits(open_fleet):
    async with open_fleet(devices=2) as fleet, fleet.worker() as first, fleet.worker() as second:
        waiting = asyncio.create_task(fleet.render(order("snow", job_id="c"), on_progress=ignore))
        one, two = await asyncio.gather(
            first.render(order("late", job_id="a"), on_progress=ignore),
            second.render(order("late", job_id="b"), on_progress=ignore),
        )

        assert fleet.workers == 2
        assert one.renderer != two.renderer
        assert not waiting.done()
        waiting.cancel()


async def test_a_worker_that_cannot_be_used_is_reported_and_tried_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.children.kept._FIRST_PAUSE_SECONDS", 0.05)
    (tmp_path / "unusable_worker.py").write_text(
        textwrap.dedent("""
            from pathlib import Path
            from engine.fleet import Unusable, WorkerSettings
            from engine.fleet.serving import serve

            def main(link):
                link.receive(WorkerSettings)
                if Path("weights").exists():
                    serve(link, lambda order, on_progress: None)
                Path("weights").touch()
                link.send(Unusable("run: python -m engine models fetch"))
        """)
    )

    async with LocalFleet(
        renderer="scene", models=tmp_path, work=tmp_path / "work", module="unusable_worker"
    ) as fleet:
        assert not fleet.ready
        async with asyncio.timeout(20):
            await until(lambda: fleet.ready)
