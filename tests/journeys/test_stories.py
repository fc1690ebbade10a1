"""Sharing a clip into a group: found, chosen, shown for a time, taken back, reported."""

from portrait import a_portrait
from town import Town, a_photo, eventually

from bot.playground.seen import Seen


async def a_clip_of_ann(town: Town) -> None:
    """Ann was seen in the group, and has a clip in her private chat."""
    await town.play.send_text("ann", "/stories", chat="friends")
    await town.hears("No story is live", chat="friends")
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.hears("Your clip is ready")


async def a_story_of_ann(town: Town) -> Seen:
    await a_clip_of_ann(town)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    return await town.gets_clip(chat="friends")


async def test_a_clip_is_shared_with_its_label_its_maker_and_its_time(town: Town) -> None:
    await a_clip_of_ann(town)

    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    told = await town.hears("Shared with")
    story = await town.gets_clip(chat="friends")

    assert told.buttons == ("↩️ Take back",)
    assert story.text.splitlines() == [
        "🪄 AI modified. This video was made from a photo with AI.",
        "By Ann. It disappears in 1 day.",
    ]
    assert story.buttons == ("❤️", "🚩 Report", "↩️ Take back")
    assert story.raw["video"] == (await town.gets_clip()).raw["video"]


async def test_stories_lists_what_is_live_and_taking_back_removes_it(town: Town) -> None:
    await a_clip_of_ann(town)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    story = await town.gets_clip(chat="friends")

    await town.play.send_text("bob", "/stories", chat="friends")
    listed = await town.hears("1 story is live:", chat="friends")
    other = await town.play.press("bob", "Take back", chat="friends", message_id=story.id)
    owner = await town.play.press("ann", "Take back", chat="friends", message_id=story.id)

    assert listed.text.splitlines()[1] == "1. By Ann, 1 day left."
    assert other is not None
    assert other.text.startswith("Only the person who shared it")
    assert owner is not None
    assert owner.text == "Taken back."

    async def gone() -> bool | None:
        return story.id not in {seen.id for seen in await town.play.messages("friends")} or None

    assert await town.play.wait_until(gone)


async def test_taking_back_in_private_leaves_nothing_to_take_back(town: Town) -> None:
    await a_clip_of_ann(town)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    await town.hears("Shared with")
    await town.gets_clip(chat="friends")

    await town.play.press("ann", "Take back")
    receipt = await town.hears("Taken back.")

    assert receipt.buttons == ()


async def test_a_clip_is_in_a_group_once_at_a_time(town: Town) -> None:
    await a_clip_of_ann(town)
    for words in ("Shared with", "sees this clip already"):
        await town.play.press("ann", "Share to a group")
        await town.hears("Which group shall see it?")
        await town.play.press("ann", "Friends")
        await town.hears(words)

    assert len([seen for seen in await town.play.messages("friends") if seen.kind == "video"]) == 1


async def test_a_group_where_the_bot_never_saw_the_person_can_be_chosen(town: Town) -> None:
    await town.play.add_group("Hiking", ["ann", "bob"])
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")

    await town.play.press("ann", "Another group")
    await town.hears("choose a group that I am in")
    await town.play.share_chat("ann", "hiking")

    await town.hears("Shared with “Hiking”.")
    await town.gets_clip(chat="hiking")


async def test_who_left_a_group_does_not_share_into_it(town: Town) -> None:
    await a_clip_of_ann(town)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")

    await town.play.leave("ann", "friends")
    answer = await town.play.press("ann", "Friends")

    assert answer is not None
    assert answer.text.startswith("You and I are not both in this group any more.")


async def test_a_report_reaches_the_operator_and_stops_further_sharing(town: Town) -> None:
    await town.play.send_text("bob", "/start")
    await a_clip_of_ann(town)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    story = await town.gets_clip(chat="friends")

    thanks = await town.play.press("bob", "Report", chat="friends", message_id=story.id)
    card = await town.hears("Report", chat="bob")
    await town.gets_clip(chat="bob")
    await town.play.press("ann", "Take back", chat="friends", message_id=story.id)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    refused = await town.hears("I did not share this clip.")

    assert thanks is not None
    assert thanks.text.startswith("Thank you. A person looks at it")
    assert "Seen in “Friends”." in card.text
    assert "Ann" not in card.text
    assert "Somebody reported it" in refused.text


async def test_without_an_operator_a_report_promises_no_more_than_it_does(town: Town) -> None:
    await town.restart_bot(operator_chat=None)
    await town.play.send_text("ann", "/stories", chat="friends")
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    story = await town.gets_clip(chat="friends")

    thanks = await town.play.press("bob", "Report", chat="friends", message_id=story.id)

    assert thanks is not None
    assert thanks.text.startswith("Thank you. This clip is not shared any further")


async def test_a_clip_of_people_is_shared_once_the_maker_says_that_they_agree(town: Town) -> None:
    await town.play.send_text("ann", "/stories", chat="friends")
    await town.play.send_photo("ann", a_portrait(), "snow")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")

    await town.play.press("ann", "Friends")
    asked = await town.hears("Do the people shown agree")
    assert [seen for seen in await town.play.messages("friends") if seen.kind == "video"] == []
    await town.play.press("ann", "Yes, they agree", message_id=asked.id)

    await town.hears("Shared with “Friends”.")
    await town.gets_clip(chat="friends")


async def test_a_clip_of_people_who_do_not_agree_is_not_shared(town: Town) -> None:
    await town.play.send_text("ann", "/stories", chat="friends")
    await town.play.send_photo("ann", a_portrait(), "snow")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    asked = await town.hears("Do the people shown agree")

    await town.play.press("ann", "No", message_id=asked.id)

    await town.hears("Not shared. Thank you for asking them.")
    assert [seen for seen in await town.play.messages("friends") if seen.kind == "video"] == []


async def test_choosing_a_group_after_a_restart_asks_to_press_again(town: Town) -> None:
    await a_clip_of_ann(town)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Another group")
    await town.hears("choose a group that I am in")

    await town.restart_bot()
    await town.play.share_chat("ann", "friends")

    await town.hears("Please press “Share to a group” under the clip again.")


async def test_deleting_a_clip_takes_its_stories_back(town: Town) -> None:
    await a_clip_of_ann(town)
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    story = await town.gets_clip(chat="friends")

    await town.play.press("ann", "Delete")

    async def gone() -> bool | None:
        return story.id not in {seen.id for seen in await town.play.messages("friends")} or None

    assert await town.play.wait_until(gone)


async def test_hearts_are_counted_one_a_person_and_taken_back_by_another_press(town: Town) -> None:
    story = await a_story_of_ann(town)

    counts = [
        (await town.play.press(person, "❤️", chat="friends", message_id=story.id))
        for person in ("bob", "cleo", "bob")
    ]
    await town.play.send_text("bob", "/stories", chat="friends")
    listed = await town.hears("1 story is live:", chat="friends")

    assert [answer and answer.text for answer in counts] == ["❤️ 1", "❤️ 2", "❤️ 1"]
    assert listed.text.splitlines()[1] == "1. By Ann, 1 day left. ❤️ 1"

    async def the_button_tells() -> bool:
        now = await town.gets_clip(chat="friends")
        return now.buttons[0] == "❤️ 1"

    await eventually(the_button_tells)


async def test_a_reaction_counts_like_a_heart_where_the_bot_is_an_admin(town: Town) -> None:
    await town.play.set_bot("friends", "administrator")
    story = await a_story_of_ann(town)

    await town.play.react("bob", "🔥", chat="friends", message_id=story.id)
    await town.play.react("cleo", "👍", chat="friends", message_id=story.id)
    await town.play.react("cleo", "", chat="friends", message_id=story.id)

    async def is_counted() -> bool:
        asked = await town.play.send_text("bob", "/stories", chat="friends")
        return (await town.hears("is live:", chat="friends", after=asked.id)).text.endswith("❤️ 1")

    await eventually(is_counted)


async def test_enough_reports_hide_a_story_until_an_operator_keeps_it(town: Town) -> None:
    await town.restart_bot(hide_after_reports=2)
    await town.play.send_text("bob", "/start")
    story = await a_story_of_ann(town)

    await town.play.press("bob", "Report", chat="friends", message_id=story.id)
    await town.play.press("bob", "Report", chat="friends", message_id=story.id)
    assert story.id in {seen.id for seen in await town.play.messages("friends")}
    await town.play.press("cleo", "Report", chat="friends", message_id=story.id)
    await town.hears("It is hidden until a person has looked at it.")

    async def is_gone() -> bool:
        return story.id not in {seen.id for seen in await town.play.messages("friends")}

    await eventually(is_gone)
    await town.play.send_text("bob", "/stories", chat="friends")
    await town.hears("No story is live", chat="friends", after=story.id)
    await town.play.press("bob", "Keep", chat="bob")
    again = await town.gets_clip(chat="friends", after=story.id)

    assert again.text.splitlines() == story.text.splitlines()
