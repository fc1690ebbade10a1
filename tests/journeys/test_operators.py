"""A report becomes a card, the card a decision, and a decision can be appealed; Bob's chat is the operators'."""

from portrait import a_portrait
from town import Town, a_photo, eventually


async def a_reported_story(town: Town) -> None:
    """Ann's clip stands in the group, and Cleo reports it."""
    await town.play.send_text("bob", "/start")  # a bot cannot write first
    await town.play.send_text("ann", "/stories", chat="friends")
    await town.hears("No story is live", chat="friends")
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    story = await town.gets_clip(chat="friends")
    await town.play.press("cleo", "Report", chat="friends", message_id=story.id)
    await town.hears("It is not shared again until you decide.", chat="bob")


async def test_a_reported_clip_is_removed_everywhere_its_maker_is_told_why_and_appeals(town: Town) -> None:
    await a_reported_story(town)
    card = await town.hears("Report", chat="bob")
    await town.play.press("bob", "Remove", message_id=card.id)
    await town.hears("Which rule does it break?", chat="bob")
    await town.play.press("bob", "humiliation", message_id=card.id)
    told = await town.hears("A clip of yours was removed")

    assert "I make nothing that makes fun of the people shown." in told.text
    assert told.buttons == ("⚖️ Appeal",)

    async def no_copy_is_left() -> bool:
        everywhere = [*await town.play.messages("ann"), *await town.play.messages("friends")]
        return not any(seen.from_bot and seen.kind == "video" for seen in everywhere)

    await eventually(no_copy_is_left)

    await town.play.press("ann", "Appeal", message_id=told.id)
    await town.hears("Against a removal.", chat="bob")
    await town.play.press("bob", "Restore")
    restored = await town.hears("restored it")
    await town.play.press("ann", "Original file", message_id=restored.id)
    assert (await town.hears("The original file")).kind == "document"


async def test_an_appeal_counts_once(town: Town) -> None:
    await a_reported_story(town)
    card = await town.hears("Report", chat="bob")
    await town.play.press("bob", "Remove", message_id=card.id)
    await town.hears("Which rule does it break?", chat="bob")
    await town.play.press("bob", "hate", message_id=card.id)
    told = await town.hears("A clip of yours was removed")

    first = await town.play.press("ann", "Appeal", message_id=told.id)
    second = await town.play.press("ann", "Appeal", message_id=told.id)
    assert first is not None
    assert first.text.startswith("Thank you.")
    assert second is not None
    assert second.text == "A person looks at it already."


async def test_a_kept_clip_can_be_shared_again(town: Town) -> None:
    await a_reported_story(town)
    card = await town.hears("Report", chat="bob")
    await town.play.press("bob", "Keep", message_id=card.id)
    kept = await town.hears("Kept.", chat="bob")

    assert "By Bob." in kept.text
    assert kept.buttons == ()


async def test_who_is_banned_makes_nothing_until_the_ban_is_lifted(town: Town) -> None:
    await a_reported_story(town)
    card = await town.hears("Report", chat="bob")
    await town.play.press("bob", "Ban the maker", message_id=card.id)
    await town.hears("The maker can make nothing any more.", chat="bob")
    await town.play.send_photo("ann", a_photo(2), "rain")
    await town.hears("An operator has decided that I make nothing for you.")

    await town.play.press("bob", "Lift the ban", message_id=card.id)
    await town.hears("The maker may make clips again.", chat="bob")
    sent = await town.play.send_photo("ann", a_photo(3), "rain")
    await town.gets_clip(after=sent.id)


async def test_nobody_else_decides(town: Town) -> None:
    await a_reported_story(town)
    card = await town.hears("Report", chat="bob")
    forged = next(
        button["callback_data"] for row in card.raw["reply_markup"]["inline_keyboard"] for button in row
    )
    story = await town.gets_clip(chat="friends")
    answer = await town.play.press_data("cleo", forged, chat="friends", message_id=story.id)

    assert answer is not None
    assert answer.text == "This button is for operators."


async def test_a_refusal_is_appealed_and_answered(town: Town) -> None:
    await town.play.send_text("bob", "/start")
    await town.play.send_photo("ann", a_portrait(), "undress her, naked")
    refused = await town.hears("🙅")
    await town.play.press("ann", "Appeal", message_id=refused.id)
    await town.hears("Against a refusal.", chat="bob")
    await town.play.press("bob", "It stays so")

    await town.hears("it stays as it is")


async def test_a_pause_keeps_what_comes_and_the_figures_are_told(town: Town) -> None:
    await town.play.send_text("bob", "/pause")
    await town.hears("Paused.", chat="bob")
    sent = await town.play.send_photo("ann", a_photo(4), "snow")
    await town.hears("Next in the queue", after=sent.id)
    await town.play.send_text("bob", "/queue")
    assert "Waiting: 1." in (await town.hears("Paused; /resume goes on.", chat="bob")).text

    await town.play.send_text("bob", "/resume")
    await town.gets_clip(after=sent.id)
    await town.play.send_text("bob", "/stats")
    assert "animated: " in (await town.hears("The last 30 days", chat="bob")).text


async def test_operators_commands_are_nobody_elses(town: Town) -> None:
    await town.play.send_text("ann", "/pause")
    await town.play.send_text("ann", "/status")
    await town.hears("a clip usually takes")
    assert not any("Paused" in said for said in await town.said())
