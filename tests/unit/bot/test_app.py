"""Start and stop of the whole bot process in one loop: against the playground, without an engine."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bot import app, config
from bot.config import TelegramAddress
from engine.errors import ConfigError
from handlers import ALLOWED_UPDATES
from handlers.help import descriptions
from handlers.texts import LANGUAGES


@pytest.fixture
def address(playground) -> TelegramAddress:
    return TelegramAddress(playground.token, playground.base_url, playground.base_file_url)


@pytest.fixture
def configuration(tmp_path) -> config.Config:
    path = tmp_path / "config.toml"
    path.write_text("[web]\nport = 0\n")
    return config.load(path)


@asynccontextmanager
async def running(configuration, address):
    stop = asyncio.Event()
    task = asyncio.create_task(app.run(configuration, address, stop=stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 60)


async def greeted(playground):
    return await playground.play.calls("setMyCommands") or None


async def test_commands_are_announced_and_answered(configuration, address, playground):
    async with running(configuration, address):
        await playground.play.send_text("ann", "/help")
        answer = await playground.play.wait("ann", lambda seen: seen.from_bot and seen.reply_to is not None)
        await playground.play.wait_until(lambda: greeted(playground))

    polls = await playground.play.calls("getUpdates")
    assert answer.text
    assert json.loads(polls[0].params["allowed_updates"]) == list(ALLOWED_UPDATES)
    assert {
        call.params.get("drop_pending_updates") for call in await playground.play.calls("deleteWebhook")
    } <= {
        None,
        "false",
    }


async def test_an_empty_chat_says_what_the_bot_does_in_every_language_and_is_told_once(
    configuration, address, playground
):
    async def has_told():
        return len(await playground.play.calls("setMyDescription")) == len(LANGUAGES) or None

    async def has_asked_twice():
        return len(await playground.play.calls("getMyDescription")) == 2 * len(LANGUAGES) or None

    for done in (has_told, has_asked_twice):
        async with running(configuration, address):
            await playground.play.wait_until(done)

    told = {
        call.params.get("language_code", ""): call.params["description"]
        for call in await playground.play.calls("setMyDescription")
    }
    assert told == descriptions()
    assert all(len(text) <= 512 for text in told.values())
    assert len(await playground.play.calls("setMyDescription")) == len(LANGUAGES)


async def test_a_token_that_telegram_does_not_know_is_one_sentence(configuration, address):
    stranger = TelegramAddress("123456:of-somebody-else-altogether", address.base_url, address.base_file_url)

    with pytest.raises(ConfigError, match="does not know this bot token") as refused:
        await app.run(configuration, stranger, stop=asyncio.Event())

    assert "somebody" not in str(refused.value)


async def test_a_token_that_is_taken_back_ends_the_bot_with_a_sentence(configuration, address, playground):
    async with running(configuration, address) as task:
        await playground.play.wait_until(lambda: greeted(playground))
        await playground.play.fault("getUpdates", code=401, times=9)
        await playground.play.send_text("ann", "this ends the poll that waits; the next is refused")

        with pytest.raises(ConfigError, match="does not know this bot token"):
            await asyncio.wait_for(task, 60)


async def test_a_bot_that_waits_for_telegram_can_be_stopped(configuration, address, playground):
    await playground.play.outage(on=True)

    async with running(configuration, address) as task:
        await asyncio.sleep(0.3)
        assert not task.done()

    assert task.exception() is None


async def test_two_pollers_are_told_apart_in_the_log(configuration, address, playground, tmp_path, caplog):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "config.toml").touch()
    second = config.load(elsewhere / "config.toml")

    # caplog as well: where another test has configured logging, loggers that were used before keep writing there.
    with capture_logs() as events:
        async with running(configuration, address), running(second, address), asyncio.timeout(60):
            while "another program is asking for updates" not in f"{events}{caplog.text}":
                await asyncio.sleep(0.05)
