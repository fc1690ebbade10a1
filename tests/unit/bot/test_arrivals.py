"""After a delivery: what Telegram serves is compared with what was signed."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bot.arrivals import Arrivals
from bot.delivery import Said
from handlers.context import SendOriginal, SendText

ANN = 100_000_001
NOTE = SendOriginal(chat_id=ANN, job_id="a-job", caption="", gone="")


@pytest.fixture
def arrivals(bot, clock) -> Arrivals:
    return Arrivals(bot, wanted=True, operator_chat_id=ANN, now=clock)


@asynccontextmanager
async def looking(arrivals, outbox):
    await outbox.start()
    task = asyncio.create_task(arrivals.run(outbox))
    yield
    task.cancel()


async def delivered(bot, clip: bytes) -> Said:
    message = await bot.send_document(ANN, clip, filename="clip.mp4")
    return Said(message.message_id, message.document.file_id)


async def events(bot, arrivals, outbox, *, sent: bytes, signed: bytes, then=None, **said) -> list[str]:
    """What is logged; `then` is awaited before it stops to look."""
    there = await delivered(bot, sent)
    with capture_logs() as logged:
        async with looking(arrivals, outbox):
            arrivals.look_at(NOTE, signed, Said(there.message_id, there.file_id, **said))
            async with asyncio.timeout(60):
                while not logged:
                    await asyncio.sleep(0.01)
            if then is not None:
                await then()
    return [entry["event"] for entry in logged]


async def test_a_clip_that_arrives_as_it_was_signed_is_no_news(bot, arrivals, outbox, playground):
    assert await events(bot, arrivals, outbox, sent=b"clip", signed=b"clip") == [
        "clip arrived as it was signed"
    ]

    assert not [seen for seen in await playground.play.messages("ann") if "🚨" in seen.text]


@pytest.mark.parametrize(("signed", "is_animation"), [(b"other", False), (b"clip", True)])
async def test_a_changed_clip_or_one_taken_for_a_gif_alarms_the_operator_once_a_day(
    signed, is_animation, bot, arrivals, outbox, playground
):
    async def alarmed():
        return await playground.play.wait("ann", lambda seen: "🚨" in seen.text)

    for _ in range(2):
        told = await events(
            bot, arrivals, outbox, sent=b"clip", signed=signed, then=alarmed, is_animation=is_animation
        )
        assert told[0] == "clip changed on the way"

    assert "a-job" in (await alarmed()).text
    assert len([seen for seen in await playground.play.messages("ann") if "🚨" in seen.text]) == 1


async def test_a_file_that_telegram_does_not_give_out_is_no_alarm(bot, arrivals, outbox):
    with capture_logs() as logged:
        async with looking(arrivals, outbox):
            arrivals.look_at(NOTE, b"clip", Said(1, "no such file"))
            async with asyncio.timeout(60):
                while not logged:
                    await asyncio.sleep(0.01)

    assert [entry["event"] for entry in logged] == ["delivered clip not looked at"]


async def test_without_the_operators_wish_nothing_is_fetched(bot, outbox, clock, playground):
    arrivals = Arrivals(bot, wanted=False, operator_chat_id=ANN, now=clock)

    async with looking(arrivals, outbox):
        arrivals.look_at(NOTE, b"clip", await delivered(bot, b"other"))
        arrivals.look_at(SendText(chat_id=ANN, text="x"), b"", Said(1))
        await asyncio.sleep(0.05)

    assert await playground.play.calls("getFile") == []
