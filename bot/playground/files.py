"""The files that passed through the chats, by the ids that Telegram would give them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from bot.playground.errors import ApiError, bad_request
from bot.playground.headers import read_picture

DOWNLOAD_LIMIT_BYTES = 20 * 2**20
"""A bot can download files up to this size (core.telegram.org/bots/api#getfile)."""

PHOTO_LIMIT_BYTES = 10 * 2**20
LONGEST_RATIO = 20
LARGEST_SIDES_SUM = 10_000
"""A photo's two sides add up to at most this, and one is at most 20 times the other (sendPhoto)."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file. `kind` is the Bot API field it belongs in: an id of one kind is refused as another."""

    file_id: str
    unique_id: str
    kind: str
    name: str
    mime: str
    data: bytes

    @property
    def path(self) -> str:
        """The `file_path` of getFile."""
        suffix = self.name.rpartition(".")[2].lower() if "." in self.name else "bin"
        return f"{self.kind}s/{self.unique_id}.{suffix if suffix.isalnum() else 'bin'}"


class Files:
    """All files, in memory, until the playground ends."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._sizes: dict[str, dict[str, int]] = {}

    def add(self, *, kind: str, name: str, mime: str, data: bytes) -> StoredFile:
        stored = StoredFile(
            file_id=f"{kind[:2].upper()}{secrets.token_urlsafe(24)}",
            unique_id=secrets.token_hex(8),
            kind=kind,
            name=name or kind,
            mime=mime,
            data=data,
        )
        self._by_id[stored.file_id] = stored
        return stored

    def get(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)

    def sizes(self, stored: StoredFile, told: dict[str, int]) -> dict[str, int]:
        """What was told of a video when it came; sent again by its id, it keeps that."""
        return self._sizes.setdefault(stored.file_id, told)

    def link(self, file_id: str) -> dict[str, Any]:
        """What getFile answers; from now on the path can be downloaded. Raises ApiError."""
        stored = self._by_id.get(file_id)
        if stored is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if len(stored.data) > DOWNLOAD_LIMIT_BYTES:
            raise bad_request("file is too big")
        self._by_path[stored.path] = stored
        return {
            "file_id": stored.file_id,
            "file_unique_id": stored.unique_id,
            "file_size": len(stored.data),
            "file_path": stored.path,
        }

    def download(self, path: str) -> bytes:
        """The bytes at a path that getFile gave out. Raises ApiError 404."""
        if (stored := self._by_path.get(path)) is None:
            raise ApiError(404, "Not Found")
        return stored.data


def photo_size(stored: StoredFile) -> dict[str, Any]:
    """A PhotoSize of a stored photo. Raises ApiError when it is no picture, or a shape Telegram refuses."""
    picture = read_picture(stored.data)
    if picture is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
    if picture.width + picture.height > LARGEST_SIDES_SUM or longer > LONGEST_RATIO * shorter:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "width": picture.width,
        "height": picture.height,
        "file_size": len(stored.data),
    }


def document(stored: StoredFile) -> dict[str, Any]:
    """A Document of a stored file."""
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_name": stored.name,
        "mime_type": stored.mime,
        "file_size": len(stored.data),
    }
