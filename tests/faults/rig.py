"""Real bot and engine as processes, killed at random; the playground is the oracle that counts from outside.

A photo's answer is a video or a final text in reply to it. Lost: no answer. Twice: two messages with a clip, or one
that was delivered into more than once with different clips.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bot.playground.client import Play, Seen

CONFIG = """
data = "data"
[telegram]
token = "{token}"
base_url = "{base_url}"
base_file_url = "{base_file_url}"
[clip]
short_side = 96
seconds = 0.5
frames_per_second = 12
[web]
port = 0
[limits]
queued_per_requester = 500
running_per_requester = 4
depth = 1000
"""


@dataclass
class Process:
    """A child that is started again whenever it ends, until `stop`."""

    arguments: tuple[str, ...]
    folder: Path
    log: Path
    child: asyncio.subprocess.Process | None = None
    starts: int = 0
    _keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())
        while self.child is None:
            await asyncio.sleep(0.01)

    async def _keep(self) -> None:
        while True:
            with self.log.open("ab") as log:
                self.child = await asyncio.create_subprocess_exec(
                    sys.executable, *self.arguments, cwd=self.folder, stdout=log, stderr=log
                )
                self.starts += 1
                await self.child.wait()
            await asyncio.sleep(0.1)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._living().pid, signal.SIGKILL)

    def kill_descendant(self, *, module: str) -> bool:
        """Kill a child of this process that runs `module`; False where there is none right now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._living().pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if any(module in word for word in process.cmdline()):
                        process.kill()
                        return True
        return False

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        with contextlib.suppress(ProcessLookupError):
            self._living().terminate()
            await asyncio.wait_for(self._living().wait(), 240)

    def _living(self) -> asyncio.subprocess.Process:
        assert self.child is not None
        return self.child


@dataclass
class Tally:
    """What the oracle counted."""

    seed: int
    sent: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    animated: int = 0
    told: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.sent} photos, kills {self.kills}, lost {len(self.lost)}, twice {len(self.twice)}, "
            f"animated {self.animated}, other answers {self.told}"
        )


@dataclass
class Rig:
    """One run: `photos` requests while `kills` processes die."""

    play: Play
    engine: Process
    bot: Process
    chance: random.Random

    async def kill_something(self, tally: Tally) -> None:
        victim = self.chance.choice(("engine", "bot", "worker"))
        match victim:
            case "engine":
                self.engine.kill()
            case "bot":
                self.bot.kill()
            case _:
                if not self.engine.kill_descendant(module="engine.fleet.worker"):
                    return
        tally.kills[victim] = tally.kills.get(victim, 0) + 1

    async def answers_to(self, photos: list[Seen]) -> dict[int, list[Seen]]:
        """The bot's messages in reply to each photo, in the private chat."""
        found: dict[int, list[Seen]] = {photo.id: [] for photo in photos}
        for message in await self.play.messages("ann"):
            if message.from_bot and message.reply_to in found:
                found[message.reply_to].append(message)
        return found

    async def changed_clips(self) -> set[int]:
        """The messages that held one clip and then another. The same one may be put there again, after a crash."""
        held: dict[int, set[str]] = defaultdict(set)
        for call in await self.play.calls("editMessageMedia"):
            if call.status == 200:
                held[call.answer["message_id"]] |= {file["sha256"] for file in call.files.values()}
        return {message for message, clips in held.items() if len(clips) > 1}


def count(answers: dict[int, list[Seen]], tally: Tally, *, changed: AbstractSet[int] = frozenset()) -> None:
    """Judge every photo's answers. A clip is a clip once: one message, and never two different files in it."""
    for photo, replies in answers.items():
        clips = [reply for reply in replies if reply.kind == "video"]
        if len(clips) > 1 or any(clip.id in changed for clip in clips):
            tally.twice.append(photo)
        if clips:
            tally.animated += 1
            continue
        final = [reply.text for reply in replies if "cancel" not in " ".join(reply.buttons).lower()]
        if final:
            tally.told[final[-1][:60]] = tally.told.get(final[-1][:60], 0) + 1
        else:
            tally.lost.append(photo)
