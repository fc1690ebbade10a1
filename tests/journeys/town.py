"""A town for stories: the playground, the real bot on it, and the real engine behind the bot; clips are tiny."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bot.app import run
from bot.config import BotConfig, Config, PlaygroundConfig, TelegramConfig, WebConfig
from bot.identities import KeyedIdentities, load_secret
from bot.playground.client import Play
from bot.playground.seen import Seen
from bot.playground.server import Playground
from engine.client import Address, EngineClient
from engine.config import EngineConfig
from engine.process import engine, listening, prepare

MODELS = Path(__file__).parents[2] / "data" / "models"
ANN_ID, BOB_ID = 100_000_001, 100_000_002
SOON = 90.0
"""Seconds within which anything happens, also on a machine that is very busy."""


def a_photo(seed: int = 1, *, width: int = 160, height: int = 240, kind: str = "JPEG") -> bytes:
    """A hill under a sky."""
    rows = np.linspace(0, 1, height)[:, None, None]
    noise = np.random.default_rng(seed).integers(0, 12, (height, width, 3))
    sky, hill = np.array([130, 170, 230]), np.array([50, 110, 60])
    pixels = np.where(rows < 0.5, sky - 60 * rows, hill + 40 * (1 - rows)) + noise
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, kind)
    return out.getvalue()


@dataclass
class Town:
    """What a story needs: people who play, and the data that bot and engine keep."""

    play: Play
    data: Path
    engine: EngineClient
    engine_socket: Path
    telegram: TelegramConfig
    bot_settings: dict[str, Any] = field(default_factory=dict)
    _bot: asyncio.Task[None] | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def start_bot(self) -> None:
        self._stop = asyncio.Event()
        config = Config(
            data=self.data,
            telegram=self.telegram,
            bot=BotConfig(
                **{
                    "engine_socket": str(self.engine_socket),
                    "album_wait_seconds": 0.3,
                    "progress_private_seconds": 0.2,
                    "progress_group_seconds": 2.0,
                    "operator_chat": BOB_ID,
                }
                | self.bot_settings
            ),
            playground=PlaygroundConfig(),
            folder=self.data,
            web=WebConfig(port=0),
        )
        self._bot = asyncio.create_task(run(config, config.telegram_address(), stop=self._stop))
        await asyncio.sleep(0)

    async def stop_bot(self) -> None:
        self._stop.set()
        if self._bot is not None:
            await asyncio.wait_for(self._bot, SOON)

    async def restart_bot(self, **settings: Any) -> None:
        await self.stop_bot()
        self.bot_settings |= settings
        await self.start_bot()

    async def hears(self, words: str, *, chat: str = "ann", after: int = 0) -> Seen:
        """The bot's newest message with these words in it."""
        return await self.play.wait(
            chat, lambda seen: seen.from_bot and words in seen.text, after=after, timeout=SOON
        )

    async def heard(self, words: str, *, chat: str = "ann", after: int = 0) -> Seen:
        """The newest message that says this or said it before it changed: for what may stand there only briefly."""
        return await self.play.wait(
            chat,
            lambda seen: seen.from_bot and any(words in said for said in seen.said),
            after=after,
            timeout=SOON,
        )

    async def gets_clip(self, *, chat: str = "ann", after: int = 0) -> Seen:
        return await self.play.wait(
            chat, lambda seen: seen.from_bot and seen.kind == "video", after=after, timeout=SOON
        )

    async def said(self, chat: str = "ann") -> list[str]:
        return [seen.text for seen in await self.play.messages(chat) if seen.from_bot]


@dataclass(frozen=True)
class Workshop:
    """The engine that all journeys share."""

    socket: Path
    client: EngineClient


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds. For what a playground's chat does not show."""
    async with asyncio.timeout(SOON):
        while not await check():
            await asyncio.sleep(0.1)


async def _clear(engine: EngineClient, data: Path) -> None:
    """What this story left unfinished is canceled: the next one shares the workshop."""
    keyed = KeyedIdentities(load_secret(data / "bot.secret"))
    for user_id in (ANN_ID, BOB_ID):
        for job in (await engine.requester(keyed.requester(user_id))).jobs:
            await engine.cancel(job.job_id)

    async def is_idle() -> bool:
        status = await engine.status()
        return status.queued + status.running == 0

    await eventually(is_idle)


@contextmanager
def short_folder() -> Iterator[Path]:
    """Short, because a Unix socket's path must be."""
    folder = Path(tempfile.mkdtemp(prefix="zj"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def running_engine(config: EngineConfig) -> AsyncIterator[Workshop]:
    (config.data / "models").symlink_to(MODELS)
    MODELS.mkdir(parents=True, exist_ok=True)
    prepare(config)
    async with engine(config) as door, listening(config, door):
        async with EngineClient(Address(socket=config.socket)) as client:
            async with asyncio.timeout(300):  # torch alone takes a minute on a busy machine
                while not (await client.status()).ready:
                    await asyncio.sleep(0.1)
            yield Workshop(config.socket, client)


@asynccontextmanager
async def a_town(data: Path, workshop: Workshop) -> AsyncIterator[Town]:
    """A new playground and a new bot over an empty folder."""
    async with Playground(group_limit=False) as playground:
        telegram = TelegramConfig(
            token=playground.token,
            base_url=playground.base_url,
            base_file_url=playground.base_file_url,
        )
        town = Town(playground.play, data, workshop.client, workshop.socket, telegram)
        await town.start_bot()
        try:
            yield town
        finally:
            await town.stop_bot()
            await _clear(workshop.client, data)
