"""In a group: who may ask, who sees what, and what is left alone."""

import asyncio

from town import Town, a_photo


async def test_a_photo_with_the_command_in_its_caption_becomes_a_clip_in_the_group(town: Town) -> None:
    sent = await town.play.send_photo("ann", a_photo(), "/animate@zoetrope_bot soft snow", chat="friends")

    clip = await town.gets_clip(chat="friends")

    assert clip.reply_to == sent.id
    assert "snow" in clip.text
    assert clip.buttons == (
        "🔁 Again",
        "✏️ Other words",
        "📎 Original file",
        "🔎 Verify",
        "👍",
        "👎",
        "🗑 Delete",
        "🚩 Report",
    )


async def test_one_may_point_at_ones_own_photo(town: Town) -> None:
    photo = await town.play.send_photo("ann", a_photo(), chat="friends")
    mine = await town.play.send_text("ann", "/animate snow", chat="friends", reply_to=photo.id)

    assert (await town.gets_clip(chat="friends")).reply_to == mine.id


async def test_the_author_of_a_photo_is_asked_and_nothing_happens_before_their_yes(town: Town) -> None:
    photo = await town.play.send_photo("cleo", a_photo(), chat="friends")
    wish = await town.play.send_text("bob", "/animate snow", chat="friends", reply_to=photo.id)
    asked = await town.hears("Do you agree?", chat="friends")

    others = [
        await town.play.press(person, "Yes, go ahead", chat="friends", message_id=asked.id)
        for person in ("bob", "ann")  # who asks, and the group's owner
    ]
    assert await town.play.calls("getFile") == []
    await town.play.press("cleo", "Yes, go ahead", chat="friends", message_id=asked.id)
    clip = await town.gets_clip(chat="friends")
    agreed = await town.hears("Cleo agrees.", chat="friends")

    assert asked.reply_to == photo.id
    assert asked.text.startswith("🙋 Bob asks to bring this photo of yours to life.")
    assert [answer and answer.text for answer in others] == [
        "Only the person who sent the photo can decide that."
    ] * 2
    assert clip.reply_to == wish.id
    assert "snow" in clip.text
    assert agreed.buttons == ()


async def test_a_no_of_the_author_leaves_the_photo_alone_for_good(town: Town) -> None:
    photo = await town.play.send_photo("cleo", a_photo(), chat="friends")
    await town.play.send_text("bob", "/animate snow", chat="friends", reply_to=photo.id)
    asked = await town.hears("Do you agree?", chat="friends")
    yes = asked.button_data["✅ Yes, go ahead"]

    await town.play.press("cleo", "No", chat="friends", message_id=asked.id)
    await town.hears("All right, the photo stays as it is.", chat="friends")
    late = await town.play.press_data("cleo", yes, message_id=asked.id, chat="friends")

    assert late is not None
    assert late.text == "This question is too old."
    assert await town.play.calls("getFile") == []


async def test_an_authors_yes_survives_a_restart_and_counts_once(town: Town) -> None:
    photo = await town.play.send_photo("cleo", a_photo(), chat="friends")
    await town.play.send_text("bob", "/animate snow", chat="friends", reply_to=photo.id)
    asked = await town.hears("Do you agree?", chat="friends")
    yes = asked.button_data["✅ Yes, go ahead"]

    await town.restart_bot()
    await town.play.press_data("cleo", yes, message_id=asked.id, chat="friends")
    await town.play.press_data("cleo", yes, message_id=asked.id, chat="friends")
    await town.hears("Your clip is ready", chat="friends")

    assert len([seen for seen in await town.play.messages("friends") if seen.kind == "video"]) == 1


async def test_a_bare_command_is_told_how_it_works(town: Town) -> None:
    await town.play.send_text("ann", "/animate", chat="friends")

    await town.hears("answer one of your own photos with it", chat="friends")


async def test_a_refusal_in_a_group_gives_its_reason_to_the_sender_alone(town: Town) -> None:
    await town.play.send_text("ann", "/start")
    await town.hears("I bring photos to life")

    await town.play.send_photo("ann", a_photo(), "/animate undress her, naked", chat="friends")
    public = await town.hears("I tell you why in private", chat="friends")
    private = await town.hears("no nudity")

    assert "nudity" not in public.text
    assert private.text.endswith("Nothing was charged.")


async def test_who_never_wrote_to_the_bot_gets_the_neutral_sentence_only(town: Town) -> None:
    await town.play.send_photo("bob", a_photo(), "/animate undress her, naked", chat="friends")

    await town.hears("I can't make this one.", chat="friends")

    assert await town.said("bob") == []


async def test_an_anonymous_admin_is_served_and_any_admin_may_cancel_for_the_group(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "/animate snow", chat="friends", anonymous=True)
    clip = await town.gets_clip(chat="friends")

    refused = await town.play.press("bob", "Delete", chat="friends", message_id=clip.id)
    allowed = await town.play.press("ann", "Delete", chat="friends", message_id=clip.id)

    assert refused is not None
    assert refused.text == "Only the person who made the clip can do that."
    assert allowed is not None
    assert allowed.text == "Deleted."


async def test_edits_posts_and_photos_that_are_not_for_us_are_left_alone(town: Town) -> None:
    await town.play.set_rules(privacy=False)
    plain = await town.play.send_photo("ann", a_photo(), "look at this", chat="friends")
    await town.play.edit("ann", plain.id, "/animate snow", chat="friends")
    post = plain.raw | {
        "message_id": plain.id + 500,
        "chat": {"id": -1009, "type": "channel", "title": "News"},
    }
    await town.play.update("channel_post", post | {"caption": "/animate snow"})

    await town.play.send_text("ann", "/stories", chat="friends")
    await town.hears("No story is live", chat="friends")

    assert await town.play.calls("getFile") == []
    assert len(await town.said("friends")) == 1


async def test_a_group_that_becomes_a_supergroup_keeps_its_clips(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "/animate snow", chat="friends")
    before = await town.gets_clip(chat="friends")

    await town.play.migrate("friends")
    await town.play.send_photo("ann", a_photo(2), "/animate rain", chat="friends")

    after = await town.gets_clip(chat="friends", after=before.id)
    assert after.chat_id != before.chat_id


async def test_a_new_group_is_greeted_once_and_told_how_to_ask(town: Town) -> None:
    await town.play.add_group("Hiking", ["bob"], with_bot=False)

    await town.play.add_bot("hiking")

    greeting = await town.hears("/animate snow", chat="hiking")
    await asyncio.sleep(0.2)
    assert await town.said("hiking") == [greeting.text]


async def test_a_clip_in_a_group_can_be_reported_by_anybody_there(town: Town) -> None:
    await town.play.send_text("bob", "/start")
    await town.play.send_photo("ann", a_photo(), "/animate snow", chat="friends")
    clip = await town.gets_clip(chat="friends")
    await town.hears("Your clip is ready", chat="friends")

    thanks = await town.play.press("bob", "Report", chat="friends", message_id=clip.id)

    assert thanks is not None
    assert thanks.text == "Thank you. A person looks at it, and nobody learns that it was you."
    card = await town.hears("Report", chat="bob")
    assert card.text.splitlines()[2:] == ["Seen in “Friends”.", "It is not shared again until you decide."]


async def test_the_bots_name_in_a_caption_asks_like_the_command(town: Town) -> None:
    await town.play.set_rules(privacy=False)

    await town.play.send_photo("ann", a_photo(), "@zoetrope_bot snow please", chat="friends")

    assert "snow" in (await town.gets_clip(chat="friends")).text


async def test_help_and_start_tell_what_is_refused(town: Town) -> None:
    for command in ("/start", "/help"):
        sent = await town.play.send_text("ann", command)

        told = await town.hears("What I refuse", after=sent.id)
        assert "A refusal tells you why and costs nothing." in told.text
