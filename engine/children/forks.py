"""A child that answers every question in a fork of itself: warm libraries for each, and nothing left from one to the next.

A fresh interpreter costs a quarter of a second before it looks at its first byte; a fork costs some milliseconds. What
waits reads no question itself, it passes bytes on: only forks, limited and closed before they look, do.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn, Protocol

import msgspec

from engine.children.wire import LENGTH, MAX_FRAME_BYTES, Fell, Warm, frame

Answer = Callable[[bytes], msgspec.Struct]
"""From the body of a question's frame to the answer."""

_CHUNK_BYTES = 1 << 20


class Frames(Protocol):
    """The part of `engine.children.inside.Link` that passes on what it does not read."""

    def receive_body(self) -> bytes: ...

    def send_bytes(self, data: bytes) -> None: ...

    def close(self) -> None: ...


def answer_in_forks(link: Frames, answer: Answer, *, close: Callable[[], None]) -> NoReturn:
    """Until the engine hangs up. `close` takes away, in the fork, what it may not reach."""
    link.send_bytes(frame(Warm()))
    while True:
        link.send_bytes(_in_a_fork(link, link.receive_body(), answer, close))


def _in_a_fork(link: Frames, body: bytes, answer: Answer, close: Callable[[], None]) -> bytes:
    """The answer's frame, or that of `Fell`."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ours)
        link.close()
        _answer_and_end(theirs, body, answer, close)
    os.close(theirs)
    try:
        told = _read_frame(ours)
    finally:
        os.close(ours)
    if told is not None:
        os.kill(pid, signal.SIGKILL)  # it has nothing more to do
    _, status = os.waitpid(pid, 0)
    return told if told is not None else frame(Fell(os.waitstatus_to_exitcode(status)))


def _answer_and_end(theirs: int, body: bytes, answer: Answer, close: Callable[[], None]) -> NoReturn:
    """What runs in the fork. It ends here whatever happens: the code above it belongs to the one that waits."""
    try:
        close()
        told = memoryview(frame(answer(body)))
        while told:
            told = told[os.write(theirs, told) :]
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - its class only: a message may quote what a stranger sent
        sys.stderr.write(f"{type(error).__name__}\n")
        sys.stderr.flush()
        os._exit(1)


def _read_frame(source: int) -> bytes | None:
    """One whole frame, unread; None where the fork ended or talked nonsense before."""
    data = bytearray()
    while chunk := os.read(source, _CHUNK_BYTES):
        data += chunk
        if len(data) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(data)
            if length > MAX_FRAME_BYTES or len(data) > LENGTH.size + length:
                return None
            if len(data) == LENGTH.size + length:
                return bytes(data)
    return None
