"""Debian's Chromium on a playground with a small bot of python-telegram-bot."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect
from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaVideo,
    KeyboardButton,
    KeyboardButtonRequestChat,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from bot.playground.client import Play
from bot.playground.server import Playground
from engine.media.clip import LabeledClip

CHROMIUM = Path("/usr/bin/chromium")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


expect.set_options(timeout=20_000)
"""The machine may be busy; a page that works is done long before."""


@pytest.fixture(scope="module")
def chromium() -> str:
    if not CHROMIUM.exists():
        pytest.skip("Debian's Chromium is not installed: apt install chromium")
    return str(CHROMIUM)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def playground() -> AsyncIterator[Playground]:
    async with Playground() as running:
        yield running


@pytest.fixture
def play(playground: Playground) -> Play:
    return playground.play


@pytest_asyncio.fixture(loop_scope="module")
async def bot(playground: Playground, labeled_clip: LabeledClip) -> AsyncIterator[Application]:
    """Answers /start, turns a picture into a clip in its placeholder, and asks for a group when told to share."""
    clip = labeled_clip.path.read_bytes()
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Share", callback_data="share")]])

    async def start(update, context):
        await update.message.reply_html("<b>Hello!</b> Send me a photo. /help")

    async def animate(update, context):
        await update.message.set_reaction("👀")
        placeholder = await update.message.reply_text("You are next", do_quote=True)
        media = InputMediaVideo(clip, caption="Done", width=96, height=160, duration=1, filename="clip.mp4")
        await placeholder.edit_media(media, reply_markup=keyboard)

    async def share(update, context):
        await update.callback_query.answer("Choose a group")
        wish = KeyboardButtonRequestChat(request_id=1, chat_is_channel=False, bot_is_member=True)
        choose = ReplyKeyboardMarkup([[KeyboardButton("Choose…", request_chat=wish)]], one_time_keyboard=True)
        await update.effective_chat.send_message("Where?", reply_markup=choose)

    async def shared(update, context):
        await update.message.reply_text(f"Shared with {update.message.chat_shared.chat_id}")

    builder = Application.builder().token(playground.token)
    app = builder.base_url(playground.base_url).base_file_url(playground.base_file_url).build()
    pictures = (filters.PHOTO | filters.Document.IMAGE) & filters.UpdateType.MESSAGE
    app.add_handlers(
        [
            CommandHandler("start", start),
            MessageHandler(pictures, animate),
            CallbackQueryHandler(share),
            MessageHandler(filters.StatusUpdate.CHAT_SHARED, shared),
        ]
    )
    async with app:
        await app.bot.set_my_commands([BotCommand("start", "Begin"), BotCommand("status", "Your place")])
        await app.start()
        await app.updater.start_polling(timeout=2, allowed_updates=Update.ALL_TYPES)
        yield app
        await app.updater.stop()
        await app.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, playground: Playground) -> AsyncIterator[Page]:
    """The chat page on a desktop, as Ann; a mistake of the page's scripts fails the test."""
    context = await browser.new_context(viewport={"width": 1200, "height": 800}, locale="en-GB")
    opened = await context.new_page()
    mistakes: list[str] = []
    opened.on("pageerror", lambda error: mistakes.append(str(error)))
    opened.on("console", lambda told: mistakes.append(told.text) if told.type == "error" else None)
    opened.set_default_timeout(20_000)
    await opened.goto(playground.url)
    await opened.wait_for_selector("body[data-ready]")
    yield opened
    await context.close()
    assert mistakes == []
