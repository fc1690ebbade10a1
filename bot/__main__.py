"""The bot's commands: `python -m bot run`, `check-config`, and `up`, which starts everything."""

from __future__ import annotations

import asyncio
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import click
from telegram.warnings import PTBDeprecationWarning

from bot import config as settings
from bot.playground.server import DEFAULT_TOKEN
from engine import logs
from engine.errors import ConfigError

CONFIG_EXIT = 78
"""sysexits' EX_CONFIG: starting again would end the same way."""

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("config.toml"),
    show_default=True,
    help="The configuration; without the file, the defaults.",
)


@click.group()
def main() -> None:
    """Zoetrope's bot process."""


@main.command()
@config_option
@click.option("--playground", is_flag=True, help="Talk to the local playground instead of Telegram.")
def run(config_path: Path, *, playground: bool) -> None:
    """Run the bot until it is interrupted."""
    logs.configure(process="bot")
    warnings.filterwarnings("ignore", category=PTBDeprecationWarning)  # PTB warns itself, on every 429
    _or_one_sentence(lambda: asyncio.run(_run(config_path, playground=playground)))


@main.command("check-config")
@config_option
def check_config(config_path: Path) -> None:
    """Say whether the bot could start with this configuration."""

    def check() -> None:
        config = settings.load(config_path)
        config.telegram_address()
        config.engine_address()
        click.echo(f"{config_path.name} is fine for the bot")

    _or_one_sentence(check)


@main.command()
@config_option
def up(config_path: Path) -> None:
    """Start engine, bot and, without a token, the playground."""
    from bot.up import main as start_everything

    sys.exit(start_everything(config_path))


async def _run(config_path: Path, *, playground: bool) -> None:
    from bot import app  # brings every handler; the other commands need none

    config = settings.load(config_path)
    telegram = _playground(config) if playground else config.telegram_address()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await app.run(config, telegram, stop=stop)


def _playground(config: settings.Config) -> settings.TelegramAddress:
    """The one that runs already, where `[playground]` says."""
    address = f"http://127.0.0.1:{config.playground.port}"
    return settings.TelegramAddress(
        token=DEFAULT_TOKEN, base_url=f"{address}/bot", base_file_url=f"{address}/file/bot"
    )


def _or_one_sentence(command: Callable[[], None]) -> None:
    """Run a command; a configuration that cannot be used ends it with one sentence."""
    try:
        command()
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(CONFIG_EXIT)


if __name__ == "__main__":
    main()
