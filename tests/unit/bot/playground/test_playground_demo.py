"""The commands: a user played from the command line, and the playground as a process of its own."""

import asyncio
import io
import os
import signal
import sys
import uuid

import aiohttp
import pytest
from PIL import Image
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaVideo
from telegram.ext import MessageHandler, filters

from bot.playground.client import Play
from bot.playground.demo import follow, send_picture
from handlers.buttons import Action, Press

CANCEL = Press(action=Action.CANCEL, subject=str(uuid.UUID(int=7))).data


async def test_what_the_bot_says_is_printed_as_it_changes_until_the_clip_is_there(
    play, photo, run_bot, capsys
):
    async def animate(update, context):
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Cancel", callback_data=CANCEL)]])
        placeholder = await update.message.reply_text("Next", do_quote=True, reply_markup=keyboard)
        await asyncio.sleep(0.3)
        await placeholder.edit_media(
            InputMediaVideo(b"clip", caption="Snow\nby AI", width=9, height=16, duration=1)
        )
        await update.message.reply_text("Ready")

    async with run_bot(MessageHandler(filters.PHOTO, animate)):
        sent = await send_picture(play, "lake.jpg", photo, "snow")
        answer = await follow(play, sent, seconds=10)

    assert await play.media(answer) == b"clip"
    assert capsys.readouterr().out.splitlines() == [
        "Bot: Next (Cancel)",
        "Bot (edited): [video] Snow / by AI",
        "Bot: Ready",
    ]


async def test_a_last_word_without_a_clip_ends_it_too(play, photo, run_bot):
    async def refuse(update, context):
        await update.message.reply_text("Not this one.", do_quote=True)

    async with run_bot(MessageHandler(filters.PHOTO, refuse)):
        answer = await follow(play, await send_picture(play, "a.jpg", photo, ""), seconds=10)

    assert (answer.kind, answer.text) == ("text", "Not this one.")


async def test_a_bot_that_is_silent_is_not_waited_for_for_ever(play, photo):
    sent = await send_picture(play, "a.jpg", photo, "")

    with pytest.raises(TimeoutError, match=r"did not finish within 0\.1 seconds"):
        await follow(play, sent, seconds=0.1)


@pytest.mark.parametrize(
    ("format_name", "kind"), [("JPEG", "photo"), ("PNG", "document"), ("WEBP", "document")]
)
async def test_only_a_jpeg_goes_as_a_photo_without_telegrams_app_to_convert_it(play, format_name, kind):
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40)).save(buffer, format_name)

    sent = await send_picture(play, "picture", buffer.getvalue(), "snow")

    assert (sent.kind, sent.text) == (kind, "snow")


async def test_the_playground_is_a_process_that_tells_its_address_and_stops_when_told():
    command = ("-m", "bot.playground", "--port", "0")
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    url = (await child.stdout.readline()).decode().strip()
    async with Play(url) as play:
        await play.send_text("ann", "hi")
        assert await play.pending() == 1
        taken = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.playground",
            "--port",
            url.rpartition(":")[2],
            stderr=asyncio.subprocess.PIPE,
        )
        _, complaint = await taken.communicate()
        async with aiohttp.ClientSession() as session, session.get(f"{url}/play/events") as events:
            await events.content.readline()
            os.kill(child.pid, signal.SIGTERM)
            code = await asyncio.wait_for(child.wait(), 60)

    assert code == 0
    assert taken.returncode == 1
    assert complaint.decode().startswith("The playground cannot listen on port")
