"""While a clip is on its way: asking, canceling, and what happens when something is away."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from town import SOON, Town, Workshop, a_photo, a_town, eventually


@pytest_asyncio.fixture(loop_scope="session")
async def quiet_town(tmp_path: Path, workshop: Workshop) -> AsyncIterator[Town]:
    """A town whose engine does not answer until `open_workshop`."""
    closed = Workshop(socket=Path(f"{workshop.socket}.{tmp_path.name[-3:]}"), client=workshop.client)
    async with a_town(tmp_path, closed) as town:
        yield town
    closed.socket.unlink(missing_ok=True)


def open_workshop(town: Town, workshop: Workshop) -> None:
    town.engine_socket.symlink_to(workshop.socket)


async def are_on_their_way(town: Town, *, queued: int = 0, running: int = 0) -> bool:
    status = await town.engine.status()
    return (status.queued, status.running) == (queued, running)


async def test_nothing_is_lost_while_the_engine_is_away(quiet_town: Town, workshop: Workshop) -> None:
    town = quiet_town
    await town.play.send_photo("ann", a_photo(), "snow")

    await town.heard("My workshop does not answer right now.")
    open_workshop(town, workshop)

    clip = await town.gets_clip()
    assert "snow" in clip.text


async def test_a_restart_while_the_engine_is_away_loses_nothing_either(
    quiet_town: Town, workshop: Workshop
) -> None:
    town = quiet_town
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.heard("I have your photo")

    await town.stop_bot()
    open_workshop(town, workshop)
    await town.start_bot()

    await town.gets_clip()
    assert len([seen for seen in await town.play.messages("ann") if seen.kind == "video"]) == 1


async def test_what_waits_for_the_engine_can_be_canceled(quiet_town: Town, workshop: Workshop) -> None:
    town = quiet_town
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.heard("My workshop does not answer right now.")
    open_workshop(town, workshop)

    await town.play.press("ann", "Cancel")

    await town.hears("Canceled. Nothing was charged.")


async def test_the_status_says_that_the_workshop_is_away(quiet_town: Town) -> None:
    await quiet_town.play.send_text("ann", "/status")

    await quiet_town.hears("What you sent is kept")


async def test_the_status_of_somebody_without_jobs_tells_the_engines_health(town: Town) -> None:
    await town.play.send_text("ann", "/status")

    status = await town.hears("You have no clip on its way.")

    assert "All is well: a clip usually takes about" in status.text


async def test_the_placeholder_tells_the_place_and_the_time_and_then_the_step(busy_town: Town) -> None:
    await busy_town.play.send_photo("bob", a_photo(), "snow")
    await busy_town.heard("Bringing your photo to life", chat="bob")
    sent = await busy_town.play.send_photo("ann", a_photo(), "rain")

    waiting = await busy_town.heard("queue", after=sent.id)

    assert waiting.text.splitlines()[0] == "⏳ Next in the queue."
    assert waiting.text.splitlines()[1].startswith("Ready in about")
    assert waiting.buttons == ("✖️ Cancel",)


async def test_the_status_in_private_tells_own_clips_the_queue_and_the_engines_health(
    busy_town: Town,
) -> None:
    await busy_town.play.send_photo("bob", a_photo(), "snow")
    await eventually(lambda: are_on_their_way(busy_town, running=1))
    await busy_town.play.send_photo("ann", a_photo(), "fog")
    await eventually(lambda: are_on_their_way(busy_town, running=1, queued=1))

    await busy_town.play.send_text("ann", "/status")

    status = await busy_town.hears("You have 1 clip on its way:")
    job, others, health = status.text.splitlines()[1:]
    assert job.startswith("• ⏳ Next in the queue. Ready in about")
    assert others == "Besides, 1 clip is on its way."
    assert health.startswith("All is well: a clip usually takes about")


async def test_the_status_in_a_group_names_own_clips_and_counts_the_others(busy_town: Town) -> None:
    play = busy_town.play
    await play.send_photo("bob", a_photo(), "/animate snow", chat="friends")
    await eventually(lambda: are_on_their_way(busy_town, running=1))
    await play.send_photo("ann", a_photo(), "/animate fog", chat="friends")
    await eventually(lambda: are_on_their_way(busy_town, running=1, queued=1))

    await play.send_text("ann", "/status", chat="friends")

    status = await busy_town.hears("You have 1 clip on its way:", chat="friends")
    lines = status.text.splitlines()
    assert lines[1].startswith("• ⏳ Next in the queue. Ready in about")
    assert lines[2] == "Besides, 1 clip is on its way."


async def test_cancel_ends_what_is_on_its_way_and_what_waits(busy_town: Town) -> None:
    await busy_town.play.send_photo("ann", a_photo(1), "snow")
    await busy_town.heard("Bringing your photo to life")
    second = await busy_town.play.send_photo("ann", a_photo(2), "rain")
    await busy_town.heard("queue", after=second.id)

    await busy_town.play.send_text("ann", "/cancel")

    await busy_town.hears("✖️ 2 clips are canceled.")
    await busy_town.play.send_text("ann", "/status")
    await busy_town.hears("You have no clip on its way.")

    async def both_say_so() -> bool | None:
        return (await busy_town.said()).count("✖️ Canceled. Nothing was charged.") == 2 or None

    assert await busy_town.play.wait_until(both_say_so, timeout=SOON)


async def test_only_the_sender_or_an_admin_presses_cancel(busy_town: Town) -> None:
    await busy_town.play.send_photo("ann", a_photo(), "/animate snow", chat="friends")
    placeholder = await busy_town.heard("Bringing your photo to life", chat="friends")

    other = await busy_town.play.press("bob", "Cancel", chat="friends", message_id=placeholder.id)
    owner = await busy_town.play.press("ann", "Cancel", chat="friends", message_id=placeholder.id)

    assert other is not None
    assert other.text == "Only the person who sent the photo can cancel it."
    assert owner is not None
    assert owner.text == "Canceling…"
    await busy_town.hears("Canceled. Nothing was charged.", chat="friends")


async def test_more_than_ones_share_is_told_when_to_come_again(busy_town: Town) -> None:
    for number in range(3):
        await busy_town.play.send_photo("ann", a_photo(number), "snow")

    told = await busy_town.hears("You have as many clips waiting as one person can have.")

    assert "Please send the photo again in about" in told.text
    assert told.text.endswith("Nothing was charged.")


async def test_who_blocked_the_bot_costs_no_more_work(busy_town: Town) -> None:
    await busy_town.play.send_photo("ann", a_photo(), "snow")
    await busy_town.heard("Bringing your photo to life")

    await busy_town.play.block("ann")

    await eventually(lambda: are_on_their_way(busy_town))
    assert await busy_town.play.calls("editMessageMedia") == []


async def test_a_group_that_removed_the_bot_costs_no_more_work(busy_town: Town) -> None:
    await busy_town.play.send_photo("ann", a_photo(), "/animate snow", chat="friends")
    await busy_town.heard("Bringing your photo to life", chat="friends")

    await busy_town.play.remove_bot("friends")

    await eventually(lambda: are_on_their_way(busy_town))
    assert await busy_town.play.calls("editMessageMedia") == []


async def test_an_old_photo_gets_an_apology_and_no_clip(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "snow", sent_at=int(time.time()) - 7200)

    await town.hears("Sorry, I was away when you sent this.")

    assert await town.play.calls("getFile") == []


async def test_an_old_button_is_answered_with_a_friendly_sentence(town: Town) -> None:
    await town.play.send_text("ann", "/help")
    message = await town.hears("I bring photos to life")

    answer = await town.play.press_data("ann", "x:1", message_id=message.id)

    assert answer is not None
    assert answer.text == "This button is from an older time and does nothing any more."
