"""The engine's end of a child process: start it, talk to it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine import logs
from engine.children.wire import LENGTH, MAX_FRAME_BYTES, Limits, Sandbox, frame, message_in

_ENTER = "from engine.children.inside import enter; enter()"
_ISOLATED = ("-I",)

_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime would tell its maker about itself
}

_CRASH_PLACE = re.compile(rb'(?:\w+: )?File "[^"\n]+", line \d+ in \w+')
"""A line of faulthandler's report, or of `error_place`: code only, no values."""

_STDERR_TAIL_BYTES = 16_384

_DYING_SECONDS = 3.0
"""How long a child whose socket is closed may take to end, so that its own exit code is seen."""

_REAPING_SECONDS = 10.0

log = logs.get(__name__)


def _temporary(sandbox: Sandbox | None) -> dict[str, str]:
    return {"TMPDIR": sandbox.temporary} if sandbox is not None and sandbox.temporary else {}


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
        sandbox: Sandbox | None = None,
        isolated: bool = False,
        forks: bool = False,
    ) -> Child:
        """Start `module`; it must have `main(link: Link) -> None`. Raises OSError when there is no room for it.

        With `forks` it must have `answer` instead (`engine.children.forks`): `limits` and `sandbox` then hold for every
        fork, and the child says `Warm` first.

        `isolated` is `python -I`: nothing but the installed packages can be imported. `environment` is what
        the child sees beside the thread pins; never put a secret there. Without a `sandbox` it reaches what
        the engine reaches.
        """
        granted = [msgspec.json.encode(it).decode() for it in (limits or Limits(), sandbox, forks)]
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                streams = await asyncio.open_connection(sock=ours, limit=2**20)
            except BaseException:
                ours.close()
                raise
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, *_ISOLATED * isolated, "-c", _ENTER),
                    *(str(theirs.fileno()), str(os.getpid()), module, *granted),
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                    env={**_ENVIRONMENT, **_temporary(sandbox), **(environment or {})},
                )
            except BaseException:
                streams[1].close()
                raise
        return cls(name=name, process=process, streams=streams)

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
            self._writer.write(frame(message))
            await self._writer.drain()
        except OSError as error:
            raise await self._gone() from error

    async def receive(self, kind: Any) -> Any:
        """The next message, of type or union `kind`. Raises ChildGone when none can come, or it is another."""
        try:
            (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            if length > MAX_FRAME_BYTES:
                raise await self._gone()
            return message_in(await self._reader.readexactly(length), kind)
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
        """SIGKILL to the whole group, and reap. Harmless when the child is gone already.

        A process that is stuck in the kernel (a broken device driver) does not die: that is logged, and it
        stays unreaped, so that nothing is started on its device again.
        """
        if self._process.returncode is None:
            self._killed = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._writer.close()
        _, undead = await asyncio.wait([self._watch], timeout=_REAPING_SECONDS)
        if undead:
            log.critical("child cannot be killed", child=self.name, pid=self.pid)

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
