"""What an operator can set for the bot: the tables [telegram], [bot] and [playground] of `config.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engine import settings
from engine.client import Address
from engine.errors import ConfigError
from handlers.context import Rules

Positive = Annotated[float, msgspec.Meta(gt=0)]

HOW_TO_START = (
    "There is no bot token: put the one from @BotFather into a file and name it as `token_file` in [telegram], "
    "or try everything without one: python -m bot up"
)


class TelegramConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[telegram]`: who the bot is, and where the Bot API is. A file for the token is better than the token."""

    token: str = ""
    token_file: str = ""
    base_url: str = "https://api.telegram.org/bot"
    base_file_url: str = "https://api.telegram.org/file/bot"
    webhook_url: str = ""
    """Where Telegram reaches `webhook_host`:`webhook_port`, usually through a proxy with TLS; empty: the bot polls."""
    webhook_host: str = "127.0.0.1"
    webhook_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8443


class BotConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[bot]`. The engine is at `engine_url` with the bearer token in `engine_token_file`, else at `engine_socket`.

    `operator_chat` gets reports. Requests older than `stale_after_minutes` are answered, not rendered.
    Progress is edited at most every so many seconds per message.
    """

    operator_chat: int | None = None
    story_hours: Annotated[int, msgspec.Meta(ge=1, le=46)] = 24
    """At most 46: Telegram lets a bot delete its own messages for 48 hours, and a bot can be down for some."""
    hide_after_reports: Annotated[int, msgspec.Meta(ge=1)] = 3
    """So many members of a group hide a story until an operator decides."""
    stale_after_minutes: Positive = 60.0
    album_wait_seconds: Annotated[float, msgspec.Meta(ge=0, le=10)] = 1.5
    progress_private_seconds: Positive = 3.0
    progress_group_seconds: Positive = 10.0
    edit_into_clip: bool = True
    """The placeholder becomes the clip; without it, the clip is sent and the placeholder deleted."""
    deliver_as: Literal["video", "document"] = "video"
    check_delivery: bool = False
    """Fetch every delivered clip once more, and tell the operator's chat where it is not what was signed."""
    verify_per_hour: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Files that one person may have looked into, in the chat or on the page."""
    engine_socket: str = "engine.sock"
    """In the data folder unless it is an absolute path."""
    engine_url: str = ""
    engine_token_file: str = ""


class WebConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[web]`: where the public pages are; port 0 serves none.

    `behind_proxy`: a proxy of ours passes the visitor's address on in `X-Forwarded-For`.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8766
    behind_proxy: bool = False


class PlaygroundConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[playground]`: where the local stand-in for Telegram listens, always on this machine only."""

    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8765


@dataclass(frozen=True, slots=True, repr=False)
class TelegramAddress:
    """Which bot, and where its Bot API is. It has no `repr`, so that the token cannot get into a log."""

    token: str
    base_url: str
    base_file_url: str


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """Everything that the bot process is told. No `repr`, for the same reason."""

    data: Path
    telegram: TelegramConfig
    bot: BotConfig
    playground: PlaygroundConfig
    folder: Path
    web: WebConfig = field(default_factory=WebConfig)

    def telegram_address(self) -> TelegramAddress:
        """Raises ConfigError with what to do when there is no token."""
        return TelegramAddress(
            token=self._token(),
            base_url=self.telegram.base_url,
            base_file_url=self.telegram.base_file_url,
        )

    def has_token(self) -> bool:
        """Whether the bot is for Telegram; without a token it is for the playground."""
        return bool(self.telegram.token_file or self.telegram.token.strip())

    def _token(self) -> str:
        named = self.telegram.token_file
        token = _read_secret(self.folder / named, "token_file") if named else self.telegram.token.strip()
        if not token:
            raise ConfigError(HOW_TO_START)
        return token

    def engine_address(self) -> Address:
        if not self.bot.engine_url:
            return Address(socket=self.data / self.bot.engine_socket)
        named = self.bot.engine_token_file
        token = _read_secret(self.folder / named, "engine_token_file") if named else None
        return Address(url=self.bot.engine_url, token=token)

    def rules(self) -> Rules:
        return Rules(
            operator_chat_id=self.bot.operator_chat,
            story_hours=self.bot.story_hours,
            hide_after_reports=self.bot.hide_after_reports,
            stale_after_seconds=self.bot.stale_after_minutes * 60,
            album_wait_seconds=self.bot.album_wait_seconds,
            progress_private_seconds=self.bot.progress_private_seconds,
            progress_group_seconds=self.bot.progress_group_seconds,
            edit_into_clip=self.bot.edit_into_clip,
            verify_per_hour=self.bot.verify_per_hour,
        )


def load(path: Path | None) -> Config:
    """Read `config.toml`; without one, the defaults. Paths in it are relative to its folder. Raises ConfigError."""
    tables = settings.read_tables(path)
    folder = path.parent if path is not None else Path()
    data = tables.get("data", "data")
    if not isinstance(data, str):
        raise ConfigError("data: a path in quotes is expected")
    return Config(
        data=folder / data,
        telegram=settings.table(tables, "telegram", TelegramConfig),
        bot=settings.table(tables, "bot", BotConfig),
        playground=settings.table(tables, "playground", PlaygroundConfig),
        web=settings.table(tables, "web", WebConfig),
        folder=folder,
    )


def _read_secret(path: Path, field: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{field}: {path.name} cannot be read ({type(error).__name__})") from error
