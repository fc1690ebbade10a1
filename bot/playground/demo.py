"""`scripts/demo PHOTO CAPTION`: Ann sends a photo to the bot in the playground; what it answers is printed and saved."""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import click

from bot import config as settings
from bot.playground.client import Play
from bot.playground.errors import PlayError
from bot.playground.headers import read_picture
from bot.playground.seen import Seen
from engine.client import EngineClient
from engine.errors import ConfigError, EngineError
from handlers.buttons import Action, read_press

CONFIG_EXIT = 78
"""sysexits' EX_CONFIG, as the other commands."""

START_SECONDS = 300.0
"""The first start makes keys and fetches a model."""

NUDGE_SECONDS = 3.0
"""After the clip a short "ready" follows; this long is waited for it."""


class DemoFailed(Exception):
    """There is no clip; the text says why."""


@click.command()
@click.argument("photo", type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True))
@click.argument("caption", default="")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, resolve_path=True),
    default=Path("clip.mp4"),
    show_default=True,
    help="Where the clip is saved.",
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False, resolve_path=True),
    default=Path("config.toml"),
    help="The configuration; without the file, the defaults.",
)
@click.option("--locale", default="en", show_default=True, help="The language of Ann's app.")
@click.option("--wait", "seconds", default=600.0, show_default=True, help="How long a clip may take.")
def main(photo: Path, caption: str, out: Path, config_path: Path, locale: str, seconds: float) -> None:
    """Send PHOTO with CAPTION to the bot, as Ann in the playground; print what it answers, save the clip.

    Uses what `scripts/run` started, or starts it for as long as this takes.
    """
    os.chdir(config_path.parent)  # without a configuration file, the data folder is beside where it would be
    try:
        config = settings.load(config_path if config_path.exists() else None)
        job = _demo(
            photo.name, photo.read_bytes(), caption, config, config_path, locale=locale, seconds=seconds
        )
        clip = asyncio.run(job)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(CONFIG_EXIT)
    except (DemoFailed, PlayError, TimeoutError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    out.write_bytes(clip)
    click.echo(f"Saved {out} ({len(clip) / 2**20:.1f} MB).")


async def _demo(
    name: str,
    data: bytes,
    caption: str,
    config: settings.Config,
    config_path: Path,
    *,
    locale: str,
    seconds: float,
) -> bytes:
    """The clip. Raises DemoFailed where the bot's last word is another."""
    async with (
        Play(f"http://127.0.0.1:{config.playground.port}") as play,
        _running(play, config, config_path),
    ):
        await play.set_person("ann", locale=locale)
        sent = await send_picture(play, name, data, caption)
        click.echo(f"Ann: [{name}] {caption}".rstrip())
        answer = await follow(play, sent, seconds=seconds)
        if answer.kind != "video":
            raise DemoFailed("No clip this time.")
        return await play.media(answer)


@contextlib.asynccontextmanager
async def _running(play: Play, config: settings.Config, config_path: Path) -> AsyncIterator[None]:
    """Everything runs inside: what ran already, or what is started now and stopped after."""
    if await _answers(play):
        yield
        return
    if config.has_token():
        raise ConfigError(
            f"{config_path.name} has a bot token, so no playground runs; name another file: --config"
        )
    click.echo("Starting engine, bot and playground…", err=True)
    command = ("-m", "bot", "up", "--config", str(config_path))
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.DEVNULL)
    try:
        await _until_ready(play, config, child)
        yield
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        await child.wait()


async def _until_ready(play: Play, config: settings.Config, child: asyncio.subprocess.Process) -> None:
    async with (
        EngineClient(config.engine_address(), timeout_seconds=5.0) as engine,
        asyncio.timeout(START_SECONDS),
    ):
        while child.returncode is None:
            with contextlib.suppress(EngineError):
                if await _answers(play) and (await engine.status()).ready:
                    return
            await asyncio.sleep(0.3)
    raise DemoFailed("It did not start; the lines above, or the logs in the data folder, say why.")


async def _answers(play: Play) -> bool:
    try:
        await play.state()
    except (aiohttp.ClientError, PlayError, ValueError):
        return False
    return True


async def send_picture(play: Play, name: str, data: bytes, caption: str) -> Seen:
    """As a photo where Telegram's app would, else as a file: then the bot gets it unchanged."""
    picture = read_picture(data)
    if picture is not None and picture.mime == "image/jpeg":
        with contextlib.suppress(PlayError):
            return await play.send_photo("ann", data, caption)
    mime = picture.mime if picture else mimetypes.guess_type(name)[0] or "application/octet-stream"
    return await play.send_document("ann", data, filename=name, mime=mime, caption=caption)


async def follow(play: Play, sent: Seen, *, seconds: float) -> Seen:
    """Print every message of the bot after `sent`, and every edit; the one that ends it: a clip, or a last word.

    While a job is on its way, its message offers to cancel it. Raises TimeoutError.
    """
    printed: dict[int, str] = {}

    async def news() -> list[Seen]:
        messages = [seen for seen in await play.messages("ann") if seen.from_bot and seen.id > sent.id]
        for seen in messages:
            line = _line(seen)
            if printed.get(seen.id) != line:
                click.echo(f"{'Bot' if seen.id not in printed else 'Bot (edited)'}: {line}")
                printed[seen.id] = line
        return messages

    async def ended() -> Seen | None:
        answers = [seen for seen in await news() if seen.reply_to == sent.id]
        return next((seen for seen in answers if not _is_under_way(seen)), None)

    try:
        answer = await play.wait_until(ended, timeout=seconds)
    except TimeoutError:
        raise TimeoutError(f"The bot did not finish within {seconds:g} seconds.") from None

    async def nudged() -> bool | None:
        return True if any(seen.id > answer.id for seen in await news()) else None

    with contextlib.suppress(TimeoutError):
        await play.wait_until(nudged, timeout=NUDGE_SECONDS if answer.kind == "video" else 0)
    return answer


def _is_under_way(seen: Seen) -> bool:
    presses = [read_press(data) for data in seen.button_data.values()]
    return any(press is not None and press.action is Action.CANCEL for press in presses)


def _line(seen: Seen) -> str:
    words = re.sub(r"\s*\n\s*", " / ", seen.text)
    media = "" if seen.kind == "text" else f"[{seen.kind}] "
    buttons = "".join(f" ({label})" for label in seen.buttons)
    return f"{media}{words}{buttons}"


if __name__ == "__main__":
    main(prog_name="scripts/demo")
