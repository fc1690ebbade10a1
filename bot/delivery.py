"""Says one note to Telegram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

from telegram import (
    InputMediaDocument,
    InputMediaVideo,
    Message,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest
from telegram.ext import ExtBot

from bot.limiter import Manner
from bot.troubles import is_not_modified
from engine.client import EngineClient
from handlers.buttons import markup
from handlers.context import (
    DeleteMessage,
    EditButtons,
    EditText,
    EditToVideo,
    Keyboard,
    Note,
    PostStory,
    SendOriginal,
    SendText,
)

Begin = Callable[[], Awaitable[None]]

FILE_NAME = "clip.mp4"
"""Without a name that ends so, Telegram takes the bytes for a file of unknown kind."""

REMARK_SECONDS = 5.0
"""A passing remark holds up the chat no longer than this."""


@dataclass(frozen=True, slots=True)
class Said:
    """What Telegram made of a note; `message_id` is 0 for a deletion."""

    message_id: int = 0
    file_id: str = ""
    is_animation: bool = False
    """Telegram took the clip for a GIF, which it compresses."""


class Delivery:
    """Telegram's and the engine's errors pass through it; `bot.troubles` knows what they mean.

    `as_documents`: clips go out as files, which Telegram plays too, but never touches.
    """

    def __init__(self, bot: ExtBot[Manner], engine: EngineClient, *, as_documents: bool = False) -> None:
        self._bot = bot
        self._engine = engine
        self._as_documents = as_documents

    async def fetch(self, note: Note) -> bytes:
        """The clip that a note is about; empty for one without. Apart from `say`: it can be repeated, a send not."""
        return await self._engine.clip(note.job_id) if isinstance(note, EditToVideo | SendOriginal) else b""

    async def say(self, note: Note, clip: bytes, *, begin: Begin) -> Said:
        """Raises TelegramError; that the message already is what it was to become is a success.

        `begin` is awaited right before a send leaves, not for what can be repeated.
        """
        manner = Manner(begin=begin)
        match note:
            case EditToVideo() if note.message_id is not None:
                return await self._edit_to_video(note, clip)
            case EditToVideo() if self._as_documents:
                return await self._send_document(note, clip, manner, keyboard=note.keyboard)
            case EditToVideo():
                return await self._send_video(note, clip, manner)
            case EditText() if note.message_id is not None:
                return await self._edit_text(note, note.message_id)
            case EditText() | SendText():
                return await self._send_text(note, manner)
            case PostStory():
                return await self._post_story(note, manner)
            case SendOriginal():
                return await self._send_document(note, clip, manner)
            case EditButtons():
                return await self._edit_buttons(note)
            case DeleteMessage():
                await self._bot.delete_message(note.chat_id, note.message_id)
                return Said()
            case _:
                assert_never(note)

    async def remark(self, chat_id: int, message_id: int, text: str, keyboard: Keyboard) -> None:
        """Edit a placeholder in passing. Raises Dropped instead of waiting."""
        await self._bot.edit_message_text(
            text,
            chat_id,
            message_id,
            parse_mode=ParseMode.HTML,
            reply_markup=markup(keyboard),
            read_timeout=REMARK_SECONDS,
            write_timeout=REMARK_SECONDS,
            connect_timeout=REMARK_SECONDS,
            rate_limit_args=Manner(passing=True),
        )

    async def _edit_to_video(self, note: EditToVideo, clip: bytes) -> Said:
        try:
            edited = await self._bot.edit_message_media(
                self._media(note, clip), note.chat_id, note.message_id, reply_markup=markup(note.keyboard)
            )
        except BadRequest as error:
            if not is_not_modified(error):
                raise
            edited = await self._read_again(note)
        return _said(edited)

    def _media(self, note: EditToVideo, clip: bytes) -> InputMediaVideo | InputMediaDocument:
        if self._as_documents:
            return InputMediaDocument(
                clip,
                filename=FILE_NAME,
                caption=note.caption,
                parse_mode=ParseMode.HTML,
                disable_content_type_detection=True,
            )
        return InputMediaVideo(
            clip,
            filename=FILE_NAME,
            caption=note.caption,
            parse_mode=ParseMode.HTML,
            width=note.width,
            height=note.height,
            duration=_whole_seconds(note),
            supports_streaming=True,
        )

    async def _read_again(self, note: EditToVideo) -> Message | bool:
        """The clip as it stands in the chat: the answer to the edit was lost, and the file id with it.

        There is no method that reads a message; a change of its buttons answers with all of it.
        """
        try:
            await self._bot.edit_message_reply_markup(note.chat_id, note.message_id, reply_markup=None)
        except BadRequest as error:
            if not is_not_modified(error):
                raise
        return await self._bot.edit_message_reply_markup(
            note.chat_id, note.message_id, reply_markup=markup(note.keyboard)
        )

    async def _send_video(self, note: EditToVideo, clip: bytes, manner: Manner) -> Said:
        return _said(
            await self._bot.send_video(
                note.chat_id,
                clip,
                filename=FILE_NAME,
                caption=note.caption,
                parse_mode=ParseMode.HTML,
                width=note.width,
                height=note.height,
                duration=_whole_seconds(note),
                supports_streaming=True,
                reply_markup=markup(note.keyboard),
                message_thread_id=note.thread_id,
                reply_parameters=_answering(note.answer_to),
                rate_limit_args=manner,
            )
        )

    async def _edit_text(self, note: EditText, message_id: int) -> Said:
        try:
            await self._bot.edit_message_text(
                note.text,
                note.chat_id,
                message_id,
                parse_mode=ParseMode.HTML,
                reply_markup=markup(note.keyboard),
            )
        except BadRequest as error:
            if not is_not_modified(error):
                raise
        return Said(message_id)

    async def _edit_buttons(self, note: EditButtons) -> Said:
        try:
            await self._bot.edit_message_reply_markup(
                note.chat_id, note.message_id, reply_markup=markup(note.keyboard)
            )
        except BadRequest as error:
            if not is_not_modified(error):
                raise
        return Said(note.message_id)

    async def _send_text(self, note: EditText | SendText, manner: Manner) -> Said:
        return _said(
            await self._bot.send_message(
                note.chat_id,
                note.text,
                parse_mode=ParseMode.HTML,
                reply_markup=markup(note.keyboard),
                message_thread_id=note.thread_id,
                reply_parameters=_answering(note.answer_to),
                rate_limit_args=manner,
            )
        )

    async def _post_story(self, note: PostStory, manner: Manner) -> Said:
        send = self._bot.send_document if self._as_documents else self._bot.send_video
        return _said(
            await send(
                note.chat_id,
                note.file_id,
                caption=note.caption,
                parse_mode=ParseMode.HTML,
                reply_markup=markup(note.keyboard),
                message_thread_id=note.thread_id,
                rate_limit_args=manner,
            )
        )

    async def _send_document(
        self, note: SendOriginal | EditToVideo, clip: bytes, manner: Manner, *, keyboard: Keyboard = ()
    ) -> Said:
        return _said(
            await self._bot.send_document(
                note.chat_id,
                clip,
                filename=FILE_NAME,
                caption=note.caption,
                parse_mode=ParseMode.HTML,
                disable_content_type_detection=True,  # keeps it a file: Telegram would make it a video again
                reply_markup=markup(keyboard),
                message_thread_id=note.thread_id,
                reply_parameters=_answering(note.answer_to),
                rate_limit_args=manner,
            )
        )


def is_send(note: Note) -> bool:
    """Whether saying it makes a new message, which cannot be repeated safely."""
    match note:
        case EditToVideo() | EditText():
            return note.message_id is None
        case DeleteMessage() | EditButtons():
            return False
        case _:
            return True


def _answering(message_id: int | None) -> ReplyParameters | None:
    return None if message_id is None else ReplyParameters(message_id, allow_sending_without_reply=True)


def _whole_seconds(note: EditToVideo) -> int:
    return max(1, round(note.duration_seconds))


def _said(message: Message | bool) -> Said:
    """`True` is what Telegram answers for inline messages only, which the bot does not make."""
    if isinstance(message, bool):
        raise TypeError("Telegram did not return the message")
    media = message.video or message.document or message.animation
    return Said(
        message.message_id, media.file_id if media else "", is_animation=message.animation is not None
    )
