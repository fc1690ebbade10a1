"""The same bot where Telegram brings the updates: a clip comes back, and a change of mode loses nothing."""

import socket

import msgspec
from town import Town, a_photo


async def test_a_clip_is_made_by_webhook_and_the_next_one_by_polling(town: Town) -> None:
    polling = town.telegram
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await town.stop_bot()
    await town.play.send_photo("ann", a_photo(), "snow")  # while nobody is there
    polls = len(await town.play.calls("getUpdates"))
    town.telegram = msgspec.structs.replace(
        polling, webhook_url=f"http://127.0.0.1:{port}/updates", webhook_port=port
    )

    await town.start_bot()
    brought = await town.gets_clip()
    await town.hears("Your clip is ready")
    assert len(await town.play.calls("getUpdates")) == polls
    assert len([seen for seen in await town.play.messages("ann") if seen.kind == "video"]) == 1

    await town.stop_bot()
    await town.play.send_text("ann", "/help")
    town.telegram = polling
    await town.start_bot()
    answer = await town.hears("/animate", after=brought.id)
    assert answer.reply_to is not None
