"""What an error means for a note that was to be said: try later, say it otherwise, or let it be."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)

from bot.limiter import retry_after_seconds
from engine.errors import EngineError, EngineUnavailable, NotFound, RetryLater


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was said; it may work after `seconds`, or after the usual pause where that is None."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """A send that may have arrived: repeating it could say it twice."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The message that was to be changed is not there any more, or cannot be changed."""


@dataclass(frozen=True, slots=True)
class NoThread:
    """The topic was deleted."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The group became a supergroup."""

    chat_id: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The person blocked the bot, or the bot may not write there."""


@dataclass(frozen=True, slots=True)
class ClipGone:
    """The engine does not have the clip any more."""


@dataclass(frozen=True, slots=True)
class Hopeless:
    """Telegram will never take it; a mistake of ours, to be found in the log."""

    why: str


Trouble = Later | Unclear | Gone | NoThread | Moved | Unreachable | ClipGone | Hopeless

_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message to delete not found",
    "message can't be deleted",
    "message_id_invalid",
    "no text in the message to edit",
)
_UNREACHABLE = (
    "chat not found",
    "not enough rights",
    "have no rights",
    "chat_write_forbidden",
    "kicked",
    "deactivated",
)
_NO_THREAD = ("message thread not found", "topic_deleted", "topic_closed")

_QUOTED = re.compile(r'".*"')
"""Telegram quotes what it cannot parse; that may be a person's words."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Raised before a byte of the request left."""


def understand(error: Exception, *, send: bool) -> Trouble:  # one table, told in order
    """Sort an error of Telegram or of the engine. `send`: the call makes a new message, so it is not repeatable."""
    match error:
        case RetryAfter():
            return Later(retry_after_seconds(error))
        case ChatMigrated():
            return Moved(error.new_chat_id)
        case Forbidden():
            return Unreachable()
        case BadRequest():
            return _understand_refusal(error.message.lower())
        case NetworkError() if "too large" in error.message.lower():
            return Hopeless("too large")
        case NetworkError():
            return Unclear() if send and may_have_arrived(error) else Later()
        case InvalidToken() | Conflict() | EngineUnavailable() | RetryLater():
            return Later()
        case NotFound():
            return ClipGone()
        case EngineError():
            return Hopeless(type(error).__name__)
        case _:
            return Hopeless(type(error).__name__)


def is_not_modified(error: BadRequest) -> bool:
    """The message already is what it was to become: an earlier try arrived, and its answer did not."""
    return "message is not modified" in error.message.lower()


def may_have_arrived(error: NetworkError) -> bool:
    """Whether Telegram may have done what we asked. An answer, even 502, says that it did not."""
    cause = error.__cause__
    return isinstance(cause, Exception) and not isinstance(cause, _NOT_SENT)


def _understand_refusal(message: str) -> Trouble:
    if any(words in message for words in _GONE):
        return Gone()
    if any(words in message for words in _UNREACHABLE):
        return Unreachable()
    if any(words in message for words in _NO_THREAD):
        return NoThread()
    return Hopeless(_QUOTED.sub('"…"', message))
