"""Answers to messages and button presses that are said once, however often an update is repeated."""

from __future__ import annotations

from telegram import CallbackQuery, Message
from telegram.error import BadRequest, Forbidden

from handlers.context import Keyboard, SendText, Services
from handlers.texts import Html


def thread_of(message: Message) -> int | None:
    """The forum topic; an ordinary reply has a thread id too, which must not be sent back."""
    return message.message_thread_id if message.is_topic_message else None


async def reply(
    message: Message, topic: str, text: Html, services: Services, *, keyboard: Keyboard = ()
) -> None:
    """Answer a message; `topic` tells apart several answers to the same one."""
    note = SendText(
        chat_id=message.chat.id,
        text=text,
        keyboard=keyboard,
        thread_id=thread_of(message),
        answer_to=message.message_id,
    )
    await services.outbox.put(f"{topic}:{message.chat.id}:{message.message_id}", note)


async def answer_press(query: CallbackQuery, text: str = "", *, alert: bool = False) -> None:
    """End the button's spinner. A press that waited too long cannot be answered any more; the work goes on."""
    try:
        await query.answer(text=text or None, show_alert=alert)
    except (BadRequest, Forbidden):
        return
