"""What a group's admins decide for it: who makes and shares, how much, when, and where stories go."""

import pytest
from portrait import a_portrait
from town import Town, a_photo

from bot.playground.seen import Seen


async def settings(town: Town, **envelope: int) -> Seen:
    asked = await town.play.send_text("ann", "/settings", chat="friends", **envelope)
    return await town.hears("Settings of this group", chat="friends", after=asked.id)


async def choose(town: Town, button: str, then: str, *, menu: Seen) -> None:
    """Press a setting until it says so."""
    for _ in range(8):
        await town.play.press("ann", button, chat="friends", message_id=menu.id)
        menu = await changed_since(menu, town)
        if then in menu.buttons:
            return
    pytest.fail(f"no press says {then!r}: {menu.buttons}")


async def changed_since(menu: Seen, town: Town) -> Seen:
    return await town.play.wait(
        "friends", lambda seen: seen.id == menu.id and seen.version > menu.version, timeout=90
    )


async def shares(town: Town, photo: bytes) -> None:
    sent = await town.play.send_photo("ann", photo, "snow")
    ready = await town.hears("Your clip is ready", after=sent.id)
    await town.play.press("ann", "Share to a group")
    menu = await town.hears("Which group shall see it?", after=ready.id)
    await town.play.press("ann", "Friends", message_id=menu.id)


async def test_only_an_admins_press_counts(town: Town) -> None:
    menu = await settings(town)

    answer = await town.play.press("bob", "Who makes clips", chat="friends", message_id=menu.id)

    assert answer is not None
    assert answer.text == "Only an admin of this group can do that."
    assert menu.buttons == (
        "🎬 Who makes clips: everybody",
        "📤 Who shares clips: everybody",
        "👤 Clips of people: welcome",
        "🔢 Clips a day for each: no limit",
        "🌙 Quiet hours: none",
        "🌍 Language: as in each person's app",
    )


async def test_a_group_whose_admins_alone_make_clips(town: Town) -> None:
    await choose(town, "Who makes clips", "🎬 Who makes clips: admins", menu=await settings(town))
    await town.restart_bot()

    await town.play.send_photo("bob", a_photo(), "/animate snow", chat="friends")
    await town.hears("In this group only its admins make clips.", chat="friends")
    await town.play.send_photo("ann", a_photo(), "/animate snow", chat="friends")
    await town.gets_clip(chat="friends")

    assert len(await town.play.calls("getFile")) == 1


async def test_a_limit_for_the_day_counts_clips_and_says_when_the_next_one_comes(town: Town) -> None:
    await choose(town, "Clips a day", "🔢 Clips a day for each: 1", menu=await settings(town))

    await town.play.send_photo("bob", a_photo(), "/animate snow", chat="friends")
    clip = await town.gets_clip(chat="friends")
    await town.hears("Your clip is ready", chat="friends")
    await town.play.press("bob", "Again", chat="friends", message_id=clip.id)
    told = await town.hears("In this group each of you can have 1 clip a day.", chat="friends")
    await town.play.send_photo("cleo", a_photo(2), "/animate snow", chat="friends")
    await town.gets_clip(chat="friends", after=told.id)

    assert told.text.splitlines()[1] == "The next one can be made in 1 day."


async def test_a_group_takes_no_clips_of_people_and_others_gladly(town: Town) -> None:
    await choose(town, "Clips of people", "👤 Clips of people: not shared here", menu=await settings(town))

    await shares(town, a_portrait())
    await town.hears("This group has chosen not to have clips of people shared into it.")
    await shares(town, a_photo())
    await town.hears("Shared with “Friends”.")


async def test_a_change_of_mind_counts_at_the_moment_of_sharing(town: Town) -> None:
    menu = await settings(town)
    await town.play.send_photo("ann", a_portrait(), "snow")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    asked = await town.hears("Do the people shown agree")

    await choose(town, "Who shares clips", "📤 Who shares clips: nobody", menu=menu)
    await town.play.press("ann", "Yes, they agree", message_id=asked.id)

    await town.hears("This group has chosen not to have clips shared into it.")
    assert [seen for seen in await town.play.messages("friends") if seen.kind == "video"] == []


async def test_stories_go_to_the_topic_that_was_chosen(town: Town) -> None:
    menu = await settings(town, thread_id=7)
    await choose(town, "Stories: in no topic", "📌 Stories: in this topic", menu=menu)

    await shares(town, a_photo())
    story = await town.gets_clip(chat="friends")

    assert story.raw["message_thread_id"] == 7
