"""Supervised child processes: a fresh interpreter that may die, hang or lie without taking the engine along.

The parent starts a module by name (`Child.start`); `enter`, at the bottom, is what runs first in the child
and calls that module's `main(link)`. Between them is one socket that carries length-prefixed msgpack frames of
msgspec tagged unions: photos are bytes, and JSON would make them a third larger.

What every child has: its own session and process group, SIGKILL when the engine dies, an environment without
paths and secrets, no descriptor but its socket, no way to new privileges, no core dumps (they would hold
photos), one BLAS thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import importlib
import math
import os
import re
import resource
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from engine import logs
from engine.errors import ConfigError

MAX_FRAME_BYTES = 64 * 2**20
"""Three times the largest photo: a child that names a larger frame is broken or hostile."""

_LENGTH = struct.Struct(">I")

_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}

_CRASH_PLACE = re.compile(rb'(?:\w+: )?File "[^"\n]+", line \d+ in \w+')
"""A line of faulthandler's report, or of `error_place`: code only, no values."""

_STDERR_TAIL_BYTES = 16_384

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0

_DYING_SECONDS = 3.0
"""How long a child whose socket is closed may take to end, so that its own exit code is seen."""

log = logs.get(__name__)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel grants a child once its module is imported; None leaves what the engine has.

    `cpu_seconds` are counted from there, rounded up to whole seconds.
    """

    cpu_seconds: int | None = None
    address_space_bytes: int | None = None
    file_size_bytes: int | None = None
    open_files: int | None = None


class ChildGone(Exception):
    """The child ended or broke the protocol. `exit_code` is negative for a signal, None when unknown."""

    def __init__(self, name: str, exit_code: int | None) -> None:
        super().__init__(f"the {name} child is gone, exit code {exit_code}")
        self.exit_code = exit_code


class Child:
    """The engine's end. One task at a time may `receive`; after a cancelled or timed-out one, only `kill`."""

    def __init__(
        self,
        *,
        name: str,
        process: asyncio.subprocess.Process,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.name = name
        self._process = process
        self._reader, self._writer = streams
        self._killed = False
        self._watch = asyncio.create_task(self._watch_stderr())

    @classmethod
    async def start(
        cls,
        module: str,
        *,
        name: str,
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        isolated: bool = False,
    ) -> Child:
        """Start `module`; it must have `main(link: Link) -> None`. Raises OSError when there is no room for it.

        `isolated` is `python -I`: nothing but the installed packages can be imported. `environment` is what
        the child sees beside the thread pins; never put a secret there.
        """
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    *(["-I"] if isolated else []),
                    "-c",
                    "from engine.children import enter; enter()",
                ),
                *(
                    str(theirs.fileno()),
                    str(os.getpid()),
                    module,
                    msgspec.json.encode(limits or Limits()).decode(),
                ),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={**_ENVIRONMENT, **(environment or {})},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return cls(name=name, process=process, streams=await asyncio.open_connection(sock=ours, limit=2**20))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._reader.at_eof()

    @property
    def resident_bytes(self) -> int:
        """Memory that the child holds; 0 when it is gone."""
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_bytes().split()[1])
            return pages * resource.getpagesize()
        return 0

    async def send(self, message: msgspec.Struct) -> None:
        """Raises ChildGone."""
        try:
            self._writer.write(_frame(message))
            await self._writer.drain()
        except OSError as error:
            raise await self._gone() from error

    async def receive(self, kind: Any) -> Any:
        """The next message, of type or union `kind`. Raises ChildGone when none can come, or it is another."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > MAX_FRAME_BYTES:
                raise await self._gone()
            return _decode(await self._reader.readexactly(length), kind)
        except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError) as error:
            raise await self._gone() from error

    async def ask(self, question: msgspec.Struct | None, kind: Any, *, seconds: float) -> Any:
        """Send a question, if there is one, and wait for the answer. Raises ChildGone or TimeoutError.

        Without an answer, also when the waiting is cancelled, the child is killed: a late one would be taken
        for the answer to the next question.
        """
        try:
            async with asyncio.timeout(seconds):
                if question is not None:
                    await self.send(question)
                return await self.receive(kind)
        except BaseException:
            await self.kill()
            raise

    async def close(self, *, grace_seconds: float = 2.0) -> None:
        """Hang up, which asks the child to end; kill what has not ended after the grace."""
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._process.wait()
        await self.kill()

    async def ended(self) -> None:
        """Return when the process has ended, however it did."""
        await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL to the whole group; returns when the child is reaped. Harmless when it is gone already."""
        if self._process.returncode is None:
            self._killed = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._writer.close()
        await asyncio.shield(self._watch)  # ends after the process is reaped

    async def _gone(self) -> ChildGone:
        """Whoever closes its end or breaks the protocol is ended, if it has not ended by itself."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DYING_SECONDS):
                await self._process.wait()
        await self.kill()
        return ChildGone(self.name, self._process.returncode)

    async def _watch_stderr(self) -> None:
        """Log that the child wrote to stderr and where it crashed, never its words: they may quote a prompt."""
        assert self._process.stderr is not None
        written, tail = 0, b""
        while chunk := await self._process.stderr.read(_STDERR_TAIL_BYTES):
            written += len(chunk)
            tail = (tail + chunk)[-_STDERR_TAIL_BYTES:]
        exit_code = await self._process.wait()
        if (exit_code != 0 and not self._killed) or written:
            places = [place.decode(errors="replace") for place in _CRASH_PLACE.findall(tail)][:8]
            log.warning(
                "child ended", child=self.name, exit_code=exit_code, stderr_bytes=written, crashed_at=places
            )


class Kept:
    """A child that is started again whenever it ends, after growing pauses while it cannot start.

    `start` returns a child that is warm. What it may raise for a child that is not: ChildGone, TimeoutError,
    OSError, or ConfigError, whose message tells the operator what to change.
    """

    def __init__(self, start: Callable[[], Awaitable[Child]], *, name: str) -> None:
        self._start = start
        self._name = name
        self._child: Child | None = None
        self._warm = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._keeping is not None
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        if self._child is not None:
            await self._child.close()

    @property
    def ready(self) -> bool:
        return self._child is not None and self._child.alive

    async def warm_child(self) -> Child:
        """Wait for a child that is up and warm; forever, while it cannot start."""
        while True:
            await self._warm.wait()
            if self._child is not None and self._child.alive:
                return self._child
            self._warm.clear()

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                self._child = await self._start()
            except (ChildGone, TimeoutError, OSError, ConfigError) as error:
                reason = str(error) if isinstance(error, ConfigError) else type(error).__name__
                # no traceback: a failed start repeats, and its reason says all that is known
                log.error("child did not start", child=self._name, reason=reason, again_in_seconds=pause)  # noqa: TRY400
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._warm.set()
                await self._child.ended()
                self._warm.clear()
                pause = _FIRST_PAUSE_SECONDS


class Link:
    """The child's end: blocking; any thread may send. Ends the process when the engine hung up."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._incoming = connection.makefile("rb")
        self._sending = threading.Lock()

    def receive(self, kind: Any) -> Any:
        """The next message, of type or union `kind`. Raises SystemExit when the engine hung up."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        return _decode(self._read(length), kind)

    def send(self, message: msgspec.Struct) -> None:
        """Raises SystemExit when the engine hung up."""
        try:
            with self._sending:
                self._connection.sendall(_frame(message))
        except OSError:
            raise SystemExit(0) from None

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
    """The first thing that runs in a child. Arguments: socket, the engine's process id, module, limits."""
    descriptor, parent, module, limits = sys.argv[1:]
    _die_with(parent=int(parent))
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    link = Link(socket.socket(fileno=int(descriptor)))
    try:
        main = importlib.import_module(module).main
        _restrict(msgspec.json.decode(limits, type=Limits))
        main(link)
    except Exception as error:  # noqa: BLE001 - the last line of the process: its place, not its words
        sys.stderr.write(f"{error_place(error)}\n")
        sys.exit(1)


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
            resource.setrlimit(what, (value, value))


def _frame(message: msgspec.Struct) -> bytes:
    body = msgspec.msgpack.encode(message, enc_hook=_plain)
    return _LENGTH.pack(len(body)) + body


def _decode(body: bytes, kind: Any) -> Any:
    return msgspec.msgpack.decode(body, type=kind, dec_hook=_rich)


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} does not cross a process border")


def _rich(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} does not cross a process border")
