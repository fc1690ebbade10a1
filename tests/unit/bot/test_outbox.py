"""The outbox against the playground: said once, in order, repeated only where that cannot double it."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from telegram.error import RetryAfter

from handlers.context import (
    Button,
    ClipRecord,
    DeleteMessage,
    EditText,
    EditToVideo,
    PostStory,
    SendOriginal,
    SendText,
    Story,
    Ticket,
)

ANN, FRIENDS = 100_000_001, -4_000_001
SPACING_SECONDS = 0.3  # `progress_private_seconds` of the rules in conftest
JOB = "00000000-0000-8000-8000-000000000001"
CLIP = b"\0\0\0\x18ftypisom" + bytes(64)

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


@pytest.fixture
async def placeholder(bot):
    """The message that becomes the clip."""
    return (await bot.send_message(ANN, "in the queue")).message_id


def to_video(placeholder: int | None) -> EditToVideo:
    return EditToVideo(
        chat_id=ANN,
        message_id=placeholder,
        job_id=JOB,
        caption="<b>Snow</b> falls",
        keyboard=((Button(text="Share", data="s:1"),),),
        width=96,
        height=160,
        duration_seconds=0.5,
        nudge="Your clip is ready.",
        label="AI modified",
        shows_people=False,
        gone="It is not here any more.",
    )


@asynccontextmanager
async def acknowledging(outbox):
    task = asyncio.create_task(outbox.acknowledgements.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def states(database) -> dict[str, str]:
    return await database.run(
        lambda c: {row[0]: row[1] for row in c.execute("SELECT key, state FROM outbox ORDER BY number")}
    )


async def settled(database, **expected: str) -> None:
    """Wait until the named notes have these states."""
    async with asyncio.timeout(60):
        while not expected.items() <= (now := await states(database)).items():
            assert "failed" not in now.values() or "failed" in expected.values(), now
            await asyncio.sleep(0.02)


async def test_the_placeholder_becomes_the_clip_and_then_comes_a_nudge(
    outbox, store, engine, playground, placeholder
):
    engine.clips[JOB] = CLIP
    await store.open_ticket(TICKET)
    await outbox.start()

    async with acknowledging(outbox):
        await outbox.put("outcome:1", to_video(placeholder))
        nudge = await playground.play.wait("ann", lambda seen: seen.text == "Your clip is ready.")
        await playground.play.wait_until(lambda: _some(engine.asked))

    clip = next(seen for seen in await playground.play.messages("ann") if seen.id == placeholder)
    assert (clip.kind, clip.text, clip.buttons, clip.deliveries) == ("video", "Snow falls", ("Share",), 1)
    assert clip.raw["video"]["file_name"] == "clip.mp4"
    assert await playground.play.media(clip) == CLIP
    assert nudge.reply_to == placeholder
    assert engine.asked == [f"delivered {JOB}"]
    assert await store.clip(JOB) == ClipRecord(
        job_id=JOB,
        user_id=ANN,
        maker_name="Ann",
        file_id=clip.file_id,
        label="AI modified",
        shows_people=False,
        chat_id=ANN,
        message_id=placeholder,
    )


async def test_the_same_key_is_said_once_and_what_it_said_is_forgotten(outbox, database, playground):
    await outbox.start()
    for _ in range(3):
        await outbox.put("hello", SendText(chat_id=ANN, text="Hello"))
    await settled(database, hello="sent")
    await outbox.put("hello", SendText(chat_id=ANN, text="Hello"))
    await outbox.put("end", SendText(chat_id=ANN, text="End"))
    await settled(database, end="sent")

    texts = [seen.text for seen in await playground.play.messages("ann") if seen.from_bot]
    bodies = await database.run(lambda c: [row[0] for row in c.execute("SELECT body FROM outbox")])
    assert texts == ["Hello", "End"]
    assert bodies == [None, None]


async def test_what_was_put_before_a_crash_is_said_after_it_in_order(outbox, database, playground):
    for number in range(4):
        await outbox.put(f"note-{number}", SendText(chat_id=ANN, text=f"{number}"))

    await outbox.start()
    await settled(database, **{"note-3": "sent"})

    texts = [seen.text for seen in await playground.play.messages("ann") if seen.from_bot]
    assert texts == ["0", "1", "2", "3"]


async def test_a_clip_whose_sending_a_crash_interrupted_is_not_sent_again_but_a_text_is(
    outbox, database, engine, playground
):
    engine.clips[JOB] = CLIP
    await outbox.put("clip", to_video(None))
    await outbox.put("text", SendText(chat_id=ANN, text="perhaps said before"))
    await database.run(lambda c: c.execute("UPDATE outbox SET state = 'sending'").close())

    await outbox.start()
    await settled(database, clip="unknown", text="sent")

    sent = [(seen.kind, seen.text) for seen in await playground.play.messages("ann") if seen.from_bot]
    assert sent == [("text", "perhaps said before")]


async def test_a_clip_whose_send_arrived_but_timed_out_is_not_repeated_but_a_text_is(
    outbox, database, engine, playground
):
    engine.clips[JOB] = CLIP
    await playground.play.fault("sendDocument", after=True, drop=True, times=1)
    await playground.play.fault("sendMessage", drop=True, times=2)
    await outbox.start()

    await outbox.put("lost answer", SendOriginal(chat_id=ANN, job_id=JOB, caption="As signed", gone=""))
    await outbox.put("outage", SendText(chat_id=ANN, text="said at last"))
    await settled(database, **{"lost answer": "unknown", "outage": "sent"})

    seen = [seen for seen in await playground.play.messages("ann") if seen.from_bot]
    assert [(it.kind, it.text) for it in seen] == [("document", "As signed"), ("text", "said at last")]


async def test_an_edit_whose_answer_was_lost_is_repeated_and_still_one_clip(
    outbox, database, store, engine, playground, placeholder
):
    engine.clips[JOB] = CLIP
    await store.open_ticket(TICKET)
    await playground.play.fault("editMessageMedia", after=True, drop=True, times=1)
    await outbox.start()

    await outbox.put("clip", to_video(placeholder))
    await settled(database, **{"clip": "sent", "clip/nudge": "sent"})

    clips = [seen for seen in await playground.play.messages("ann") if seen.kind == "video"]
    record = await store.clip(JOB)
    assert [clip.id for clip in clips] == [placeholder]
    assert clips[0].buttons == ("Share",)
    assert await playground.play.media(record.file_id) == CLIP


async def test_not_modified_is_success(outbox, database, bot, placeholder):
    await outbox.start()

    await outbox.put("same", EditText(chat_id=ANN, message_id=placeholder, text="in the queue"))

    await settled(database, same="sent")


@pytest.mark.parametrize("text", ["Not Found", "Bad Gateway"])
async def test_a_server_error_is_tried_again(outbox, database, playground, text):
    await playground.play.fault("sendMessage", code=502, description=text, times=1)
    await outbox.start()

    await outbox.put("hello", SendText(chat_id=ANN, text="Hello"))
    await settled(database, hello="sent")

    assert [seen.text for seen in await playground.play.messages("ann") if seen.from_bot] == ["Hello"]


async def test_an_outage_is_waited_out_in_order(outbox, database, playground):
    await playground.play.fault("sendMessage", code=503, description="Service Unavailable", times=2)
    await outbox.start()

    await outbox.put("a", SendText(chat_id=ANN, text="a"))
    await outbox.put("b", SendText(chat_id=ANN, text="b"))
    await settled(database, a="sent", b="sent")

    assert [seen.text for seen in await playground.play.messages("ann") if seen.from_bot] == ["a", "b"]


async def test_a_429_is_obeyed(outbox, database, playground):
    await playground.play.fault("sendMessage", code=429, retry_after=1, times=1)
    await outbox.start()

    await outbox.put("hello", SendText(chat_id=ANN, text="Hello"))
    await settled(database, hello="sent")

    first, second = await playground.play.calls("sendMessage")
    assert (first.status, second.status) == (429, 200)
    assert second.at - first.at >= 1.0


async def test_a_placeholder_that_is_gone_is_replaced_by_one_send(
    outbox, database, store, engine, playground, bot, placeholder
):
    engine.clips[JOB] = CLIP
    await store.open_ticket(TICKET)
    await bot.delete_message(ANN, placeholder)
    await outbox.start()

    await outbox.put("clip", to_video(placeholder))
    await settled(database, clip="sent")

    clips = [seen for seen in await playground.play.messages("ann") if seen.kind == "video"]
    assert [clip.deliveries for clip in clips] == [1]
    assert (await store.clip(JOB)).message_id == clips[0].id
    assert "clip/nudge" not in await states(database), "a message that was sent has notified already"


async def test_a_clip_that_the_engine_no_longer_has_is_said_to_be_gone(
    outbox, database, playground, placeholder
):
    await outbox.start()

    await outbox.put("clip", to_video(placeholder))
    await outbox.put("original", SendOriginal(chat_id=ANN, job_id=JOB, caption="", gone="No file any more."))
    await settled(database, clip="sent", original="sent")

    texts = [seen.text for seen in await playground.play.messages("ann") if seen.from_bot]
    assert texts == ["It is not here any more.", "No file any more."]


async def test_the_original_goes_out_as_a_file_byte_for_byte(outbox, database, engine, playground):
    engine.clips[JOB] = CLIP
    await outbox.start()

    await outbox.put("original", SendOriginal(chat_id=ANN, job_id=JOB, caption="As signed", gone=""))
    await settled(database, original="sent")

    sent = await playground.play.wait("ann", lambda seen: seen.kind == "document")
    assert await playground.play.media(sent) == CLIP


async def test_who_blocked_the_bot_gets_nothing_and_the_engine_is_told(
    outbox, database, store, engine, playground, placeholder
):
    engine.clips[JOB] = CLIP
    await store.open_ticket(TICKET)
    await playground.play.block("ann")
    await outbox.start()

    async with acknowledging(outbox):
        await outbox.put("clip", to_video(placeholder))
        await settled(database, clip="undeliverable")
        await playground.play.wait_until(lambda: _some(engine.asked[1:]))

    assert engine.asked == [f"cancel {JOB}", f"delivered {JOB}"]
    assert await store.open_tickets() == []


async def test_a_group_that_moved_gets_everything_at_its_new_place(outbox, database, playground, store):
    new_id = await playground.play.migrate("friends")
    await outbox.put("first", SendText(chat_id=FRIENDS, text="first"))
    await outbox.put("second", SendText(chat_id=FRIENDS, text="second"))

    await outbox.start()
    await settled(database, first="sent", second="sent")

    texts = [seen.text for seen in await playground.play.messages(str(new_id)) if seen.from_bot]
    assert texts == ["first", "second"]


async def test_a_story_keeps_its_message_and_one_taken_back_is_not_posted(
    outbox, database, store, engine, playground, placeholder
):
    engine.clips[JOB] = CLIP
    await store.open_ticket(TICKET)
    await outbox.start()
    await outbox.put("clip", to_video(placeholder))
    await settled(database, clip="sent")
    file_id = (await store.clip(JOB)).file_id
    story = Story(
        story_id="kept", job_id=JOB, user_id=ANN, maker_name="Ann", chat_id=FRIENDS, ends_at=1_900_000_000.0
    )
    await store.add_story(story)
    await store.add_story(replace(story, story_id="back", ended=True))
    note = PostStory(story_id="kept", chat_id=FRIENDS, file_id=file_id, caption="by Ann", keyboard=())

    await outbox.put("story:kept", note)
    await outbox.put("story:back", replace(note, story_id="back"))
    await settled(database, **{"story:kept": "sent", "story:back": "sent"})

    posted = [seen for seen in await playground.play.messages("friends") if seen.kind == "video"]
    assert [(seen.text, (await store.story("kept")).message_id) for seen in posted] == [
        ("by Ann", posted[0].id)
    ]


async def test_deleting_what_is_gone_is_done(outbox, database, bot, placeholder):
    await outbox.start()

    await outbox.put("a", DeleteMessage(chat_id=ANN, message_id=placeholder))
    await outbox.put("b", DeleteMessage(chat_id=ANN, message_id=placeholder))

    await settled(database, a="sent", b="sent")


async def test_a_note_that_telegram_will_never_take_does_not_hold_up_the_next(outbox, database):
    await outbox.start()

    await outbox.put("bad", SendText(chat_id=ANN, text="<b>never closed"))
    await outbox.put("good", SendText(chat_id=ANN, text="good"))

    await settled(database, bad="failed", good="sent")


async def test_an_engine_that_is_down_delays_the_clip_and_loses_nothing(
    outbox, database, store, engine, playground, placeholder
):
    engine.clips[JOB] = CLIP
    hidden = engine.socket.rename(engine.socket.with_suffix(".away"))
    await store.open_ticket(TICKET)
    await outbox.start()
    await outbox.put("clip", to_video(placeholder))
    await asyncio.sleep(0.2)
    assert (await states(database)) == {"clip": "pending"}

    hidden.rename(engine.socket)
    await settled(database, clip="sent")


async def test_progress_is_spaced_and_only_the_latest_counts(outbox, playground, placeholder):
    await outbox.start()
    began = time.monotonic()
    for step in range(20):
        await outbox.progress(ANN, placeholder, f"step {step}")
        await asyncio.sleep(0.02)

    last = await playground.play.wait("ann", lambda seen: seen.text == "step 19")

    assert last.id == placeholder
    assert last.edits <= 1 + (time.monotonic() - began) / SPACING_SECONDS


async def test_progress_never_follows_a_result(outbox, database, playground, placeholder):
    await outbox.start()
    await outbox.progress(ANN, placeholder, "working")
    await outbox.put("refusal", EditText(chat_id=ANN, message_id=placeholder, text="No."))
    await outbox.progress(ANN, placeholder, "still working")
    await settled(database, refusal="sent")
    await asyncio.sleep(0.5)

    message = next(seen for seen in await playground.play.messages("ann") if seen.id == placeholder)
    assert message.text == "No."


async def test_progress_is_dropped_rather_than_waited_for(outbox, playground, bot, placeholder):
    await playground.play.fault("editMessageText", code=429, retry_after=30, times=1)
    await outbox.start()

    await outbox.progress(ANN, placeholder, "working")
    await playground.play.wait_until(lambda: _calls(playground, "editMessageText"))
    await asyncio.sleep(0.4)
    await outbox.progress(ANN, placeholder, "still working")
    await asyncio.sleep(0.3)

    calls = await playground.play.calls("editMessageText")
    assert [call.status for call in calls] == [429], "the chat is left alone as long as Telegram asked"


async def test_a_429_with_a_long_wait_is_given_to_the_caller_after_three_tries(playground, bot):
    await playground.play.fault("sendMessage", code=429, retry_after=1, times=3)

    with pytest.raises(RetryAfter):
        await bot.send_message(ANN, "Hello")

    assert len(await playground.play.calls("sendMessage")) == 3


async def _some(items):
    return items or None


async def _calls(playground, method):
    return await playground.play.calls(method) or None
