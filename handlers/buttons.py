"""What our buttons say when pressed: a letter and short ids in at most 64 bytes, never a person's text."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from enum import StrEnum

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from handlers.context import Button, Keyboard

MAX_DATA_BYTES = 64
"""Telegram's limit; PTB does not check it."""


NOTHING = str(uuid.UUID(int=0))
"""The subject of a button that is about no job."""


class Action(StrEnum):
    """What a press asks for. The letters are in messages that were sent long ago: never reuse one."""

    CANCEL = "c"
    PRESET = "p"
    ORIGINAL = "o"
    DELETE = "d"
    SHARE = "s"
    SHARE_TO = "g"
    PEOPLE_AGREE = "y"
    PEOPLE_DISAGREE = "n"
    OTHER_GROUP = "a"
    REPORT_CLIP = "r"
    REPORT_STORY = "e"
    TAKE_BACK = "t"
    FORGET = "f"
    NEVER_MIND = "m"
    LANGUAGE = "l"
    AGAIN = "b"
    CHANGE = "h"
    LIKE = "u"
    DISLIKE = "v"
    VERIFY = "k"
    KEEP = "K"
    REMOVE = "X"
    RESTORE = "R"
    BAN = "B"
    UNBAN = "U"
    APPEAL = "A"
    UPHOLD = "H"
    AGREE = "G"
    CONSENT = "C"
    NO_CONSENT = "N"
    SETTING = "S"
    HEART = "L"


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button. `subject` is a job or story id; `look` and `chat_id` only where the action has one."""

    action: Action
    subject: str
    look: str | None = None
    chat_id: int | None = None

    @property
    def data(self) -> str:
        parts = [self.action.value, _short(self.subject)]
        if self.look is not None:
            parts.append(self.look)
        if self.chat_id is not None:
            parts.append(str(self.chat_id))
        data = ":".join(parts)
        if len(data.encode()) > MAX_DATA_BYTES:
            raise ValueError(f"callback data of {len(data)} bytes")
        return data


def button(
    text: str, action: Action, subject: str, *, look: str | None = None, chat_id: int | None = None
) -> Button:
    return Button(text=text, data=Press(action, subject, look=look, chat_id=chat_id).data)


def read_press(data: str) -> Press | None:
    """None for data that is not ours, or of a bot of another time."""
    letter, *rest = data.split(":")
    try:
        action, subject = Action(letter), _long(rest[0])
        if action in {Action.PRESET, Action.LANGUAGE, Action.SETTING}:
            return Press(action, subject, look=rest[1])
        if action is Action.REMOVE:  # without a rule yet, or with the one that is broken
            return Press(action, subject, look=rest[1] if len(rest) > 1 else None)
        if action in {Action.SHARE_TO, Action.PEOPLE_AGREE}:
            return Press(action, subject, chat_id=_chat(rest[1]))
    except (ValueError, IndexError, binascii.Error):
        return None
    return Press(action, subject)


def markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """Our keyboard as PTB's; None where there are no buttons."""
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(each.text, callback_data=each.data) for each in row] for row in keyboard]
    )


def in_rows(buttons: list[Button], *, width: int = 2) -> Keyboard:
    return tuple(tuple(buttons[start : start + width]) for start in range(0, len(buttons), width))


def _chat(number: str) -> int:
    """Raises ValueError for more than Telegram's ids, and our tables, can hold."""
    chat_id = int(number)
    if abs(chat_id) >= 2**52:
        raise ValueError("not a chat's id")
    return chat_id


def _short(subject: str) -> str:
    """A UUID in 22 characters."""
    return base64.urlsafe_b64encode(uuid.UUID(subject).bytes).decode().rstrip("=")


def _long(short: str) -> str:
    return str(uuid.UUID(bytes=base64.urlsafe_b64decode(short + "==")))
