"""What concerns a person: their language, what is kept, all of it as a file, and forgetting."""

import json

from town import ANN_ID, Town, a_photo, eventually


async def test_everything_of_a_person_goes_and_the_group_loses_the_story(town: Town) -> None:
    await town.play.send_text("ann", "/stories", chat="friends")
    await town.hears("No story is live", chat="friends")
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")
    await town.play.press("ann", "Friends")
    story = await town.gets_clip(chat="friends")

    await town.play.send_text("ann", "/mydata")
    file = await town.hears("All that I keep about you")
    await town.play.send_text("ann", "/forget")
    await town.hears("Shall I forget you?")
    await town.play.press("ann", "Forget me")
    told = await town.hears("Nothing that I kept leads to you any more")

    assert file.kind == "document"
    assert "1 clip was removed." in told.text
    assert "1 story was taken back." in told.text

    async def the_story_is_gone() -> bool:
        return story.id not in {seen.id for seen in await town.play.messages("friends")}

    await eventually(the_story_is_gone)
    await town.play.send_text("ann", "/mydata", chat="ann")
    again = await town.play.wait(
        "ann", lambda seen: seen.kind == "document" and seen.id > file.id, timeout=60
    )
    data = json.loads(await town.play.media(again))
    assert data["bot"] == {}
    assert data["engine"] == {"jobs": 0, "clips": 0, "running": []}


async def test_never_mind_forgets_nothing(town: Town) -> None:
    await town.play.send_text("ann", "/forget")
    await town.hears("Shall I forget you?")
    await town.play.press("ann", "No")
    assert (await town.hears("All stays as it is.")).buttons == ()


async def test_what_is_private_is_not_told_in_a_group(town: Town) -> None:
    for command in ("/mydata", "/forget"):
        asked = await town.play.send_text("ann", command, chat="friends")
        await town.hears("please send it to me in private", chat="friends", after=asked.id)


async def test_privacy_says_how_long_things_are_kept(town: Town) -> None:
    await town.play.send_text("ann", "/privacy")
    told = await town.hears("What I keep, and how long")
    assert "The clip: 1 day." in told.text
    assert "Your words: 1 week." in told.text


async def test_a_person_chooses_the_language_and_keeps_it(town: Town) -> None:
    await town.play.send_text("ann", "/settings")
    await town.hears("Which language shall I speak with you?")
    await town.play.press("ann", "Deutsch")
    await town.hears("Welche Sprache soll ich mit dir sprechen?")
    await town.restart_bot()

    await town.play.send_photo("ann", a_photo(), "Schnee")
    assert "Schnee" in (await town.gets_clip()).text


async def test_a_group_has_a_language_that_its_admins_choose(town: Town) -> None:
    asked = await town.play.send_text("bob", "/settings", chat="friends")
    settings = await town.hears("Settings of this group", chat="friends", after=asked.id)
    await town.play.press("ann", "Language: as in each person's app", chat="friends", message_id=settings.id)
    menu = await town.hears("Which language shall I speak here?", chat="friends", after=asked.id)
    other = await town.play.press("bob", "Italiano", chat="friends", message_id=menu.id)
    await town.play.press("ann", "Italiano", chat="friends", message_id=menu.id)
    await town.hears("Che lingua devo parlare qui?", chat="friends")

    assert other is not None
    assert other.text == "Only an admin of this group can do that."


async def test_mydata_names_what_the_bot_holds(town: Town) -> None:
    await town.play.send_photo("ann", a_photo(), "snow")
    await town.hears("Your clip is ready")
    await town.play.send_text("ann", "/mydata")
    file = await town.hears("All that I keep about you")
    data = json.loads(await town.play.media(file))

    assert data["bot"]["tickets"][0]["user_id"] == ANN_ID
    assert data["bot"]["clips"][0]["maker_name"] == "Ann"
