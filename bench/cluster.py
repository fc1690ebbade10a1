"""How a cluster scales: `python bench/cluster.py [--quick] [--json]`. Ray runs on a loopback of its own (`unshare -n`).

Throughput with 1, 2 and 4 workers of one second a job; what the engine's process needs for 300 simulated workers of
six seconds a job, with its ledger and clips of 1 MB; what killing costs.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.parts.figures import Figure, show  # noqa: E402  # the path first
from engine.fleet import WorkerSettings  # noqa: E402
from engine.fleet.cluster import ClusterFleet  # noqa: E402
from tests.cluster_rig import Cluster, a_ledger, accept, in_a_namespace, work_off  # noqa: E402

WORKERS = 300


def scaling() -> Iterator[Figure]:
    name = "workers against one, share of linear"
    if importlib.util.find_spec("ray") is None:
        yield Figure(name, None, "%", skipped="ray is not installed: scripts/setup cluster")
        return
    with tempfile.TemporaryDirectory() as folder:
        rates = {
            int(workers): float(str(rate)) for workers, rate in in_a_namespace("throughput", folder).items()
        }
    for workers in (2, 4):
        share = 100 * rates[workers] / (workers * rates[1])
        yield Figure(f"{workers} {name}", share, "%", goal=95.0, at_least=True)


def killing(*, kills: int, seed: int) -> Iterator[Figure]:
    if importlib.util.find_spec("ray") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        told = in_a_namespace("killings", folder, str(seed), str(kills), seconds=100 * kills + 200)
    print(told, file=sys.stderr)
    for what in ("lost", "twice", "not animated"):
        yield Figure(f"jobs {what}, {kills} kills, seed {seed}", float(str(told[what])), "jobs", goal=0.0)
    again = told["seconds to a second attempt"]
    assert isinstance(again, dict)
    for kind, goal in (("actor", 3.0), ("raylet", 10.0), ("driver", None), ("gcs_server", None)):
        if again[kind]:
            yield Figure(f"{kind} killed, to a second attempt", max(again[kind]), "s", goal=goal)


async def simulated(folder: Path, *, seconds: float) -> Figure:
    """The engine's own CPU: ledger, driver's words, photos out and clips onto the disk."""
    (folder / "work").mkdir()
    (folder / "photo.jpg").write_bytes(os.urandom(100_000))
    cluster = Cluster(folder)
    settings = WorkerSettings(renderer="simulated 6 1000000", models=folder, work=folder / "work")
    fleet = ClusterFleet(
        address="nowhere:1",
        token_file=cluster.token,
        settings=settings,
        workers=WORKERS,
        driver="bench.parts.simulated_driver",
    )
    async with a_ledger(cluster) as ledger, fleet:
        for _ in range(int(seconds / 6 + 2) * WORKERS):
            await accept(ledger, "snow")
        working = [asyncio.create_task(work_off(cluster, fleet, ledger)) for _ in range(WORKERS)]
        await asyncio.sleep(7)  # all of them are at work
        began, used, before = time.monotonic(), time.process_time(), ledger_ended(ledger)
        await asyncio.sleep(seconds)
        share = (time.process_time() - used) / (time.monotonic() - began)
        print(f"{ledger_ended(ledger) - before} jobs in {seconds:.0f} s, {fleet.busy} busy", file=sys.stderr)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    return Figure(f"engine with {WORKERS} workers of 6 s", 100 * share, "% core", goal=25.0)


def ledger_ended(ledger: object) -> int:
    return len(ledger.outcomes(0, most=10**6).outcomes)  # type: ignore[attr-defined]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--kills", type=int, default=8)
    asked.add_argument("--seed", type=int, default=7)
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(asyncio.run(simulated(Path(folder), seconds=12 if wanted.quick else 40)), as_json=wanted.json)
    if not wanted.quick:
        for figure in (*scaling(), *killing(kills=wanted.kills, seed=wanted.seed)):
            show(figure, as_json=wanted.json)


if __name__ == "__main__":
    main()
