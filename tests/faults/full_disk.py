"""An engine whose disk fills up under it. Run it in a mount namespace of its own: `unshare -Urm python -m tests.faults.full_disk`.

Prints what came of it as one JSON object. Data lies on a small tmpfs, weights and code do not.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.parts.home import PATIENCE_SECONDS, Home, ready, running
from bench.parts.requests import request_of, telegram_photo
from engine.client import EngineClient
from engine.errors import RetryLater
from engine.ledger.registry import open_reader
from engine.schema import Animated, JobRequest
from tests.faults.rig import Eye

MEGABYTES = 300
CONFIG = "[limits]\nqueued_per_requester = 1000\n"


async def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="full-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        subprocess.run(  # noqa: ASYNC221  # before anything runs
            ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0700", "tmpfs", str(data)], check=True
        )
        home = Home(Path(folder), config=CONFIG, rest_seconds=0.5)
        try:
            async with running(home) as client:
                told = await story(client, home)
            return told | {"broken": Eye(data).broken()}
        finally:
            subprocess.run(["umount", "--lazy", str(data)], check=False)  # noqa: ASYNC221


async def story(client: EngineClient, home: Home) -> dict[str, Any]:
    """Fill the disk with photos and then with anything else; nothing accepted is lost, and room brings everything back."""
    photo = telegram_photo()
    accepted: list[JobRequest] = []
    refused: list[JobRequest] = []
    ballast = home.folder / "data" / "ballast"
    fill(ballast, leave=4_000_000)

    for number in range(60):  # until there is no room for one more
        request = request_of(f"requester-{number}")
        try:
            await client.submit(request, photo)
            accepted.append(request)
        except RetryLater:
            refused.append(request)
            if len(refused) == 1:
                fill(home.folder / "data" / "more", leave=0)
    known = known_jobs(home)
    await asyncio.sleep(3.0)  # what runs meets the full disk
    still_up = (await client.status()).accepting
    for name in ("ballast", "more"):
        (home.folder / "data" / name).unlink()
    await ready(client)
    late = request_of("late-requester")
    await client.submit(late, photo)
    ended = await outcomes(client, len(accepted) + 1)
    return {
        "accepted": len(accepted),
        "refused": len(refused),
        "accepted_but_missing": sum(it.job_id not in known for it in accepted),
        "refused_but_there": sum(it.job_id in known for it in refused),
        "answers_while_full": still_up,
        "animated": sum(isinstance(it, Animated) for it in ended.values()),
        "not_animated": sorted({str(it) for it in ended.values() if not isinstance(it, Animated)})[:3],
    }


def fill(path: Path, *, leave: int) -> None:
    with path.open("wb") as file:
        try:
            while (free := free_bytes(path.parent)) > leave:
                os.write(file.fileno(), bytes(min(1_000_000, max(4096, free - leave))))
        except OSError:
            return


def free_bytes(folder: Path) -> int:
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize


def known_jobs(home: Home) -> set[str]:
    with closing(open_reader(home.folder / "data" / "engine.sqlite")) as reader:
        return {name for (name,) in reader.execute("SELECT id FROM jobs")}


async def outcomes(client: EngineClient, count: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    after = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < count:
            for told in (await client.outcomes(after=after, wait_seconds=5)).outcomes:
                after = told.sequence
                found[told.outcome.job_id] = told.outcome
    return found


if __name__ == "__main__":
    json.dump(asyncio.run(main()), sys.stdout)
