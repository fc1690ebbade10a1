"""The inbox under real polling: kept before it is confirmed, handled in order, done exactly when it is done."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from PIL import Image
from telegram import Update
from telegram.error import NetworkError
from telegram.ext import MessageHandler, TypeHandler, filters

from bot.app import build_application
from bot.config import TelegramAddress
from bot.database import Database
from bot.inbox import Arrival, DurableQueue, Inbox
from bot.lanes import MOST_STARTS, Lanes
from bot.outcomes import follow_outcomes
from bot.polling import PollRequest, start_polling
from engine.errors import EngineUnavailable
from engine.schema import Canceled, OutcomePage, SequencedOutcome
from handlers.context import Context, EngineOutcome, Services

ANN = 100_000_001
JOB = "00000000-0000-8000-8000-000000000001"
CANCELED = Canceled(job_id=JOB, reply_to="reply-to-1")


@pytest.fixture
def inbox(database: Database, clock) -> Inbox:
    return Inbox(database, now=clock)


@pytest.fixture
def polling(playground, inbox, outbox, store) -> Callable:
    """Runs a bot whose messages and outcomes all go to one handler, until the block ends."""

    @asynccontextmanager
    async def run(handler, *, poll: bool = True) -> AsyncIterator[DurableQueue]:
        queue, lanes = DurableQueue(inbox), Lanes(inbox, pauses_seconds=(0.01, 0.01))
        table = ((), (MessageHandler(filters.ALL, handler), TypeHandler(EngineOutcome, handler)))
        address = TelegramAddress(playground.token, playground.base_url, playground.base_file_url)
        application = build_application(address, queue=queue, lanes=lanes, poll=PollRequest(), table=table)
        application.bot_data[Context.SERVICES] = Services(
            engine=None,
            store=store,
            outbox=outbox,
            identities=None,
            rules=None,
            verifying=None,
            now=lambda: 0.0,
        )
        async with application:
            await application.start()
            await queue.replay(application.bot)
            if poll:
                await start_polling(application.updater, ("message",))
            try:
                yield queue
            finally:
                if poll:
                    await application.updater.stop()
                await lanes.close(seconds=0.2)
                await application.stop()

    return run


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (64, 64), shade).save(file, "JPEG")
    return file.getvalue()


async def rows(database) -> list[tuple]:
    return await database.run(
        lambda c: [
            tuple(row)
            for row in c.execute(
                "SELECT source, tries, body IS NULL, done_at IS NULL FROM inbox ORDER BY number"
            )
        ]
    )


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not check():
            await asyncio.sleep(0.01)


async def until_kept(database, *wanted: tuple) -> None:
    """Wait until these are the rows of the inbox: a busy disk takes its time."""
    async with asyncio.timeout(60):
        while await rows(database) != list(wanted):
            await asyncio.sleep(0.01)


async def test_a_handled_update_is_marked_and_its_words_are_forgotten(polling, playground, database):
    seen = []

    async def handler(update, _context):
        seen.append(update.message.text)

    async with polling(handler):
        await playground.play.send_text("ann", "a secret wish")
        await until_kept(database, *[("telegram", 1, 1, 0)] * 2)

    assert seen == ["hello", "a secret wish"]


async def test_what_was_not_finished_is_handled_after_the_next_start(polling, playground, database):
    begun, seen = [], []

    async def stuck(update, _context):
        begun.append(update)
        await asyncio.Event().wait()

    async def handler(update, _context):
        seen.append(update.message.text)

    async with polling(stuck):
        await playground.play.send_text("ann", "again")
        await until(lambda: begun)
        await playground.play.wait_until(lambda: _none_pending(playground))
    async with polling(handler, poll=False):
        await until(lambda: len(seen) == 2)

    assert seen == ["hello", "again"]
    assert [row[3] for row in await rows(database)] == [0, 0]


async def test_the_same_update_is_handled_once(polling, inbox, playground, bot):
    seen = []

    async def handler(update, _context):
        seen.append(update.update_id)

    message = {
        "message_id": 9,
        "date": 1_800_000_000,
        "chat": {"id": ANN, "type": "private"},
        "from": {"id": ANN, "is_bot": False, "first_name": "Ann"},
        "text": "twice",
    }
    update = Update.de_json({"update_id": 7, "message": message}, bot)
    async with polling(handler, poll=False) as queue:
        await queue.put(update)
        await queue.put(update)
        await until(lambda: seen)
        await queue.put(update)

    assert seen == [7]


async def test_a_full_disk_delays_an_update_and_the_poller_lives_on(polling, playground, database):
    seen = []

    async def handler(update, _context):
        seen.append(update.message.text)

    async def limit_pages(sql: str) -> None:
        await database.run(lambda c: c.execute(sql).close())

    pages = await database.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await limit_pages(f"PRAGMA max_page_count = {pages}")
    async with polling(handler):
        await playground.play.send_text("ann", "x" * 4000)
        await asyncio.sleep(0.3)
        assert "x" * 4000 not in seen

        await limit_pages("PRAGMA max_page_count = 100000")
        await until(lambda: "x" * 4000 in seen)


async def test_an_update_that_cannot_be_kept_is_a_network_error(inbox, database, bot):
    await database.run(lambda c: c.execute("DROP TABLE inbox").close())

    with pytest.raises(NetworkError):
        await DurableQueue(inbox).put(Update(update_id=1))


async def test_a_passing_trouble_is_tried_three_times_and_then_apologised_for_once(
    polling, playground, database
):
    tries = []

    async def handler(_update, _context):
        tries.append(1)
        raise EngineUnavailable

    async with polling(handler):
        await until_kept(database, ("telegram", 1, 1, 0))

    assert len(tries) == 3
    assert await _keys(database) == ["sorry"]


async def test_trouble_that_passes_is_never_mentioned(polling, database):
    tries = []

    async def handler(_update, _context):
        tries.append(1)
        if len(tries) < 3:
            raise NetworkError("Bad Gateway")

    async with polling(handler):
        await until_kept(database, ("telegram", 1, 1, 0))

    assert len(tries) == 3
    assert await _keys(database) == []


async def test_a_mistake_of_ours_is_apologised_for_at_once_and_not_repeated(polling, database):
    tries = []

    async def handler(_update, _context):
        tries.append(1)
        raise ValueError("a mistake")

    async with polling(handler):
        await until_kept(database, ("telegram", 1, 1, 0))

    assert len(tries) == 1
    assert await _keys(database) == ["sorry"]


async def test_an_update_that_took_the_process_down_again_and_again_is_given_up(
    polling, playground, inbox, database, bot
):
    seen = []

    async def handler(update, _context):
        seen.append(update)

    update = Update.de_json(
        {
            "update_id": 5,
            "message": {
                "message_id": 9,
                "date": 1_800_000_000,
                "chat": {"id": ANN, "type": "private"},
                "text": "poison",
            },
        },
        bot,
    )
    await inbox.accept(update)
    for _ in range(MOST_STARTS):
        await inbox.begin(Arrival("telegram", 5))

    async with polling(handler, poll=False):
        await until_kept(database, ("telegram", MOST_STARTS + 1, 1, 0))

    assert seen == []
    assert await _keys(database) == ["sorry"]


async def test_one_person_is_served_in_order_while_others_do_not_wait(polling, playground):
    await playground.play.send_text("bob", "quick")
    for number in range(3):
        await playground.play.send_text("ann", f"slow {number}")
    running, most, seen = set(), [], []

    async def handler(update, _context):
        running.add(update.effective_user.id)
        most.append(len(running))
        await asyncio.sleep(0.05)
        if update.message.text == "hello":
            await until(lambda: "quick" in seen)
        seen.append(update.message.text)
        running.discard(update.effective_user.id)

    async with polling(handler):
        await until(lambda: len(seen) == 5)

    assert [text for text in seen if text != "quick"] == ["hello", "slow 0", "slow 1", "slow 2"]
    assert max(most) == 2


async def test_words_do_not_wait_for_ever_behind_a_photo_that_does(polling, playground, monkeypatch):
    monkeypatch.setattr("bot.lanes.PATIENCE_SECONDS", 0.2)
    handled, engine_is_back = [], asyncio.Event()

    async def handler(update, _context):
        if update.message.photo:
            await engine_is_back.wait()
        handled.append(update.message.text or "the photo")

    async with polling(handler):
        await playground.play.send_photo("ann", picture(1))
        await playground.play.send_text("ann", "/status")
        await until(lambda: "/status" in handled)
        engine_is_back.set()
        await until(lambda: "the photo" in handled)

    assert handled == ["hello", "/status", "the photo"]


async def test_the_photos_of_an_album_can_wait_for_each_other(polling, playground):
    together = asyncio.Barrier(3)
    seen = []

    async def handler(update, _context):
        if update.message.photo:
            async with asyncio.timeout(60):
                await together.wait()
            seen.append(update.message.caption)

    async with polling(handler):
        await playground.play.send_album(
            "ann", [picture(shade) for shade in (0, 100, 200)], captions=["a", "b", "c"]
        )
        await until(lambda: len(seen) == 3)

    assert sorted(seen) == ["a", "b", "c"]


async def test_outcomes_and_the_cursor_move_together(inbox, database):
    page = OutcomePage(
        outcomes=(
            SequencedOutcome(sequence=3, outcome=CANCELED),
            SequencedOutcome(sequence=8, outcome=CANCELED),
        )
    )

    first = await inbox.accept_outcomes(page)
    again = await inbox.accept_outcomes(page)

    assert [outcome.sequence for outcome in first] == [3, 8]
    assert again == []
    assert await inbox.cursor() == 8
    assert await inbox.accept_outcomes(OutcomePage()) == []
    assert await inbox.cursor() == 8


async def test_outcomes_are_asked_for_after_the_cursor_and_survive_an_engine_that_is_away(
    polling, inbox, database, engine, client
):
    seen = []
    engine.outcomes.append(SequencedOutcome(sequence=4, outcome=CANCELED))
    hidden = engine.socket.rename(engine.socket.with_suffix(".away"))

    async def handler(update, _context):
        seen.append((update.sequence, update.outcome))

    async with polling(handler, poll=False) as queue:
        task = asyncio.create_task(follow_outcomes(client, inbox, queue, wait_seconds=0.1))
        await asyncio.sleep(0.1)
        assert seen == []
        hidden.rename(engine.socket)
        await until(lambda: len(engine.asked) > 2)
        task.cancel()

    assert engine.asked[:3] == ["outcomes after 0", "outcomes after 4", "outcomes after 4"]
    assert seen == [(4, CANCELED)]
    assert await rows(database) == [("engine", 1, 1, 0)]


async def test_an_outcome_that_was_not_told_is_told_after_the_next_start(polling, inbox):
    page = OutcomePage(outcomes=(SequencedOutcome(sequence=3, outcome=CANCELED),))
    await inbox.accept_outcomes(page)
    seen = []

    async def handler(update, _context):
        seen.append((update.sequence, update.outcome))

    async with polling(handler, poll=False):
        await until(lambda: seen)

    assert seen == [(3, CANCELED)]


async def _none_pending(playground):
    return await playground.play.pending() == 0 or None


async def _keys(database) -> list[str]:
    found = await database.run(lambda c: [row[0] for row in c.execute("SELECT key FROM outbox")])
    return [key.split(":")[0] for key in found]
