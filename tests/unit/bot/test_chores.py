"""What the bot does by itself: placeholders that follow their job, and stories that end."""

import asyncio

import pytest
from msgspec.structs import replace

from bot.chores import LOST_SECONDS, Chores, every
from bot.database import StorageError
from engine.errors import EngineUnavailable
from engine.schema import JobStatus, JobView, Step
from handlers import story
from handlers.context import Services, Story, Ticket

ANN, FRIENDS = 100_000_001, -4_000_001
JOB = "00000000-0000-8000-8000-000000000001"
TICKET = Ticket(
    reply_to="reply-to-1",
    job_id=JOB,
    chat_id=ANN,
    message_id=1,
    user_id=ANN,
    maker_name="Ann",
    locale="en",
    photo_file_id="photo",
)
STORY = Story(
    story_id="s1", job_id=JOB, user_id=ANN, maker_name="Ann", chat_id=FRIENDS, ends_at=1_800_000_100.0
)


@pytest.fixture
async def chores(client, store, outbox, clock):
    services = Services(
        engine=client, store=store, outbox=outbox, identities=None, rules=None, verifying=None, now=clock
    )
    await outbox.start()
    return Chores(services, store)


@pytest.fixture
async def placeholder(bot, store):
    message = await bot.send_message(ANN, "sent")
    await store.open_ticket(replace(TICKET, placeholder_id=message.message_id))
    return message.message_id


async def text_of(playground, message_id: int) -> str:
    return next(seen.text for seen in await playground.play.messages("ann") if seen.id == message_id)


async def test_the_placeholder_says_where_its_job_is(chores, engine, playground, placeholder):
    engine.jobs[JOB] = JobView(job_id=JOB, status=JobStatus.QUEUED, place=3)
    await chores.show_progress()
    await playground.play.wait("ann", lambda seen: "place 3" in seen.text)

    engine.jobs[JOB] = JobView(job_id=JOB, status=JobStatus.RUNNING, step=Step.CHECKING)
    await chores.show_progress()
    await playground.play.wait("ann", lambda seen: "Checking" in seen.text)

    assert [seen.buttons for seen in await playground.play.messages("ann") if seen.from_bot] == [
        ("✖️ Cancel",)
    ]


@pytest.mark.parametrize(
    "status", [JobStatus.ANIMATED, JobStatus.CANCELED, JobStatus.FAILED, JobStatus.REFUSED]
)
async def test_a_job_that_has_ended_is_left_to_its_outcome(chores, engine, playground, placeholder, status):
    engine.jobs[JOB] = JobView(job_id=JOB, status=status)

    await chores.show_progress()
    await asyncio.sleep(0.2)

    assert await text_of(playground, placeholder) == "sent"


async def test_a_job_that_is_not_handed_in_yet_is_not_spoken_of(chores, playground, placeholder):
    await chores.show_progress()
    await asyncio.sleep(0.2)

    assert await text_of(playground, placeholder) == "sent"


async def test_an_overdue_story_is_taken_down_once(chores, store, playground, bot, clock):
    message = await bot.send_message(FRIENDS, "a story")
    await store.add_story(replace(STORY, message_id=message.message_id))

    await chores.end_stories()
    assert await store.live_stories() != []

    clock.seconds += 1000
    for _ in range(2):
        await chores.end_stories()
    await playground.play.wait_until(lambda: _deleted(playground, message.message_id))

    assert len(await playground.play.calls("deleteMessage")) == 1
    assert (await store.story("s1")).ended


async def test_a_story_that_was_never_posted_just_ends(chores, store, clock):
    await store.add_story(STORY)
    clock.seconds += 1000

    await chores.end_stories()

    assert (await store.story("s1")).ended


async def test_a_story_that_is_posted_while_it_ends_is_taken_down_too(chores, store, playground, bot):
    message = await bot.send_message(FRIENDS, "a story")
    await store.add_story(replace(STORY, message_id=message.message_id))

    await story.end(STORY, chores._services)  # as it was looked up before it was posted

    await playground.play.wait_until(lambda: _deleted(playground, message.message_id))


async def test_a_story_is_not_ended_before_its_end_is_on_disk(chores, store, database, clock):
    await store.add_story(replace(STORY, message_id=7))
    await database.run(lambda connection: connection.execute("ALTER TABLE outbox RENAME TO lost").close())
    clock.seconds += 1000

    with pytest.raises(StorageError):
        await chores.end_stories()

    assert [due.story_id for due in await store.due_stories()] == ["s1"]


async def test_an_engine_that_is_away_puts_a_chore_off():
    tries = []

    async def chore():
        tries.append(1)
        if len(tries) == 1:
            raise EngineUnavailable

    task = asyncio.create_task(every(0.01, chore))
    async with asyncio.timeout(60):
        while len(tries) < 3:
            await asyncio.sleep(0.01)
    task.cancel()


async def _deleted(playground, message_id: int):
    left = {seen.id for seen in await playground.play.messages("friends")}
    return message_id not in left or None


async def test_a_job_that_a_restored_engine_does_not_know_is_told_as_lost(
    chores, playground, placeholder, store
):
    moment = 0.0
    chores._now = lambda: moment
    await chores.show_progress()
    moment = LOST_SECONDS - 1
    await chores.show_progress()
    assert await text_of(playground, placeholder) == "sent"

    moment = LOST_SECONDS
    await chores.show_progress()

    await playground.play.wait("ann", lambda seen: "could not finish" in seen.text)
    assert await store.open_tickets() == []
