"""Messages and calls as an observer from outside sees them: typed views of the control interface's JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.playground.world import CONTENT, kind_of, words_of

_PUTTING = frozenset(
    {"sendVideo", "sendDocument", "sendMediaGroup", "copyMessage", "forwardMessage", "editMessageMedia"}
)
"""The calls that put media into a message; other edits leave it as it is."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A message as a person sees it, and what only an observer from outside knows.

    `raw` is its Bot API JSON. `history` lists every call that wrote it: (method, kind of content); `said` its words
    after each of them.
    """

    raw: dict[str, Any]
    deleted: bool
    history: tuple[tuple[str, str], ...]
    said: tuple[str, ...]
    reactions: tuple[str, ...]
    only_for: int | None
    version: int

    @property
    def id(self) -> int:
        return int(self.raw["message_id"])

    @property
    def chat_id(self) -> int:
        return int(self.raw["chat"]["id"])

    @property
    def at(self) -> int:
        """When it was sent, in Unix seconds."""
        return int(self.raw["date"])

    @property
    def kind(self) -> str:
        """text, photo, video, animation, document, or service."""
        return kind_of(self.raw)

    @property
    def text(self) -> str:
        """Its text, or its caption."""
        return words_of(self.raw)

    @property
    def sender_id(self) -> int:
        return int(self.raw["from"]["id"])

    @property
    def from_bot(self) -> bool:
        return bool(self.raw["from"]["is_bot"]) and "sender_chat" not in self.raw

    @property
    def reply_to(self) -> int | None:
        answered = self.raw.get("reply_to_message")
        return None if answered is None else int(answered["message_id"])

    @property
    def thread_id(self) -> int | None:
        return self.raw.get("message_thread_id")

    @property
    def button_data(self) -> dict[str, str]:
        """The label of each inline button, and its callback data."""
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return {button["text"]: button.get("callback_data", "") for row in rows for button in row}

    @property
    def buttons(self) -> tuple[str, ...]:
        return tuple(self.button_data)

    @property
    def file_id(self) -> str | None:
        """The file of its media; of a photo, the largest."""
        if (media := self._media) is None:
            return None
        return str(media["file_id"])

    @property
    def file_size(self) -> int | None:
        if (media := self._media) is None:
            return None
        return int(media["file_size"])

    @property
    def _media(self) -> dict[str, Any] | None:
        media: Any = next((self.raw[name] for name in CONTENT[1:] if name in self.raw), None)
        sizes: list[dict[str, Any]] = media if isinstance(media, list) else [media] if media else []
        return max(sizes, key=lambda size: int(size.get("width", 0) * size.get("height", 0)), default=None)

    @property
    def deliveries(self) -> int:
        """How often the bot put a clip or a file into this message."""
        return sum(method in _PUTTING and kind in {"video", "document"} for method, kind in self.history)

    @property
    def edits(self) -> int:
        return len(self.history) - 1


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot answered to a pressed button."""

    text: str
    show_alert: bool
    url: str


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the bot. `status` 0: the connection was closed. `answer`: the result, or the description."""

    n: int
    at: float
    method: str
    params: dict[str, str]
    files: dict[str, dict[str, Any]]
    status: int
    answer: Any
    seconds: float


def read_seen(raw: dict[str, Any]) -> Seen:
    """A message of the control interface, typed."""
    return Seen(
        raw=raw["message"],
        deleted=raw["deleted"],
        history=tuple((method, kind) for method, kind in raw["history"]),
        said=tuple(raw["said"]),
        reactions=tuple(raw["reactions"]),
        only_for=raw["only_for"],
        version=raw["version"],
    )
