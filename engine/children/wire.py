"""What goes over the socket: length-prefixed msgpack frames of msgspec tagged unions.

Photos are bytes; JSON would make them a third larger.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import msgspec

MAX_FRAME_BYTES = 64 * 2**20
"""Three times the largest photo: a child that names a larger frame is broken or hostile."""

LENGTH = struct.Struct(">I")
"""What stands before every frame: its size in bytes."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel grants a child once its module is imported; None leaves what the engine has.

    `cpu_seconds` are counted from there, rounded up to whole seconds.
    """

    cpu_seconds: int | None = None
    address_space_bytes: int | None = None
    file_size_bytes: int | None = None
    open_files: int | None = None


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What a child may reach beside its code, from the first import on (`engine.children.sandbox`).

    `programs` lets it run other programs, under the same restrictions; `network` lets it open sockets; `temporary` is
    a folder for files of a moment.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    temporary: str = ""
    programs: bool = False
    network: bool = False


class Warm(msgspec.Struct, frozen=True, tag_field="type", tag="warm"):
    """A child that answers in forks has its libraries loaded, and waits for a question."""


class Fell(msgspec.Struct, frozen=True, tag_field="type", tag="fell"):
    """The fork ended over the question; `exit_code` is negative for a signal."""

    exit_code: int


def frame(message: msgspec.Struct) -> bytes:
    """Length and body. Paths cross as text."""
    body = packed(message)
    return LENGTH.pack(len(body)) + body


def packed(message: msgspec.Struct) -> bytes:
    """The body of a frame."""
    return msgspec.msgpack.encode(message, enc_hook=_plain)


def message_in(body: bytes, kind: Any) -> Any:
    """A message of type or union `kind`. Raises msgspec.MsgspecError for anything else."""
    return msgspec.msgpack.decode(body, type=kind, dec_hook=_rich)


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} does not cross a process border")


def _rich(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} does not cross a process border")
