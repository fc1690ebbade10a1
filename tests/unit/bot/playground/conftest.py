"""A playground, and a real python-telegram-bot application on it."""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from PIL import Image
from telegram import Update
from telegram.ext import AIORateLimiter, Application

from bot.playground.client import Play
from bot.playground.server import Playground

BotFactory = Callable[..., AbstractAsyncContextManager[Application]]


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground() as running:
        yield running


@pytest.fixture
def play(playground: Playground) -> Play:
    return playground.play


@pytest.fixture
def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (120, 160), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def run_bot(playground: Playground) -> BotFactory:
    """Starts an application that polls the playground with the given handlers."""

    @asynccontextmanager
    async def run(*handlers, polling: bool = True, limiter: bool = False) -> AsyncIterator[Application]:
        builder = Application.builder().token(playground.token)
        builder = builder.base_url(playground.base_url).base_file_url(playground.base_file_url)
        builder = builder.concurrent_updates(8)
        if limiter:
            builder = builder.rate_limiter(AIORateLimiter(max_retries=1))
        app = builder.build()
        app.add_handlers(list(handlers))
        async with app:
            await app.start()
            if polling:
                await app.updater.start_polling(timeout=2, allowed_updates=Update.ALL_TYPES)
            try:
                yield app
            finally:
                if polling:
                    await app.updater.stop()
                await app.stop()

    return run
