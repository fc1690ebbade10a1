"""Tickets, groups and stories: what is kept, for how long, and that a repeat changes nothing."""

from msgspec.structs import replace

from bot.store import KEEP_SECONDS
from handlers.context import Group, Story, Ticket

TICKET = Ticket(
    reply_to="reply-to-1",
    job_id="00000000-0000-8000-8000-000000000001",
    chat_id=5,
    message_id=7,
    user_id=5,
    maker_name="Ann",
    locale="en",
    photo_file_id="photo",
)
STORY = Story(
    story_id="story-1",
    job_id=TICKET.job_id,
    user_id=5,
    maker_name="Ann",
    chat_id=-100,
    ends_at=1_800_000_100.0,
)


async def test_a_repeated_update_gets_the_ticket_that_its_job_already_has(store):
    first = await store.open_ticket(TICKET)
    await store.set_placeholder(TICKET.job_id, 8)

    again = await store.open_ticket(replace(TICKET, reply_to="reply-to-2"))

    assert first == TICKET
    assert again == replace(TICKET, placeholder_id=8)
    assert await store.ticket("reply-to-2") is None
    assert await store.ticket("reply-to-1") == await store.ticket_of_job(TICKET.job_id) == again


async def test_open_tickets_are_those_of_one_person_or_chat_oldest_first(store, clock):
    other = replace(TICKET, job_id="other", reply_to="reply-to-2", user_id=6, chat_id=-100, in_group=True)
    await store.open_ticket(TICKET)
    clock.seconds += 1
    await store.open_ticket(other)

    assert await store.open_tickets() == [TICKET, other]
    assert await store.open_tickets(user_id=6) == [other]
    assert await store.open_tickets(chat_id=5) == [TICKET]

    await store.end_ticket(TICKET.job_id)
    assert await store.open_tickets() == [other]


async def test_a_person_is_offered_the_groups_where_both_were_seen(store):
    await store.saw_group(Group(chat_id=-100, title="Friends"))
    await store.saw_group(Group(chat_id=-200, title="Others"))
    await store.saw_member(-100, 5)
    await store.saw_group(Group(chat_id=-100, title="Best friends"))

    assert await store.groups_of(5) == [Group(chat_id=-100, title="Best friends")]
    await store.forget_group(-100)
    assert await store.groups_of(5) == []
    assert await store.group(-200) == Group(chat_id=-200, title="Others")


async def test_everything_of_a_group_follows_it_to_its_new_id(store):
    await store.open_ticket(replace(TICKET, chat_id=-100))
    await store.saw_group(Group(chat_id=-100, title="Friends"))
    await store.saw_member(-100, 5)
    await store.add_story(STORY)

    await store.migrate_group(-100, -1001)

    assert [ticket.chat_id for ticket in await store.open_tickets()] == [-1001]
    assert await store.groups_of(5) == [Group(chat_id=-1001, title="Friends")]
    assert await store.group(-100) is None
    assert await store.live_stories(chat_id=-1001) == [replace(STORY, chat_id=-1001)]


async def test_a_story_lives_until_its_time_or_its_end(store, clock):
    await store.add_story(STORY)
    assert await store.add_story(replace(STORY, maker_name="Bob")) == STORY
    assert await store.live_stories(job_id=TICKET.job_id) == [STORY]

    clock.seconds += 100
    assert await store.live_stories() == []
    assert await store.due_stories() == [STORY]

    await store.end_story(STORY.story_id)
    assert await store.due_stories() == []


async def test_nothing_is_kept_longer_than_said(store, clock, database):
    await store.open_ticket(TICKET)
    await store.add_story(replace(STORY, ended=True))

    clock.seconds += KEEP_SECONDS - 1
    await store.prune()
    assert await store.ticket_of_job(TICKET.job_id) == TICKET

    clock.seconds += 200
    await store.prune()
    assert await store.ticket_of_job(TICKET.job_id) is None
    assert await store.story(STORY.story_id) is None
