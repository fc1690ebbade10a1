"""A door over a shop in miniature, on a Unix socket, as the engine opens it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from engine.api import Door
from engine.client import Address, EngineClient
from tests.unit.engine.smallshop import SmallShop, open_shop


@dataclass
class House:
    """A shop with a door, a typed client and a plain HTTP session."""

    shop: SmallShop
    door: Door
    client: EngineClient
    http: aiohttp.ClientSession
    socket: Path


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def open_house(tmp_path: Path) -> OpenHouse:
    @asynccontextmanager
    async def opened(
        *, places: int = 8, body_seconds: float = 5.0, free_disk_megabytes: int = 1, **shop_options: object
    ) -> AsyncIterator[House]:
        socket = tmp_path / "engine.sock"
        async with asyncio.timeout(30), open_shop(tmp_path, **shop_options) as shop:
            door = Door(
                dispatcher=shop.dispatcher,
                places=places,
                body_seconds=body_seconds,
                free_disk_megabytes=free_disk_megabytes,
            )
            runner = web.AppRunner(door.application(), access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.UnixSite(runner, str(socket)).start()
            connector = aiohttp.UnixConnector(str(socket))
            async with (
                EngineClient(Address(socket=socket)) as client,
                aiohttp.ClientSession("http://engine", connector=connector) as http,
            ):
                yield House(shop, door, client, http, socket)
            assert await shop.ledger.write(lambda verbs: verbs.check()) == []
            await runner.cleanup()

    return opened


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened
