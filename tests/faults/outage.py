"""Telegram is down and comes back: the outbox says everything, in order, within Telegram's limits, results before progress.

The real outbox, limiter and Bot API client against the playground, whose list of calls is what counts.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from telegram.ext import ExtBot

from bot.database import Database
from bot.delivery import Delivery
from bot.limiter import Limiter, Manner
from bot.notes import Notes
from bot.outbox import DurableOutbox
from bot.playground.client import Call
from bot.playground.server import Playground
from engine.client import Address, EngineClient
from handlers.context import EditText, Rules, SendText

OVERALL_PER_SECOND = 30
CHAT_BURST = 4
PROGRESS_SECONDS = 1.0
RULES = Rules(
    operator_chat_id=None,
    story_hours=24,
    hide_after_reports=3,
    stale_after_seconds=3600,
    album_wait_seconds=0,
    progress_private_seconds=PROGRESS_SECONDS,
    progress_group_seconds=PROGRESS_SECONDS,
    edit_into_clip=True,
    verify_per_hour=20,
)


@dataclass
class OutageTally:
    seed: int
    people: int
    down_seconds: float
    lost: list[str] = field(default_factory=list)
    out_of_order: list[int] = field(default_factory=list)
    progress_first: list[int] = field(default_factory=list)
    """Chats in which progress was said while a result waited."""
    most_per_second: int = 0
    most_per_chat: int = 0
    """In any two seconds: a burst of four, and one a second."""
    refused_429: int = 0
    drained_seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.out_of_order or self.progress_first) and self.within_limits

    @property
    def within_limits(self) -> bool:
        return self.most_per_second <= OVERALL_PER_SECOND and self.most_per_chat <= CHAT_BURST + 2

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.people} people, Telegram down for {self.down_seconds:.0f} s, drained {self.drained_seconds:.0f} s "
            f"after it was back; lost {len(self.lost)}, out of order {len(self.out_of_order)}, progress before a result "
            f"{len(self.progress_first)}; at most {self.most_per_second} calls in a second, {self.most_per_chat} into a chat in two"
        )


async def ride_out(*, people: int, down_seconds: float, seed: int) -> OutageTally:
    """Everybody's result comes while Telegram is down, then a text; progress of others is told all the time."""
    chance, tally = random.Random(seed), OutageTally(seed, people, down_seconds)
    with tempfile.TemporaryDirectory(prefix="outage-") as folder:
        async with Playground(group_limit=False) as playground:
            async with Database(Path(folder) / "bot.sqlite") as database:
                await _story(playground, database, Path(folder), chance, tally)
    return tally


async def _story(
    playground: Playground, database: Database, folder: Path, chance: random.Random, tally: OutageTally
) -> None:
    chats = {f"p{number}": 200_000_000 + number for number in range(tally.people)}
    for key, chat_id in chats.items():
        playground.api.world.add_person(key, user_id=chat_id, name=key)
        await playground.play.send_text(key, "hello")
    async with (
        EngineClient(Address(socket=folder / "none.sock")) as engine,
        ExtBot[Manner](
            playground.token,
            base_url=playground.base_url,
            base_file_url=playground.base_file_url,
            rate_limiter=Limiter(),
        ) as bot,
    ):
        results, others = await _placeholders(bot, chats.values())
        notes = Notes(database, now=time.time)
        outbox = DurableOutbox(notes, Delivery(bot, engine), engine, RULES, now=time.time)
        await outbox.start()
        progress = asyncio.create_task(_tell_progress(outbox, others))
        await playground.play.outage(on=True)
        await _results_come(outbox, results, chance, within=tally.down_seconds)
        await playground.play.outage(on=False)
        back = time.monotonic()
        await _drained(database)
        tally.drained_seconds = time.monotonic() - back
        progress.cancel()
        await asyncio.wait([progress])
        await outbox.stop(seconds=5)
        calls = [call for call in await playground.play.calls() if call.status in {200, 429}]
        _judge(calls, results, tally)


async def _placeholders(bot: ExtBot[Manner], chats: Iterable[int]) -> tuple[dict[int, int], dict[int, int]]:
    """By chat: the message that becomes the result, and one of another job that goes on."""
    results, others = {}, {}
    for chat_id in chats:
        results[chat_id] = (await bot.send_message(chat_id, "in the queue")).message_id
        others[chat_id] = (await bot.send_message(chat_id, "in the queue too")).message_id
    return results, others


async def _tell_progress(outbox: DurableOutbox, others: dict[int, int]) -> None:
    count = 0
    while True:
        count += 1
        for chat_id, message_id in others.items():
            await outbox.progress(chat_id, message_id, f"{count} %")
        await asyncio.sleep(PROGRESS_SECONDS)


async def _results_come(
    outbox: DurableOutbox, results: dict[int, int], chance: random.Random, *, within: float
) -> None:
    order = list(results.items())
    chance.shuffle(order)
    for chat_id, message_id in order:
        await outbox.put(f"result {chat_id}", EditText(chat_id=chat_id, message_id=message_id, text="result"))
        await outbox.put(f"nudge {chat_id}", SendText(chat_id=chat_id, text="nudge"))
        await asyncio.sleep(within / len(order))


async def _drained(database: Database) -> None:
    query = "SELECT count(*) FROM outbox WHERE ended_at IS NULL"
    while await database.run(lambda connection: int(connection.execute(query).fetchone()[0])):
        await asyncio.sleep(0.2)


def _judge(calls: list[Call], results: dict[int, int], tally: OutageTally) -> None:
    said: dict[int, list[str]] = defaultdict(list)
    moments: dict[int, list[float]] = defaultdict(list)
    for call in calls:
        if call.method not in {"sendMessage", "editMessageText"}:
            continue
        chat_id = int(call.params["chat_id"])
        moments[chat_id].append(call.at)
        moments[0].append(call.at)
        tally.refused_429 += call.status == 429
        said[chat_id].append(call.params["text"])
    for chat_id in results:
        words = said[chat_id]
        if "result" not in words or "nudge" not in words:
            tally.lost.append(f"{chat_id}: {words}")
            continue
        if words.index("result") > words.index("nudge"):
            tally.out_of_order.append(chat_id)
        waited_from = next((n for n, text in enumerate(words) if text.endswith("%")), len(words))
        if any(text.endswith("%") for text in words[words.index("result") : words.index("nudge")]):
            tally.progress_first.append(chat_id)
        assert waited_from >= 2, "the placeholders come first"
    tally.most_per_second = _most(moments.pop(0), within=1.0)
    tally.most_per_chat = max(_most(times, within=2.0) for times in moments.values())


def _most(times: list[float], *, within: float) -> int:
    """The most in any stretch of so many seconds."""
    times, first, most = sorted(times), 0, 0
    for last, moment in enumerate(times):
        while moment - times[first] >= within:
            first += 1
        most = max(most, last - first + 1)
    return most
