"""How long the door takes, from PUT to the gates' answer, with 1, 8 and 32 requests at once; and where the time goes.

A real engine as a process of its own, with every gate that needs no OCR and no judge, a photo of Telegram's size, and
a renderer that rests, so that both cores are the door's.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from bench.parts.figures import Figure, show
from bench.parts.home import Home, running
from bench.parts.requests import request_of, telegram_photo
from engine.client import EngineClient

GOAL_MS = 500.0
"""Of the 99th percentile, with 8 at once on two cores."""

STAGES = ("body", "decode", "gates", "keep", "ledger")

CONFIG = "[limits]\ndepth = 10000\nqueued_per_requester = 10000\nat_the_door = 64\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a fifth of the requests")
    options = parser.parse_args()
    for figure in asyncio.run(measure(rounds=4 if options.quick else 20)):
        show(figure, as_json=options.json)


async def measure(*, rounds: int) -> list[Figure]:
    """`rounds` times as many requests as are made at once."""
    figures: list[Figure] = []
    photos = [telegram_photo(seed) for seed in range(8)]
    figures.append(Figure("photo", len(photos[0]) / 1000, "kB"))
    with tempfile.TemporaryDirectory(prefix="door-") as folder:
        home = Home(Path(folder), config=CONFIG, rest_seconds=600)
        async with running(home) as client:
            await ask(client, photos, at_once=2, count=8)  # warm
            for at_once in (1, 8, 32):
                before = await stages(home)
                took = await ask(client, photos, at_once=at_once, count=max(at_once * rounds // 2, 20))
                figures += summary(took, at_once) + shares(before, await stages(home), at_once)
            figures.append(Figure("engine, resident", home.resident_megabytes(), "MB"))
    return figures


async def ask(client: EngineClient, photos: list[bytes], *, at_once: int, count: int) -> list[float]:
    """Seconds of each request; `at_once` are under way all the time."""
    took: list[float] = []
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for number in numbers:
            began = time.perf_counter()
            await client.submit(request_of(f"requester-{number}"), photos[number % len(photos)])
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return took


def summary(took: list[float], at_once: int) -> list[Figure]:
    took = sorted(took)
    p99 = took[min(len(took) - 1, int(len(took) * 0.99))]
    return [
        Figure(f"{at_once} at once, median", statistics.median(took) * 1000, "ms"),
        Figure(f"{at_once} at once, p99", p99 * 1000, "ms", goal=GOAL_MS if at_once == 8 else None),
    ]


def shares(
    before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]], at_once: int
) -> list[Figure]:
    """The mean of each stage, waiting for its turn included."""
    figures = []
    for stage in STAGES:
        total, count = (now - then for now, then in zip(after[stage], before[stage], strict=True))
        figures.append(Figure(f"{at_once} at once, {stage}", 1000 * total / max(1, count), "ms"))
    return figures


async def stages(home: Home) -> dict[str, tuple[float, float]]:
    """Sum and count of every stage, from the engine's own metrics."""
    connector = aiohttp.UnixConnector(path=str(home.socket))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get("http://engine/metrics") as got,
    ):
        text = await got.text()

    def value(kind: str, stage: str) -> float:
        found = re.search(rf'zoetrope_door_stage_seconds_{kind}{{stage="{stage}"}} (\S+)', text)
        return float(found[1]) if found else 0.0

    return {stage: (value("sum", stage), value("count", stage)) for stage in STAGES}


if __name__ == "__main__":
    main()
