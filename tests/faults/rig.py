"""Real bot, engine and playground as processes, killed at random; the playground is the oracle that counts from outside.

A photo's answer is a video or a final text in reply to it. Lost: no answer. Twice: two messages with a clip, or one
that was delivered into more than once with different clips. Telegram loses things too: `LOSSY`, and its front door is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.parts.home import Home
from bench.parts.requests import poison_photo, small_photo
from bot.playground.client import Play, Seen
from bot.playground.server import DEFAULT_TOKEN
from engine.ledger import Limits, Verbs
from engine.ledger.registry import open_reader

ROOT = Path(__file__).parents[2]
PEOPLE = 16
OPEN_AT_ONCE = 12
POISON_EVERY = 16
PATIENCE_SECONDS = 420.0

LOSSY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("*", {"code": 429, "retry_after": 1, "rate": 0.03}),
    ("*", {"code": 502, "rate": 0.03}),
    ("*", {"delay": 3.0, "drop": True, "rate": 0.01}),
    ("*", {"after": True, "drop": True, "rate": 0.03}),
)
"""Too many requests; a bad gateway; a time-out with nothing done; done, but the answer is lost."""

VICTIMS = {"engine": 2, "bot": 3, "worker": 4, "gates": 1, "decoder": 1, "front": 2}
MODULES = {"worker": "engine.fleet.worker", "gates": "engine.screener", "decoder": "engine.media.photo"}

CONFIG = """
[telegram]
token = "{token}"
base_url = "http://127.0.0.1:{port}/bot"
base_file_url = "http://127.0.0.1:{port}/file/bot"
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


@dataclass(frozen=True)
class Eye:
    """Looks into the files of the bot and the engine, from outside and without a lock."""

    data: Path

    def broken(self) -> list[str]:
        """The ledger's invariants that do not hold at this moment."""
        with closing(open_reader(self.data / "engine.sqlite")) as reader:
            reader.execute("BEGIN")
            limits = Limits(depth=1, queued_per_requester=1, running_per_requester=1)
            return Verbs(reader, limits=limits, now=lambda: 0).check()

    def running(self) -> list[tuple[int, int]]:
        """Starts and crashes of the jobs that run now."""
        return self._engine("SELECT starts - stops, crashes FROM jobs WHERE status = 'running'")

    def open_jobs(self) -> int:
        ((count,),) = self._engine("SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')")
        return int(count)

    def ends(self) -> dict[tuple[int, int], tuple[str, int]]:
        """By chat and message of the photo: how its job stands, and its crashes. Photos that were never accepted are not in it."""
        jobs = {
            name: (status, crashes)
            for name, status, crashes in self._engine("SELECT id, status, crashes FROM jobs")
        }
        with closing(open_reader(self.data / "bot.sqlite")) as reader:
            tickets = reader.execute("SELECT job_id, chat_id, message_id FROM tickets").fetchall()
        return {(chat, message): jobs[job] for job, chat, message in tickets if job in jobs}

    def _engine(self, query: str) -> list[Any]:
        with closing(open_reader(self.data / "engine.sqlite")) as reader:
            rows: list[Any] = reader.execute(query).fetchall()
            return rows


@dataclass
class Tally:
    """What the oracle counted."""

    seed: int
    sent: int = 0
    poison: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    animated: int = 0
    poison_buried: int = 0
    poison_wrong: list[str] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.broken or self.poison_wrong or self.buried)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.sent} photos ({self.poison} poison), {self.kills.total()} kills {dict(self.kills)}, "
            f"lost {len(self.lost)}, twice {len(self.twice)}, broken invariants {len(self.broken)}, animated {self.animated}, "
            f"poison buried {self.poison_buried}, poison wrong {self.poison_wrong}, good buried {self.buried}, "
            f"other answers {dict(self.told)}"
        )


@dataclass
class Rig:
    """One run: `photos` requests while `kills` processes die."""

    play: Play
    eye: Eye
    engine: Process
    bot: Process
    front: Process
    chance: random.Random
    tally: Tally
    photos: list[tuple[Seen, bool]] = field(default_factory=list)
    """Each photo, and whether it is poison."""

    async def run(self, *, photos: int, kills: int) -> Tally:
        sending = asyncio.create_task(self._send(photos))
        while self.tally.kills.total() < kills:
            await asyncio.sleep(self.chance.uniform(0.3, 3.0))
            self._kill_something()
            self.tally.broken += self.eye.broken()
        await sending
        await self.play.clear_faults()
        answers = await self._all_answered()
        self._judge(answers, await self._changed_clips())
        return self.tally

    def _kill_something(self) -> None:
        """Twice under the same job, or five times with the whole engine, is what poison looks like: good jobs are spared that."""
        victim = self.chance.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        running = self.eye.running()
        match victim:
            case "engine" if all(starts < 4 for starts, _ in running):
                self.engine.kill()
            case "bot":
                self.bot.kill()
            case "front":
                self.front.kill()
            case "worker" if any(crashes for _, crashes in running):
                return
            case "worker" | "gates" | "decoder":
                if not self.engine.kill_descendant(module=MODULES[victim]):
                    return
            case _:
                return
        self.tally.kills[victim] += 1

    async def _send(self, photos: int) -> None:
        for number in range(photos):
            while self.eye.open_jobs() >= OPEN_AT_ONCE:
                await asyncio.sleep(0.2)
            poison = number % POISON_EVERY == POISON_EVERY // 2
            photo = poison_photo(number) if poison else small_photo(number)
            person = f"p{self.chance.randrange(1, PEOPLE + 1)}"
            self.photos.append((await self.play.send_photo(person, photo, "soft snow, slow zoom"), poison))
            self.tally.sent += 1
            self.tally.poison += poison
            await asyncio.sleep(self.chance.uniform(0.0, 1.0))

    async def _all_answered(self) -> dict[int, list[Seen]]:
        """Wait until every photo has its clip or its last word, or patience ends."""
        patience = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            answers = await self._answers()
            if all(map(_final, answers.values())) or asyncio.get_running_loop().time() > patience:
                return answers
            await asyncio.sleep(1.0)

    async def _answers(self) -> dict[int, list[Seen]]:
        """The bot's messages in reply to each photo."""
        found: dict[int, list[Seen]] = {photo.id: [] for photo, _ in self.photos}
        for person in range(1, PEOPLE + 1):
            for message in await self.play.messages(f"p{person}"):
                if message.from_bot and message.reply_to in found:
                    found[message.reply_to].append(message)
        return found

    async def _changed_clips(self) -> set[int]:
        """The messages that held one clip and then another. The same one may be put there again, after a crash."""
        held: dict[int, set[str]] = defaultdict(set)
        for call in await self.play.calls("editMessageMedia"):
            if call.status == 200:
                held[call.answer["message_id"]] |= {file["sha256"] for file in call.files.values()}
        return {message for message, clips in held.items() if len(clips) > 1}

    def _judge(self, answers: dict[int, list[Seen]], changed: set[int]) -> None:
        ends = {message: end for (_, message), end in self.eye.ends().items()}
        for photo, poison in self.photos:
            clips = [reply for reply in answers[photo.id] if reply.kind == "video"]
            status, crashes = ends.get(photo.id, ("never accepted", 0))
            if len(clips) > 1 or any(clip.id in changed for clip in clips):
                self.tally.twice.append(photo.id)
            if not _final(answers[photo.id]):
                self.tally.lost.append(photo.id)
            elif clips:
                self.tally.animated += 1
            else:
                self.tally.told[_last_words(answers[photo.id])[:60]] += 1
            if poison and (status, crashes) == ("failed", 2):
                self.tally.poison_buried += 1
            elif poison and (clips or status != "never accepted"):
                self.tally.poison_wrong.append(f"{photo.id} {status} {crashes}")
            elif not poison and status == "failed":
                self.tally.buried.append(f"{photo.id} {crashes} crashes")


@asynccontextmanager
async def rig(folder: Path, *, seed: int) -> AsyncIterator[Rig]:
    """Everything running, with a Telegram that loses things; stopped in order at the end."""
    behind, before = _free_port(), _free_port()
    home = Home(folder, config=CONFIG.format(token=DEFAULT_TOKEN, port=before), rest_seconds=0.1)
    home.make()
    config = ("--config", str(folder / "config.toml"))
    processes = [
        Process(
            ("-m", "bot.playground", "--port", str(behind), "--people", str(PEOPLE), "--no-group-limit"),
            ROOT,
            folder / "playground.log",
        ),
        Process((str(ROOT / "tests/faults/front.py"), str(before), str(behind)), ROOT, folder / "front.log"),
        Process(("-m", "engine", "run", *config), home.code, folder / "engine.log"),
        Process(("-m", "bot", "run", *config), home.code, folder / "bot.log"),
    ]
    async with contextlib.AsyncExitStack() as stack:
        for process in processes:
            await process.start()
            stack.push_async_callback(process.stop)
        play = await stack.enter_async_context(Play(f"http://127.0.0.1:{behind}"))
        _, front, engine, bot = processes
        eye = Eye(folder / "data")
        await _up(play, eye)
        for method, fault in LOSSY:
            await play.fault(method, times=None, **fault)
        yield Rig(play, eye, engine, bot, front, random.Random(seed), Tally(seed))


async def _up(play: Play, eye: Eye) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(Exception):  # not there yet, in one of many ways
                if await play.calls("deleteWebhook") and eye.open_jobs() == 0:
                    return
            await asyncio.sleep(0.2)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _final(replies: list[Seen]) -> bool:
    return any(reply.kind == "video" for reply in replies) or bool(_last_words(replies))


def _last_words(replies: list[Seen]) -> str:
    """What the person was told instead of a clip; a placeholder can be cancelled still."""
    final = [reply.text for reply in replies if "cancel" not in " ".join(reply.buttons).lower()]
    return final[-1] if final else ""
