"""The child's end: what runs first in a child process, and how it talks to the engine."""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import math
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import msgspec

from engine.children.forks import answer_in_forks
from engine.children.sandbox import close_files, close_system
from engine.children.wire import LENGTH, Limits, Sandbox, frame, message_in

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38


class Link:
    """The child's end: blocking; any thread may send. Ends the process when the engine hung up."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._incoming = connection.makefile("rb")
        self._sending = threading.Lock()

    def receive(self, kind: Any) -> Any:
        """The next message, of type or union `kind`. Raises SystemExit when the engine hung up."""
        return message_in(self.receive_body(), kind)

    def receive_body(self) -> bytes:
        """The body of the next frame, whatever it says. Raises SystemExit when the engine hung up."""
        (length,) = LENGTH.unpack(self._read(LENGTH.size))
        return self._read(length)

    def send(self, message: msgspec.Struct) -> None:
        """Raises SystemExit when the engine hung up."""
        self.send_bytes(frame(message))

    def send_bytes(self, data: bytes) -> None:
        """Whole frames. Raises SystemExit when the engine hung up."""
        try:
            with self._sending:
                self._connection.sendall(data)
        except OSError:
            raise SystemExit(0) from None

    def close(self) -> None:
        """Let go of this process's end; nobody notices while another process holds it too."""
        self._incoming.close()
        self._connection.close()

    def _read(self, count: int) -> bytes:
        data = self._incoming.read(count)
        if len(data) < count:
            raise SystemExit(0)
        return data


def error_place(error: BaseException) -> str:
    """Type and innermost line of an exception, without its message: that may quote a prompt."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f'File "{frames[-1].filename}", line {frames[-1].lineno} in {frames[-1].name}' if frames else ""
    return f"{type(error).__name__}: {where}"


def enter() -> None:
    """The first thing that runs in a child. Arguments: socket, the engine's process id, module, limits, sandbox, forks."""
    descriptor, parent, module, limits, granted, forks = sys.argv[1:]
    _die_with(parent=int(parent))
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    link = Link(socket.socket(fileno=int(descriptor)))
    sandbox = msgspec.json.decode(granted, type=Sandbox | None)
    try:
        if sandbox is not None:
            close_files(sandbox)
        story = importlib.import_module(module)

        def close() -> None:
            _restrict(msgspec.json.decode(limits, type=Limits))
            if sandbox is not None:
                close_system(sandbox)

        if msgspec.json.decode(forks, type=bool):
            if sandbox is not None:  # it may fork, and nothing else that its forks may not
                close_system(msgspec.structs.replace(sandbox, programs=True))
            answer_in_forks(link, story.answer, close=_in_the_fork(close))
        close()
        story.main(link)
    except Exception as error:  # noqa: BLE001 - the last line of the process: its place, not its words
        sys.stderr.write(f"{error_place(error)}\n")
        sys.exit(1)


def _in_the_fork(close: Callable[[], None]) -> Callable[[], None]:
    """What the kernel was asked for does not outlive a fork: ask again."""
    waiting = os.getpid()

    def close_fork() -> None:
        _die_with(parent=waiting)
        close()

    return close_fork


def _die_with(*, parent: int) -> None:
    """Have the kernel kill us when the engine dies; leave at once if it died before we could ask."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _restrict(limits: Limits) -> None:
    cpu = None if limits.cpu_seconds is None else math.ceil(time.process_time()) + limits.cpu_seconds
    for what, value in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, limits.address_space_bytes),
        (resource.RLIMIT_FSIZE, limits.file_size_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
    ):
        if value is not None:
            granted = resource.getrlimit(what)[1]
            least = value if granted == resource.RLIM_INFINITY else min(value, granted)
            resource.setrlimit(what, (least, least))
