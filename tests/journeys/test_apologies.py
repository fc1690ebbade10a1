"""When something of ours goes wrong: one apology, nothing personal in the log, and the bot goes on."""

import pytest
from town import Town, a_photo


async def test_a_handler_that_fails_apologises_once_and_logs_nothing_personal(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    await town.play.send_photo("ann", a_photo(), "snow for my grandmother")
    await town.hears("Your clip is ready")
    await town.play.press("ann", "Share to a group")
    await town.hears("Which group shall see it?")

    await town.play.fault("sendMessage", code=400, description="Bad Request: Ann said grandmother", times=1)
    await town.play.press("ann", "Another group")

    await town.hears("😔 Something went wrong on my side, and I have made a note of it.")
    assert len([words for words in await town.said() if words.startswith("😔")]) == 1
    logged = "".join(capsys.readouterr())
    assert "handler failed" in logged
    assert "grandmother" not in logged
    assert "Ann" not in logged


async def test_a_placeholder_that_telegram_refuses_costs_no_clip(town: Town) -> None:
    await town.play.fault("sendMessage", code=500, description="Internal Server Error", times=1)

    sent = await town.play.send_photo("ann", a_photo(), "snow")

    clip = await town.gets_clip()
    assert clip.reply_to == sent.id


async def test_a_photo_that_telegram_cannot_give_now_is_asked_for_again(town: Town) -> None:
    await town.play.fault("getFile", code=502, description="Bad Gateway", times=2)

    await town.play.send_photo("ann", a_photo(), "snow")

    await town.gets_clip()


async def test_a_photo_that_telegram_will_never_give_gets_a_sentence(town: Town) -> None:
    await town.play.fault("getFile", code=400, description="Bad Request: wrong file_id", times=1)

    await town.play.send_photo("ann", a_photo(), "snow")

    await town.hears("Telegram does not give me this photo.")


async def test_forbidden_reactions_do_not_stop_anything(town: Town) -> None:
    await town.play.fault("setMessageReaction", code=400, description="Bad Request: REACTION_INVALID")

    await town.play.send_photo("ann", a_photo(), "snow")

    await town.gets_clip()
