"""Webhook mode: Telegram brings updates to a port of ours; each is on disk before it is told that we have it."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web
from telegram import Bot, Update
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.config import TelegramConfig
from bot.inbox import DurableQueue
from bot.polling import UNKNOWN_BOT
from engine import logs
from engine.errors import ConfigError

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # a header's name
BODY_BYTES = 1024 * 1024
LOOK_SECONDS = 60.0

log = logs.get(__name__)


@dataclass(slots=True, repr=False)
class Webhook:
    """One route. The secret is new at each start, and told to Telegram by `register`."""

    config: TelegramConfig
    bot: Bot
    queue: DurableQueue
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _runner: web.AppRunner | None = None

    def application(self) -> web.Application:
        application = web.Application(client_max_size=BODY_BYTES)
        application.router.add_post(urlsplit(self.config.webhook_url).path or "/", self.receive)
        return application

    async def receive(self, request: web.Request) -> web.Response:
        """200 once the update is kept, or was before; 503 where it cannot be, so that Telegram brings it again."""
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self.secret.encode()):
            return web.Response(status=403)
        try:
            update = Update.de_json(json.loads(await request.read()), self.bot)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("not an update; left out", error=type(error).__name__)
            return web.Response(status=400)
        try:
            await self.queue.put(update)
        except NetworkError:
            return web.Response(status=503)
        return web.Response()

    async def open(self) -> None:
        """The port; to be open before Telegram is told of it. Raises ConfigError when it is taken."""
        host, port = self.config.webhook_host, self.config.webhook_port
        self._runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise ConfigError(f"webhook_port: {port} cannot be used ({error.strerror})") from None

    async def close(self) -> None:
        """What comes now is refused, and Telegram brings it to the next start."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def register(self, allowed_updates: tuple[str, ...]) -> None:
        """Tell Telegram, as often as it takes. Raises ConfigError for an address or a token that it refuses."""
        pause = 1.0
        while True:
            try:
                await self.bot.set_webhook(
                    self.config.webhook_url,
                    secret_token=self.secret,
                    allowed_updates=allowed_updates,
                    drop_pending_updates=False,
                )
                return
            except BadRequest as error:  # a NetworkError by class, but no use in trying on
                raise ConfigError(f"webhook_url: Telegram refuses it ({error.message})") from None
            except InvalidToken:
                raise ConfigError(UNKNOWN_BOT) from None  # the cause holds the token
            except (NetworkError, RetryAfter) as error:
                log.warning("the webhook cannot be set; trying on", why=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 30.0)

    async def watch(self) -> None:
        """Returns never. Raises RuntimeError when Telegram brings updates to somebody else, or to nobody."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                info = await self.bot.get_webhook_info()
            except InvalidToken:
                raise ConfigError(UNKNOWN_BOT) from None
            except TelegramError as error:
                log.info("the webhook was not looked at", why=type(error).__name__)
                continue
            if info.url != self.config.webhook_url:
                raise RuntimeError("the webhook was taken away; another program uses this bot's token")
            if info.last_error_message and info.pending_update_count:
                log.warning("Telegram cannot bring updates", waiting=info.pending_update_count)
