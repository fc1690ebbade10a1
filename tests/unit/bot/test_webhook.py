"""Webhook mode over HTTP, brought by the playground: kept, once, and from Telegram only."""

import asyncio
import socket
from dataclasses import replace

import aiohttp
import pytest

from bot import app, config
from bot.config import TelegramAddress, TelegramConfig
from bot.database import StorageError
from bot.inbox import DurableQueue, Inbox
from bot.webhook import SECRET_HEADER, Webhook
from engine.errors import ConfigError
from handlers import ALLOWED_UPDATES


@pytest.fixture
def telegram() -> TelegramConfig:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return TelegramConfig(webhook_url=f"http://127.0.0.1:{port}/updates", webhook_port=port)


@pytest.fixture
async def webhook(telegram, database, clock, playground):
    address = TelegramAddress(playground.token, playground.base_url, playground.base_file_url)
    queue = DurableQueue(Inbox(database, now=clock))
    parts = {"queue": queue, "lanes": app.Lanes(Inbox(database, now=clock)), "poll": app.PollRequest()}
    application = app.build_application(address, table=(), **parts)
    webhook = Webhook(telegram, application.bot, queue)
    async with application.bot:
        await webhook.open()
        yield webhook
        await webhook.close()


async def post(webhook: Webhook, body: bytes, secret: str | None) -> int:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    async with (
        aiohttp.ClientSession() as http,
        http.post(webhook.config.webhook_url, data=body, headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize("secret", [None, "", "guessed", "gu\u00e9ss"])
async def test_without_the_secret_nothing_is_kept(webhook, secret):
    assert await post(webhook, b'{"update_id": 7}', secret) == 403
    assert webhook.queue.empty()


async def test_an_update_brought_twice_is_put_once(webhook):
    statuses = [await post(webhook, b'{"update_id": 7}', webhook.secret) for _ in range(2)]

    assert statuses == [200, 200]
    assert webhook.queue.qsize() == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"7"', b"{}", b"[" * 100_000, b"\xff"])
async def test_what_is_no_update_is_refused(webhook, body):
    assert await post(webhook, body, webhook.secret) == 400
    assert webhook.queue.empty()


async def test_what_cannot_be_kept_is_asked_for_again(webhook, monkeypatch):
    async def full(self, update):
        raise StorageError("disk full")

    monkeypatch.setattr(Inbox, "accept", full)
    assert await post(webhook, b'{"update_id": 7}', webhook.secret) == 503


async def test_an_address_that_telegram_refuses_is_one_sentence(webhook):
    webhook.config = TelegramConfig(webhook_url="http://elsewhere.example/updates")

    with pytest.raises(ConfigError, match="webhook_url"):
        await webhook.register(ALLOWED_UPDATES)


async def test_a_port_that_is_taken_is_one_sentence(webhook):
    second = Webhook(webhook.config, webhook.bot, webhook.queue)

    with pytest.raises(ConfigError, match="webhook_port"):
        await second.open()
    await second.close()


async def test_the_whole_bot_answers_without_a_poll(tmp_path, telegram, playground):
    path = tmp_path / "config.toml"
    path.write_text("[web]\nport = 0\n")
    configuration = replace(config.load(path), telegram=telegram)
    address = TelegramAddress(playground.token, playground.base_url, playground.base_file_url)
    play, stop = playground.play, asyncio.Event()
    await play.send_text("ann", "/help")  # waits at Telegram until the bot is there
    task = asyncio.create_task(app.run(configuration, address, stop=stop))
    try:
        answer = await play.wait("ann", lambda seen: seen.from_bot and seen.reply_to is not None)
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)

    assert answer.text
    assert not await play.calls("getUpdates")
