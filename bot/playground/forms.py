"""One Bot API request, read: parameters as strings, as Telegram accepts them, and the files that came along."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from bot.playground.errors import ApiError, bad_request
from bot.playground.files import StoredFile
from bot.playground.world import World

UPLOAD_LIMIT_BYTES = 50 * 2**20
"""Bots can send files of up to this size (core.telegram.org/bots/api#sending-files)."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a multipart request."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """Parameters and uploads of one call. Getters raise ApiError in Telegram's words."""

    values: dict[str, str]
    uploads: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def required(self, name: str) -> str:
        if not (value := self.values.get(name, "")):
            raise bad_request(f'parameter "{name}" is required')
        return value

    def flag(self, name: str) -> bool:
        return self.values.get(name, "").lower() in {"true", "1", "yes"}

    def integer(self, name: str, default: int = 0) -> int:
        value = self.values.get(name, "")
        try:
            return int(float(value)) if value else default
        except ValueError:
            raise bad_request(f'parameter "{name}" must be an integer') from None

    def json(self, name: str) -> Any:
        """A parameter that holds JSON, or None."""
        value = self.values.get(name, "")
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def within(self, values: dict[str, Any]) -> Form:
        """The same uploads with other parameters: an InputMedia of this request."""
        return Form({name: _as_text(value) for name, value in values.items()}, self.uploads)

    def file(self, world: World, name: str, kind: str) -> StoredFile:
        """The file of a parameter: uploaded, attached, or sent before by the bot or to it."""
        value = self.values.get(name, "")
        upload = self.uploads.get(value.removeprefix("attach://") if value else name) or self.uploads.get(
            name
        )
        if upload is not None:
            return world.files.add(kind=kind, name=upload.name, mime=upload.mime, data=upload.data)
        if not value:
            raise bad_request(f"there is no {name} in the request")
        stored = world.files.get(value)
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if stored.kind != kind:
            raise bad_request(f"can't use file of type {stored.kind.title()} as {kind.title()}")
        return stored


async def read_form(request: web.Request) -> Form:
    """Query, urlencoded, JSON or multipart. Raises ApiError 413 for a file above the limit, 400 for bad JSON."""
    values = dict(request.query)
    uploads: dict[str, Upload] = {}
    if request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.filename is None:
                values[part.name or ""] = await part.text()
            else:
                mime = part.headers.get("Content-Type", "application/octet-stream")
                uploads[part.name or ""] = Upload(part.filename, mime, await _limited(part))
    elif request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            raise bad_request("can't parse JSON object") from None
        values.update({name: _as_text(value) for name, value in body.items()})
    else:
        values.update({name: str(value) for name, value in (await request.post()).items()})
    return Form(values, uploads)


async def _limited(part: BodyPartReader) -> bytes:
    """The part's bytes. A file above the limit is read to its end, so that the caller hears the answer."""
    data = bytearray()
    too_large = False
    while chunk := await part.read_chunk(2**16):
        too_large = too_large or len(data) + len(chunk) > UPLOAD_LIMIT_BYTES
        if not too_large:
            data += chunk
    if too_large:
        raise ApiError(413, "Request Entity Too Large")
    return bytes(data)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
