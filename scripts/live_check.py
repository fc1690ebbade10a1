"""Does Telegram do what the bot relies on? Asked of the real servers, with the operator's own token.

It posts a small test clip into one chat and deletes it again: into [bot] operator_chat, or --chat. Every line says what
holds, and what to set in config.toml where something does not. Exit code 1 where something does not hold.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import av
import click
import numpy as np
from telegram import Bot, InputMediaVideo, InputStoryContentVideo, Message
from telegram.error import TelegramError

from bot import config as bot_config
from engine import config as engine_config
from engine import logs
from engine.errors import ConfigError
from engine.media.clip import Frame, LabeledClip, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import load_keys
from engine.provenance.label import make_label
from engine.provenance.source_type import SourceType
from engine.provenance.verify import examine

WIDTH, HEIGHT, RATE, SECONDS = 720, 1280, 24, 2
NAME = "clip.mp4"

AS_DOCUMENT = '[bot] deliver_as = "document"'
WITHOUT_EDITING = "[bot] edit_into_clip = false"


@dataclass(frozen=True, slots=True)
class Answer:
    """`holds` is None where it could not be tried; `remark` says why, or what to change."""

    promise: str
    holds: bool | None
    remark: str = ""

    def __str__(self) -> str:
        word = {True: "holds", False: "DOES NOT HOLD", None: "not tried"}[self.holds]
        return f"{self.promise:<52} {word}{f': {self.remark}' if self.remark else ''}"


@dataclass(slots=True)
class Check:
    """One run in one chat; what it posts is deleted at the end."""

    bot: Bot
    chat_id: int
    clip: bytes
    root_pem: str
    connection: str | None
    story: bytes
    _posted: list[Message] = field(default_factory=list)

    async def run(self) -> AsyncIterator[Answer]:
        try:
            edited = await self._edit_text_into_video()
            yield Answer(
                "a text message becomes the clip by an edit",
                edited is not None,
                _unless(edited, WITHOUT_EDITING),
            )
            video = edited or await self._send(self.bot.send_video(self.chat_id, self.clip, filename=NAME))
            yield _is_video("a silent clip stays a video", video)
            yield await self._kept("its bytes are kept, its credentials hold", video, AS_DOCUMENT)
            sent = await self._send(self.bot.send_video(self.chat_id, self.clip, filename=NAME))
            yield _is_video("a clip that is sent, not edited in, is a video", sent)
            yield await self._kept("its bytes are kept, too", sent, AS_DOCUMENT)
            again = await self._send(self.bot.send_video(self.chat_id, _file_id(video)))
            yield await self._kept("sent again by its id (group stories), bytes are kept", again, AS_DOCUMENT)
            file = await self._send(
                self.bot.send_document(
                    self.chat_id, self.clip, filename=NAME, disable_content_type_detection=True
                )
            )
            yield Answer("the original file stays a file", file.document is not None and file.video is None)
            yield await self._kept(
                "its bytes are kept, its credentials hold", file, "nothing helps; tell the project"
            )
            yield await self._post_story()
        finally:
            await self._delete()

    async def _edit_text_into_video(self) -> Message | None:
        text = await self._send(
            self.bot.send_message(self.chat_id, "live-check: this becomes a clip and goes away")
        )
        media = InputMediaVideo(
            self.clip, filename=NAME, width=WIDTH, height=HEIGHT, duration=SECONDS, supports_streaming=True
        )
        try:
            edited = await self.bot.edit_message_media(media, self.chat_id, text.message_id)
        except TelegramError:
            return None
        return edited if isinstance(edited, Message) else None

    async def _kept(self, promise: str, message: Message, otherwise: str) -> Answer:
        try:
            file = await self.bot.get_file(_file_id(message))
            served = bytes(await file.download_as_bytearray())
        except TelegramError as error:
            return Answer(promise, None, f"the file cannot be fetched ({type(error).__name__})")
        same = hashlib.sha256(served).digest() == hashlib.sha256(self.clip).digest()
        return Answer(
            promise, same and examine(served, root_pem=self.root_pem).made_here, "" if same else otherwise
        )

    async def _post_story(self) -> Answer:
        """The bot does not post such stories yet; this tells whether it could."""
        promise = "a story for a person who connected the bot"
        if self.connection is None:
            return Answer(promise, None, "give --business-connection")
        try:
            content = InputStoryContentVideo(self.story, is_animation=True, duration=SECONDS)
            story = await self.bot.post_story(self.connection, content, active_period=timedelta(hours=6))
            await self.bot.delete_story(self.connection, story.id)
        except TelegramError as error:
            return Answer(
                promise, False, f"{type(error).__name__}: has the person given the right to manage stories?"
            )
        return Answer(promise, True)

    async def _send(self, sending: Awaitable[Message]) -> Message:
        message = await sending
        self._posted.append(message)
        return message

    async def _delete(self) -> None:
        for message in self._posted:
            try:
                await message.delete()
            except TelegramError as error:
                print(f"a test message could not be deleted ({type(error).__name__})", file=sys.stderr)


def _unless(message: Message | None, remark: str) -> str:
    return "" if message is not None else remark


def _is_video(promise: str, message: Message) -> Answer:
    is_video = message.video is not None and message.animation is None
    return Answer(promise, is_video, "" if is_video else AS_DOCUMENT)


def _file_id(message: Message) -> str:
    media = message.video or message.animation or message.document
    return media.file_id if media else ""


def moving(width: int, height: int, count: int) -> Iterator[Frame]:
    """A gradient that drifts: something for an encoder, and nobody's photo."""
    rows, columns = np.mgrid[0:height, 0:width]
    for number in range(count):
        luma = (16 + (rows + columns + 4 * number) % 220).astype(np.uint8)
        chroma = np.full((height // 2, width // 2), 128, np.uint8)
        yield Frame(luma, chroma, chroma.copy())


def signed_clip(config: engine_config.EngineConfig, folder: Path) -> tuple[bytes, str]:
    """A labelled, signed, silent clip, and our anchor. Raises ConfigError where there are no keys."""
    keys = load_keys(config.keys, signer=config.provenance.signer)
    label = make_label(SourceType.MODIFIED, "en", width=WIDTH, height=HEIGHT)
    models = (TrainedModel(name="none: a test", version="1", licence="Apache-2.0"),)
    facts = {"width": WIDTH, "height": HEIGHT, "renderer": "live-check", "models": models, "made": Made()}
    rendered = RenderedClip(
        frames=moving(WIDTH, HEIGHT, RATE * SECONDS),
        frame_count=RATE * SECONDS,
        frames_per_second=RATE,
        digital_source_type=SourceType.MODIFIED,
        **facts,
    )
    plain, signed = folder / "plain.mp4", folder / "signed.mp4"
    write_mp4(rendered, plain, stamp=label.stamp)
    labeled = LabeledClip(
        path=plain,
        sha256=hashlib.sha256(plain.read_bytes()).hexdigest(),
        duration_seconds=SECONDS,
        label=label.text,
        digital_source_type=SourceType.MODIFIED,
        **facts,
    )
    ClipSigner(keys).sign(labeled, to=signed)
    return signed.read_bytes(), keys.root_pem


def story_clip(folder: Path) -> bytes:
    """As postStory asks: H.265, 720 x 1280, a key frame every second (Bot API, InputStoryContentVideo)."""
    with av.open(str(folder / "story.mp4"), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(
            "libx265", rate=RATE, options={"preset": "ultrafast", "x265-params": "log-level=none"}
        )
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, "yuv420p", RATE
        for frame in moving(WIDTH, HEIGHT, RATE * SECONDS):
            planes = np.concatenate([frame.y.ravel(), frame.u.ravel(), frame.v.ravel()])
            picture = av.VideoFrame.from_ndarray(planes.reshape(HEIGHT * 3 // 2, WIDTH), format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return (folder / "story.mp4").read_bytes()


async def check_live(path: Path, chat_id: int | None, connection: str | None) -> bool:
    """Print every answer; whether everything that was tried holds. Raises ConfigError."""
    config = bot_config.load(path)
    chat = chat_id or config.bot.operator_chat
    if chat is None:
        raise ConfigError("which chat may I write to? Set [bot] operator_chat, or give --chat")
    telegram = config.telegram_address()
    with tempfile.TemporaryDirectory() as name:
        clip, root_pem = signed_clip(engine_config.load(path), Path(name))
        story = story_clip(Path(name)) if connection else b""
    holds = True
    async with Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url) as bot:
        check = Check(bot, chat, clip, root_pem, connection, story)
        async for answer in check.run():
            print(answer, flush=True)
            holds = holds and answer.holds is not False
    return holds


@click.command(help=__doc__)
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True
)
@click.option("--chat", "chat_id", type=int, help="The chat to write to, instead of [bot] operator_chat.")
@click.option("--business-connection", "connection", help="The id of a business connection, to try a story.")
def main(path: Path, chat_id: int | None, connection: str | None) -> None:
    """Check, and say it by the exit code, too."""
    logs.configure(process="live-check")
    try:
        holds = asyncio.run(check_live(path, chat_id, connection))
    except ConfigError as error:
        sys.exit(str(error))
    except TelegramError as error:
        sys.exit(f"Telegram: {error.message}")
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
