"""What the bot keeps of groups: limits, authors who were asked, reports and hearts; and that it goes in time."""

from msgspec.structs import replace

from bot.store import KEEP_SECONDS
from handlers.context import Story, Ticket
from handlers.group_values import Consent, GroupRules, Who

ANN, BOB, FRIENDS, SUPER = 100_000_001, 100_000_002, -4_000_001, -1_000_004_000_001
DAY = 86_400.0
TICKET = Ticket(
    reply_to="r1",
    job_id="j1",
    chat_id=FRIENDS,
    message_id=1,
    user_id=ANN,
    maker_name="Ann",
    locale="en",
    photo_file_id="photo",
    in_group=True,
)
STORY = Story(
    story_id="s1", job_id="j1", user_id=ANN, maker_name="Ann", chat_id=FRIENDS, ends_at=1_800_000_100.0
)
ASKED = Consent(job_id="j1", chat_id=FRIENDS, user_id=ANN, author_id=BOB, prompt="snow", ticket="{}")


async def test_a_groups_rules_are_kept_and_follow_it(store):
    rules = GroupRules(makers=Who.ADMINS, people=False, clips_per_day=3, quiet_from=22, story_thread=7)
    await store.set_group_rules(FRIENDS, GroupRules())
    await store.set_group_rules(FRIENDS, rules)

    await store.migrate_group(FRIENDS, SUPER)

    assert await store.group_rules(SUPER) == rules
    assert await store.group_rules(FRIENDS) == GroupRules()


async def test_what_waits_counts_for_the_day_and_what_was_refused_does_not(store):
    await store.open_ticket(TICKET)
    await store.open_ticket(replace(TICKET, job_id="j2", reply_to="r2", user_id=BOB))
    assert (await store.clips_today(FRIENDS, ANN))[0] == 1

    await store.end_ticket("j1")

    assert (await store.clips_today(FRIENDS, ANN))[0] == 0


async def test_a_question_to_an_author_is_answered_once_and_waits_a_day(store, clock):
    await store.ask_author(ASKED)
    assert await store.consent("j1") == ASKED
    assert await store.end_consent("j1")
    assert not await store.end_consent("j1")

    await store.ask_author(ASKED)
    clock.seconds += DAY + 1
    await store.prune()

    assert await store.consent("j1") is None


async def test_forgetting_takes_what_an_author_was_asked_and_hearts_and_reports(store):
    await store.ask_author(ASKED)
    await store.add_story(STORY)
    await store.set_heart("s1", BOB)
    await store.report_story("s1", BOB)
    assert set((await store.person(BOB)).tables) == {"consents", "hearts", "story_reports"}

    await store.forget_person(BOB)

    assert (await store.person(BOB)).tables == {}
    assert await store.hearts("s1") == 0


async def test_reports_count_once_a_person_and_anew_after_a_decision(store):
    await store.add_story(STORY)

    counts = [await store.report_story("s1", user_id) for user_id in (ANN, ANN, BOB)]
    await store.hide_story("s1", hidden=True)
    hidden = await store.story("s1")
    await store.hide_story("s1", hidden=False)

    assert counts == [1, 1, 2]
    assert hidden is not None
    assert hidden.hidden
    assert await store.report_story("s1", ANN) == 1


async def test_hearts_of_a_story_that_is_gone_go_too(store, clock):
    await store.add_story(replace(STORY, ended=True))
    await store.set_heart("s1", BOB)

    clock.seconds += KEEP_SECONDS + 200
    await store.prune()

    assert (await store.person(BOB)).tables == {}
