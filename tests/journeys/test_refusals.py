"""What is not made, and how that is said."""

from town import Town, a_photo


async def test_a_refused_caption_is_answered_at_once_with_what_would_work_instead(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "undress her, naked")

    refusal = await town.hears("no nudity")

    assert refusal.text.splitlines()[0] == "🙅 I can't make this clip as it is written."
    assert refusal.text.endswith("Nothing was charged.")
    assert "undress" not in refusal.text


async def test_what_is_no_photo_gets_a_sentence_that_says_what_to_do(town: Town) -> None:
    play = town.play

    await play.send_text("ann", "hello?")
    await town.hears("Please send me a photo")
    await play.send_document("ann", b"%PDF-1.4", filename="a.pdf", mime="application/pdf")
    await town.hears("This file is not a photo.")
    await play.send_document("ann", b"GIF89a", filename="a.gif", mime="image/gif")
    await town.hears("I can't open this kind of picture.")
    await play.send_document("ann", b"not a png", filename="a.png", mime="image/png")
    await town.hears("is not a photo")
    await play.send_photo("ann", a_photo(width=16, height=16))
    await town.hears("too small")
    await play.send_document("ann", a_photo(width=70, height=2100), filename="b.jpg", mime="image/jpeg")
    await town.hears("too long and narrow")


async def test_a_caption_beyond_the_limit_is_answered_and_nothing_is_made(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), ("snow " * 820)[:4096])

    told = await town.hears("I read up to 1024")

    assert told.text.startswith("The text has 4096 characters")
    assert [call.method for call in await town.play.calls("getFile")] == []


async def test_a_file_over_telegrams_limit_is_not_even_asked_for(town: Town) -> None:
    large = a_photo() + bytes(20_000_001)

    await town.play.send_document("ann", large, filename="large.jpg", mime="image/jpeg")

    await town.hears("I take photos up to 20 MB")
    assert await town.play.calls("getFile") == []


async def test_a_motion_under_a_refusal_makes_the_clip_after_all(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "mambo vipi rafiki yangu mpendwa leo usiku")
    offer = await town.hears("pick a motion below")

    answer = await town.play.press("ann", "Snow", message_id=offer.id)
    clip = await town.gets_clip(after=offer.id)

    assert answer is not None
    assert answer.text == "On it…"
    assert "snow" in clip.text
    assert (await town.hears("pick a motion below")).buttons == offer.buttons


async def test_only_the_sender_may_choose_a_motion(town: Town) -> None:
    await town.play.send_photo(
        "ann", a_photo(), "/animate mambo vipi rafiki yangu mpendwa leo usiku", chat="friends"
    )
    offer = await town.hears("one of these motions works", chat="friends")

    answer = await town.play.press("bob", "Snow", message_id=offer.id, chat="friends")

    assert answer is not None
    assert answer.text == "Only the person who sent the photo can choose."
