"""Under a clip: once more, with other words, a thumb, and whether it was made here."""

from town import Town, a_photo

from bot.playground.seen import Seen


def by_id(messages: list[Seen], message_id: int) -> Seen:
    return next(seen for seen in messages if seen.id == message_id)


async def a_clip(town: Town) -> int:
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.hears("Your clip is ready")
    return (await town.gets_clip()).id


async def test_again_makes_another_clip_of_the_same_words(town: Town) -> None:
    first = await a_clip(town)
    await town.play.press("ann", "Again", message_id=first)
    second = await town.gets_clip(after=first)

    assert "snow" in second.text
    assert await town.play.media(second) != await town.play.media(
        by_id(await town.play.messages("ann"), first)
    )


async def test_other_words_are_asked_for_and_followed(town: Town) -> None:
    first = await a_clip(town)
    await town.play.press("ann", "Other words", message_id=first)
    question = await town.hears("What shall move instead?")
    await town.play.send_text("ann", "rain, camera still", reply_to=question.id)
    second = await town.gets_clip(after=question.id)

    assert "rain" in second.text


async def test_an_answer_to_any_other_message_is_no_wish(town: Town) -> None:
    await town.play.send_text("ann", "/help")
    help_ = await town.hears("I bring photos to life")
    await town.play.send_text("ann", "rain", reply_to=help_.id)
    await town.hears("Please send me a photo", after=help_.id)


async def test_only_the_maker_makes_it_again_or_rates_it(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "/animate snow", chat="friends")
    clip = await town.gets_clip(chat="friends")
    for words in ("Again", "Other words", "👎"):
        told = await town.play.press("bob", words, chat="friends", message_id=clip.id)
        assert told is not None
        assert told.text == "Only the person who made the clip can do that."


async def test_thumbs_are_counted_for_the_operator(town: Town) -> None:
    clip = await a_clip(town)
    await town.play.press("ann", "👎", message_id=clip)
    thanks = await town.play.press("ann", "👍", message_id=clip)
    assert thanks is not None
    assert thanks.text.startswith("Thank you!")

    await town.play.send_text("bob", "/status")
    assert "👍 1, 👎 0" in (await town.hears("Clips of the last week", chat="bob")).text


async def test_verify_reads_the_credentials_of_the_clip(town: Town) -> None:
    clip = await a_clip(town)
    await town.play.press("ann", "Verify", message_id=clip)
    assert "say the signed credentials" in (await town.hears("Made by this bot")).text
