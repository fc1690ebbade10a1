"""The long runs: kills, power cuts, an outage of an hour, load, and the queue beside others. Each prints its seed and what it counted."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import ledger, load
from bench.parts.figures import Figure, show
from tests.faults.cuts import CutTally, cut_the_bot, cut_the_ledger
from tests.faults.outage import OutageTally, ride_out
from tests.faults.rig import Tally, rig


@dataclass(frozen=True, slots=True)
class Length:
    """How long each run is."""

    photos: int
    kills: int
    cuts: int
    down_seconds: float
    people: int


LONG = Length(photos=2000, kills=1000, cuts=500, down_seconds=3600.0, people=200)
SHORT = Length(photos=60, kills=40, cuts=60, down_seconds=30.0, people=60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(RUNS)}")
    parser.add_argument("--short", action="store_true", help="some minutes instead of some hours")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    options = parser.parse_args()
    if unknown := set(options.names) - set(RUNS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(RUNS)}")
    length = SHORT if options.short else LONG
    show(Figure("seed", options.seed, ""), as_json=options.json)
    missed = 0
    for name in options.names or RUNS:
        began = time.monotonic()
        for figure in RUNS[name](length, options.seed):
            show(figure, as_json=options.json)
            missed += figure.met is False
        show(Figure(f"{name}: took", time.monotonic() - began, "s"), as_json=options.json)
    raise SystemExit(min(missed, 1))


def kills(length: Length, seed: int) -> list[Figure]:
    async def run() -> Tally:
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            async with rig(Path(folder), seed=seed) as running:
                return await running.run(photos=length.photos, kills=length.kills)

    tally = asyncio.run(run())
    _say(tally, tally.broken, tally.poison_wrong, tally.buried)
    apologies = sum(tally.told.values()) - tally.poison_buried
    return [
        Figure("kills: photos", tally.sent, ""),
        Figure("kills: processes killed", tally.kills.total(), ""),
        *(Figure(f"kills: of these, {name}", count, "") for name, count in sorted(tally.kills.items())),
        _none("kills: lost", tally.lost),
        _none("kills: delivered twice", tally.twice),
        _none("kills: broken invariants", tally.broken),
        Figure("kills: animated", tally.animated, ""),
        Figure("kills: poison photos", tally.poison, ""),
        Figure("kills: poison buried after two crashes", tally.poison_buried, ""),
        _none("kills: poison that ended otherwise", tally.poison_wrong),
        _none("kills: good jobs buried", tally.buried),
        Figure("kills: asked to try again, never accepted", apologies, ""),
    ]


def cuts(length: Length, seed: int) -> list[Figure]:
    return [
        *_cuts_of("ledger", cut_the_ledger(length.cuts, seed=seed)),
        *_cuts_of("inbox and outbox", cut_the_bot(length.cuts, seed=seed)),
        Figure(
            "cuts: without waiting for the disk, lost or unreadable",
            _spoilt(cut_the_ledger(max(10, length.cuts // 10), seed=seed, synchronous="OFF")),
            "",
            goal=1,
            at_least=True,
        ),
    ]


def _spoilt(tally: CutTally) -> int:
    """The rig must be able to see what it looks for."""
    return len(tally.lost) + len(tally.unreadable) + len(tally.broken)


def _cuts_of(what: str, tally: CutTally) -> list[Figure]:
    _say(tally, tally.lost, tally.unreadable, tally.broken)
    return [
        Figure(f"cuts: {what}, power cuts", tally.cuts, ""),
        Figure(f"cuts: {what}, acknowledged facts", tally.acknowledged, ""),
        _none(f"cuts: {what}, lost", tally.lost),
        _none(f"cuts: {what}, unreadable files", tally.unreadable),
        _none(f"cuts: {what}, broken invariants", tally.broken),
    ]


def outage(length: Length, seed: int) -> list[Figure]:
    tally: OutageTally = asyncio.run(
        ride_out(people=length.people, down_seconds=length.down_seconds, seed=seed)
    )
    _say(tally, tally.lost)
    return [
        Figure("outage: Telegram down", tally.down_seconds, "s"),
        Figure("outage: people with a result", tally.people, ""),
        Figure("outage: drained after", tally.drained_seconds, "s"),
        _none("outage: lost", tally.lost),
        _none("outage: out of order", tally.out_of_order),
        _none("outage: progress before a result", tally.progress_first),
        Figure("outage: most calls in a second", tally.most_per_second, "", goal=30),
        Figure("outage: most into a chat in two seconds", tally.most_per_chat, "", goal=6),
    ]


def crowds(length: Length, _seed: int) -> list[Figure]:
    people, queued = (1000, 10_000) if length is LONG else (200, 1000)

    async def run() -> list[Figure]:
        return [figure async for figure in load.measure(people=people, queued=queued)]

    return asyncio.run(run())


def queue(length: Length, _seed: int) -> list[Figure]:
    return ledger.measure(quick=length is SHORT)


RUNS: dict[str, Callable[[Length, int], list[Figure]]] = {
    "cuts": cuts,
    "queue": queue,
    "load": crowds,
    "kills": kills,
    "outage": outage,
}


def _none(name: str, found: Iterable[object]) -> Figure:
    return Figure(name, len(list(found)), "", goal=0)


def _say(tally: object, *found: Iterable[object]) -> None:
    """What a person needs who has to look into it; on stderr, apart from the figures."""
    print(tally, *(list(it)[:5] for it in found), file=sys.stderr)


if __name__ == "__main__":
    main()
