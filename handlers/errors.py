"""When a handler failed for good: an event without personal data, and one apology."""

from __future__ import annotations

import traceback

from telegram import Update
from telegram.constants import ChatType
from telegram.error import Forbidden

from engine import logs
from handlers.context import Context, SendText, Services
from handlers.texts import texts

log = logs.get("handlers")

DEPTH = 3
"""As many of the innermost calls are named; the message of an exception may quote a person, so it is left out."""


async def on_error(update: object, context: Context) -> None:
    """PTB's error handler. Where we may not write, there is nobody to apologise to."""
    error = context.error
    if error is None:
        return
    if isinstance(error, Forbidden):
        log.info("nobody to answer", error=type(error).__name__)
        return
    log.error("handler failed", error=type(error).__name__, kind=_kind(update), at=_where(error))
    if isinstance(update, Update):
        await _apologise(update, context.services)


async def _apologise(update: Update, services: Services) -> None:
    """In a group only to somebody who asked us for something; there most messages are not for us."""
    chat, message = update.effective_chat, update.effective_message
    if chat is None or (
        chat.type != ChatType.PRIVATE and update.callback_query is None and not _is_command(update)
    ):
        return
    user = update.effective_user
    text = texts(user.language_code if user else None).say(
        "😔 Something went wrong on my side, and I have made a note of it. Please try again."
    )
    note = SendText(chat_id=chat.id, text=text, answer_to=message.message_id if message else None)
    await services.outbox.put(f"sorry:{update.update_id}", note)


def _is_command(update: Update) -> bool:
    message = update.message
    return message is not None and (message.text or message.caption or "").startswith("/")


def _kind(update: object) -> str:
    if not isinstance(update, Update):
        return type(update).__name__
    return "callback_query" if update.callback_query else "message" if update.message else "other"


def _where(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-DEPTH:]
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
