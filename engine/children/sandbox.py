"""What a child may still reach once it looks at a stranger's bytes: the kernel's Landlock and seccomp, set from inside.

Both need no privilege, no other program and no user namespace, so they hold in a container too (decision 0015).
Files are closed before anything of ours is imported, while there is one thread; the system calls after it, on every
thread. Neither can be taken back.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.children.syscalls import OF_MACHINE, Machine
from engine.children.wire import Sandbox

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3  # linux/landlock.h
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_ALL_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 0b11  # bind, connect
_OUTSIDE = 0b11  # abstract sockets and signals of processes outside

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every machine
_ASK_VERSION, _PATH_BENEATH = 1, 1
_NET_SINCE, _SCOPES_SINCE = 4, 6

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_CLONE_THREAD = 0x10000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # struct seccomp_data, little endian
_X32 = 0x40000000
_MOST_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)

SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts"),
    *(
        "/dev/null",
        "/dev/zero",
        "/dev/urandom",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/sys/devices",
        "/sys/bus/pci",
    ),
)
"""What an interpreter and its libraries read. None of it is about a person or a secret."""


class Support(NamedTuple):
    """What this kernel offers. `landlock` is its version, 0 for none."""

    landlock: int
    seccomp: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """In words for an operator; empty where everything holds."""
        lacks = []
        if not self.landlock:
            lacks.append("Landlock (Linux 5.13): children can read files")
        elif self.landlock < _SCOPES_SINCE:
            lacks.append("Landlock's scopes (Linux 6.12): the system call filter alone keeps signals inside")
        if not self.seccomp:
            lacks.append("a system call filter for this machine: children can open sockets")
        return tuple(lacks)


def support() -> Support:
    """Ask the kernel; changes nothing."""
    version = _libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    filters = Path("/proc/sys/kernel/seccomp/actions_avail")
    return Support(landlock=max(0, version), seccomp=platform.machine() in OF_MACHINE and filters.exists())


def everything_but(hidden: Path) -> Iterator[Path]:
    """Paths that hold all there is now except `hidden`: what lies beside it, and beside each folder above it.

    A link is not followed: it may lead into what is hidden, and what it leads to is granted where it lies.
    """
    inner = hidden.resolve()
    for folder in inner.parents:
        with contextlib.suppress(OSError):  # who may not list it cannot grant it
            yield from (path for path in folder.iterdir() if path != inner and not path.is_symlink())
        inner = folder


def close_files(sandbox: Sandbox) -> None:
    """From here on nothing can be opened but code, and what `sandbox` names; and there are no privileges any more.

    Call it while there is one thread: threads that are there already keep what they have.
    """
    _drop_capabilities()
    version = support().landlock
    if not version:
        return
    handled = _ALL_FILE_RIGHTS[min(version, max(_ALL_FILE_RIGHTS))]
    net = 0 if sandbox.network else _TCP
    attributes = struct.pack("QQQ", handled, net, _OUTSIDE)
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _NET_SINCE else 8
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, attributes, size, 0))
    for path in (*_code(), *sandbox.read):
        _grant(ruleset, path, _READ & handled)
    _grant(ruleset, "/dev/null", (_READ_FILE | _WRITE_FILE | _TRUNCATE) & handled)
    for path in (*sandbox.write, *filter(None, [sandbox.temporary])):
        _grant(ruleset, path, handled)
    _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def close_system(sandbox: Sandbox) -> None:
    """No sockets, no other programs or processes, no look into them: on every thread of this process."""
    machine = OF_MACHINE.get(platform.machine())
    if machine is None:
        return
    code = b"".join(_filter(machine, sandbox, own=os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    _checked(_libc.syscall(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, program))


def _code() -> Iterator[str]:
    """The interpreter, the installed packages and this one; not the folder that it lies in, which may hold data."""
    yield from SYSTEM
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix}
    yield from sys.modules["engine"].__path__


def _grant(ruleset: int, path: str | Path, rights: int) -> None:
    """A path that is not there grants nothing."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112  # of what was opened, whatever kind of path it is
            rights &= _OF_A_FILE
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)


def _filter(machine: Machine, sandbox: Sandbox, *, own: int) -> Iterator[bytes]:
    """A program of classic BPF. What is not named is allowed: libraries need more than anybody can list."""
    deny = _ERRNO | errno.EPERM
    yield from _steps((_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, deny))
    yield from _steps((_LOAD, 0, 0, _NUMBER_AT))
    yield from _steps((_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, deny))
    denied = set(machine.always)
    if not sandbox.network:
        denied |= machine.sockets
    if not sandbox.programs:
        denied |= machine.programs
        yield from _steps((_EQUAL, 0, 1, machine.clone3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS))
        yield from _only_if(machine.clone, (_ANY_BIT, 0, 1, _CLONE_THREAD), deny)
        for signal in sorted(machine.signals):
            yield from _only_if(signal, (_EQUAL, 0, 1, own), deny)
    for number in sorted(denied):
        yield from _steps((_EQUAL, 0, 1, number), (_RETURN, 0, 0, deny))
    yield from _steps((_RETURN, 0, 0, _ALLOW))


def _only_if(number: int, test: tuple[int, int, int, int], otherwise: int) -> Iterator[bytes]:
    """This call is allowed where `test` holds for its first argument."""
    yield from _steps(
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        test,
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, otherwise),
    )


def _steps(*steps: tuple[int, int, int, int]) -> Iterator[bytes]:
    """`struct sock_filter`: operation, how far to jump where it holds and where not, operand."""
    return (struct.pack("HBBI", *step) for step in steps)


def _drop_capabilities() -> None:
    """Root without them owns its files and nothing else. Harmless for everybody else."""
    for capability in range(_MOST_CAPABILITIES):
        _libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; an error for what this kernel does not have
    header, none = struct.pack("Ii", 0x20080522, 0), bytes(24)  # _LINUX_CAPABILITY_VERSION_3
    _checked(_libc.capset(header, none))


def _checked(result: int) -> int:
    """Raises OSError: a child that cannot be closed is not used."""
    if result < 0:
        raise OSError(ctypes.get_errno(), "the kernel did not take a restriction")
    return result
