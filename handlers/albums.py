"""Albums come as separate messages; here they meet for a moment, in memory, to choose one of them.

Nothing is lost in a crash: every message is its own row in the inbox. Those that come again choose again, and
a ticket for the album says what was chosen before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from telegram import Message


@dataclass(slots=True)
class Album:
    messages: list[Message] = field(default_factory=list)
    waiting: int = 0

    @property
    def chosen(self) -> Message:
        """The first with a caption, else the first. The same for every message that looks."""
        return min(self.messages, key=lambda message: (not message.caption, message.message_id))


class Albums:
    """The albums that are arriving now, by chat and media group."""

    KEY = "albums"

    def __init__(self) -> None:
        self._albums: dict[tuple[int, str | None], Album] = {}

    @classmethod
    def of(cls, bot_data: dict[Any, Any]) -> Self:
        albums: Self = bot_data.setdefault(cls.KEY, cls())
        return albums

    def join(self, message: Message) -> Album:
        album = self._albums.setdefault(_key(message), Album())
        album.messages.append(message)
        album.waiting += 1
        return album

    def forget(self, message: Message) -> None:
        """The last one to leave closes the door."""
        album = self._albums[_key(message)]
        album.waiting -= 1
        if not album.waiting:
            del self._albums[_key(message)]


def _key(message: Message) -> tuple[int, str | None]:
    return message.chat.id, message.media_group_id
