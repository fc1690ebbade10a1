"""A Ray cluster of several nodes on a loopback of its own, and what a test does to it.

Ray listens on every address, so this runs in a network namespace without any other (`unshare -n`): see `in_a_namespace`.
"""

import asyncio
import fcntl
import json
import os
import random
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import msgspec
import psutil

from engine.errors import Fault
from engine.fleet import Doing, Drawing, RenderOrder, WorkerSettings
from engine.fleet.cluster import ClusterFleet
from engine.fleet.local import Deadlines
from engine.fleet.node import bring_token
from engine.ledger import Ledger, Limits
from engine.media.clip import LabeledClip, Made, SignedClip
from engine.schema import Animated
from engine.verdicts import PhotoFacts
from tests.unit.engine.ledger.conftest import a_decision, a_request, a_signed_clip

ADDRESS = "127.0.0.1:6399"


def prepare(settings: WorkerSettings):
    """A renderer that does what the prompt says: it stands in for a GPU of fixed job time."""

    def make(order: RenderOrder, tell) -> LabeledClip:
        words = order.prompt.split()
        steps = int(words[1]) if len(words) > 1 else 2
        for step in range(steps):
            tell(Drawing(step / steps))
            time.sleep(0.1)
            if words[0] == "segfault" and step == 1:
                os.kill(os.getpid(), signal.SIGSEGV)
            if words[0] == "hang" and step == 1:
                time.sleep(600)
        path = settings.work / order.clip_name
        path.write_bytes(b"clip of " + order.photo_path.read_bytes())
        return LabeledClip(
            path=path,
            sha256="a" * 64,
            width=96,
            height=160,
            duration_seconds=0.5,
            label="AI modified",
            renderer=str(os.getpid()),
            digital_source_type="compositeWithTrainedAlgorithmicMedia",
            models=(),
            made=Made(),
        )

    return "rig", make


def in_a_namespace(function: str, *arguments: str, seconds: float = 240) -> dict[str, object]:
    """Run a coroutine of this module where there is no network but a loopback; what it returned."""
    command = [
        shutil.which("unshare") or "unshare",
        "-n",
        "--kill-child",
        sys.executable,
        "-m",
        "tests.cluster_rig",
    ]
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [*command, function, *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(
            any_socket, 0x8914, struct.pack("16sh14s", b"lo", 0x49, b"")
        )  # SIOCSIFFLAGS: up, loopback, running


class Cluster:
    """Nodes 1 (the head), 2, 3 … at 127.0.0.1, 127.0.0.2 …, each kept by `Node.run` in a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = folder / "cluster.token"
        self.keepers: dict[int, subprocess.Popen[bytes]] = {}
        bring_token(self.token)

    def start(self, number: int, *, workers: int) -> None:
        story = (
            "import json, sys; from pathlib import Path; from engine.fleet.node import Node;"
            f"Node(host='127.0.0.{number}', port=6399, head={None if number == 1 else ADDRESS!r}, workers={workers},"
            f"gpus=0, token_file=Path({str(self.token)!r}), models=Path('.'), store_bytes=80 * 2**20).run()"
        )
        log = (self.folder / f"node{number}.log").open("ab")
        self.keepers[number] = subprocess.Popen(
            [sys.executable, "-c", story], stdout=log, stderr=log, env={**os.environ, "RAY_TMPDIR": "/tmp"}
        )

    def kill(self, name: str, number: int) -> None:
        """SIGKILL to a Ray process of this node."""
        for process in psutil.Process(self.keepers[number].pid).children(recursive=True):
            if process.name() == name or name in " ".join(process.cmdline()[:1]):
                process.kill()
                return
        raise AssertionError(f"node {number} has no {name}")

    def close(self) -> None:
        for keeper in self.keepers.values():
            tree = psutil.Process(keeper.pid).children(recursive=True)
            keeper.terminate()
            for process in tree:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
            keeper.wait()


@contextmanager
def a_cluster(folder: Path, *, nodes: tuple[int, ...]) -> Iterator[Cluster]:
    """`nodes` are the numbers of workers on each."""
    loopback_up()
    cluster = Cluster(folder)
    try:
        cluster.start(1, workers=nodes[0])
        wait_for_head()
        for number, workers in enumerate(nodes[1:], start=2):
            cluster.start(number, workers=workers)
        yield cluster
    finally:
        cluster.close()


def wait_for_head() -> None:
    host, port = ADDRESS.split(":")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            time.sleep(4)  # its raylet comes after it
            return
    raise AssertionError("the head did not come up")


@asynccontextmanager
async def a_fleet(cluster: Cluster, *, workers: int) -> AsyncIterator[ClusterFleet]:
    work = cluster.folder / "work"
    work.mkdir(exist_ok=True)
    (cluster.folder / "photo.jpg").write_bytes(b"a photo")
    fleet = ClusterFleet(
        address=ADDRESS,
        token_file=cluster.token,
        settings=WorkerSettings(renderer="rig", models=cluster.folder, work=work),
        workers=workers,
        gpus=0,
        module="tests.cluster_rig",
        deadlines=Deadlines(load=60, first_step=30, step=3, cancel=2),
    )
    async with fleet:
        await until(lambda: fleet.warm == workers, seconds=90)
        yield fleet


async def until(holds, *, seconds: float = 60) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it took too long"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def order(cluster: Cluster, prompt: str, *, attempt: int = 1) -> RenderOrder:
    return RenderOrder(
        job_id=secrets.token_hex(8),
        attempt=attempt,
        photo_path=cluster.folder / "photo.jpg",
        prompt=prompt,
        locale="en",
        seed=1,
    )


async def clip_and_cancel(folder: str) -> dict[str, object]:
    """A clip comes back whole, a stop gets through, a hang and a crash are told apart, another worker comes."""
    told: dict[str, object] = {}

    async def how(fleet: ClusterFleet, prompt: str) -> str:
        try:
            await fleet.render(order(cluster, prompt), on_progress=lambda _: None)
        except Exception as error:  # noqa: BLE001  # its name is what is asked
            return type(error).__name__
        return "clip"

    with a_cluster(Path(folder), nodes=(1, 1)) as cluster:
        async with a_fleet(cluster, workers=2) as fleet:
            clip = await fleet.render(order(cluster, "snow"), on_progress=lambda _: None)
            told["clip"] = clip.path.read_bytes().decode()
            told["here"] = clip.path.parent == Path(folder) / "work"
            slow = order(cluster, "slow 100")
            rendering = asyncio.create_task(fleet.render(slow, on_progress=lambda _: None))
            await asyncio.sleep(1)
            began = time.monotonic()
            await fleet.cancel(slow.job_id)
            told["canceled"] = type((await asyncio.gather(rendering, return_exceptions=True))[0]).__name__
            told["cancel_seconds"] = time.monotonic() - began
            told["segfault"] = await how(fleet, "segfault 9")
            told["hang"] = await how(fleet, "hang 9")
            await until(lambda: fleet.warm == 2)
            told["after"] = await how(fleet, "snow")
            told["left"] = [it.name for it in (Path(folder) / "work").iterdir() if it != clip.path][1:]
    return told


async def killings(folder: str, seed: str, kills: str) -> dict[str, object]:
    """Jobs of a real ledger while an actor, a node, the driver or the head's GCS is killed, by turns and at random."""
    rng, kinds = random.Random(int(seed)), ["actor", "raylet", "driver", "gcs_server"]
    ended: dict[str, list[float]] = {kind: [] for kind in kinds}
    again: dict[str, list[float]] = {kind: [] for kind in kinds}
    with a_cluster(Path(folder), nodes=(1, 1, 1)) as cluster:
        async with a_fleet(cluster, workers=3) as fleet, a_ledger(cluster) as ledger:
            working = [asyncio.create_task(work_off(cluster, fleet, ledger)) for _ in range(3)]
            for kind in [*kinds, *rng.choices(kinds[:3], k=max(0, int(kills) - 4))]:
                for number in range(3):
                    await accept(ledger, f"job 30 {kind} {number}")
                await until(lambda: fleet.busy == 3, seconds=90)
                await asyncio.sleep(rng.uniform(0.5, 1.5))
                retried.clear()
                driver, began = fleet._kept.child, time.monotonic()
                kill(kind, cluster, fleet, rng)
                ended[kind].append(await until(lambda: ledger.counts() == (0, 0), seconds=120))
                again[kind] += [it - began for it in retried[:1]]
                if kind == "gcs_server":  # the jobs did not need it; Ray ends the driver, and both come back
                    await until(lambda driver=driver: fleet._kept.child is not driver, seconds=120)
                await until(lambda: fleet.warm == 3, seconds=120)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            outcomes = [it.outcome for it in ledger.outcomes(0, most=10_000).outcomes]
            return {
                "jobs": len(accepted),
                "lost": len(accepted - {it.job_id for it in outcomes}),
                "twice": len(outcomes) - len({it.job_id for it in outcomes}),
                "not animated": sum(not isinstance(it, Animated) for it in outcomes),
                "broken invariants": await ledger.write(lambda verbs: verbs.check()),
                "seconds to a second attempt": {kind: [round(it, 1) for it in again[kind]] for kind in kinds},
                "seconds to the end of all": {kind: [round(it, 1) for it in ended[kind]] for kind in kinds},
            }


accepted: set[str] = set()
retried: list[float] = []
"""When second attempts began to render."""


@asynccontextmanager
async def a_ledger(cluster: Cluster) -> AsyncIterator[Ledger]:
    limits = Limits(depth=10**6, queued_per_requester=10**6, running_per_requester=10**6)
    async with Ledger(cluster.folder / "engine.sqlite", limits=limits) as ledger:
        yield ledger


async def accept(ledger: Ledger, prompt: str) -> None:
    request = a_request(prompt=prompt)
    decisions = (a_decision(),)
    await ledger.write(
        lambda verbs: verbs.accept(request, "digest", request.job_id, PhotoFacts(), decisions, 7)
    )
    accepted.add(request.job_id)


async def work_off(cluster: Cluster, fleet: ClusterFleet, ledger: Ledger) -> None:
    """What the dispatcher does, without gates and signing."""
    while True:
        async with fleet.worker() as worker:
            job = await ledger.write(lambda verbs: verbs.claim())
            if job is None:
                await asyncio.sleep(0.05)
                continue
            job_id = job.request.job_id
            wanted = order(cluster, job.request.prompt, attempt=job.attempt)
            try:
                clip = await worker.render(
                    msgspec.structs.replace(wanted, job_id=job_id),
                    on_progress=partial(note_retry, job.attempt),
                )
                end: SignedClip | Fault = a_signed_clip(clip.path)
            except Fault as fault:
                end = fault
            await ledger.write(
                lambda verbs, job=job, end=end: verbs.finish(job.request.job_id, job.attempt, end)
            )


def note_retry(attempt: int, doing: Doing) -> None:
    if attempt > 1 and doing.fraction < 0.02:
        retried.append(time.monotonic())


async def throughput(folder: str) -> dict[str, object]:
    """Clips a second with 1, 2 and 4 workers whose jobs take one second."""
    rates = {}
    with a_cluster(Path(folder), nodes=(4,)) as cluster:
        for workers in (1, 2, 4):
            async with a_fleet(cluster, workers=workers) as fleet:
                await asyncio.gather(*(one(cluster, fleet) for _ in range(workers)))
                began = time.monotonic()
                await asyncio.gather(*(one(cluster, fleet) for _ in range(12 * workers)))
                rates[str(workers)] = 12 * workers / (time.monotonic() - began)
    return rates


async def one(cluster: Cluster, fleet: ClusterFleet) -> None:
    await fleet.render(order(cluster, "job 10"), on_progress=lambda _: None)


def kill(kind: str, cluster: Cluster, fleet: ClusterFleet, rng: random.Random) -> None:
    if kind == "driver":
        os.kill(fleet._kept.child.pid, signal.SIGKILL)
    elif kind == "gcs_server":
        cluster.kill("gcs_server", 1)
    elif kind == "raylet":
        cluster.kill("raylet", rng.choice((2, 3)))
    else:
        cluster.kill("ray::Actor", rng.choice((1, 2, 3)))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))))
