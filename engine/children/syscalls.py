"""Numbers of system calls that a closed child has no use for, by machine (linux/arch/*/entry/syscalls, unistd.h)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`audit` is the machine's AUDIT_ARCH. `signals` take a process id as their first argument."""

    audit: int
    seccomp: int
    clone: int
    clone3: int
    sockets: frozenset[int]
    programs: frozenset[int]
    signals: frozenset[int]
    always: frozenset[int]


_NEWER = frozenset({424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 438, 440, 442})
"""One number everywhere: pidfd_send_signal, io_uring_setup/enter/register (which would open sockets past a filter),
open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, pidfd_open, pidfd_getfd, process_madvise, mount_setattr."""

_X86_64 = Machine(
    audit=0xC000003E,
    seccomp=317,
    clone=56,
    clone3=435,
    sockets=frozenset({41}),
    programs=frozenset({59, 322, 57, 58}),  # execve, execveat, fork, vfork
    signals=frozenset({62, 200, 234, 129, 297}),  # kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
    always=_NEWER
    | {
        *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
        *(321, 298, 323),  # bpf, perf_event_open, userfaultfd
        *(248, 249, 250),  # add_key, request_key, keyctl
        *(165, 166, 155, 161, 272, 308),  # mount, umount2, pivot_root, chroot, unshare, setns
        *(246, 320, 175, 313, 176, 169, 167, 168),  # kexec, modules, reboot, swap
        *(303, 304, 29, 68, 64, 240),  # name_to_handle_at, open_by_handle_at, shmget, msgget, semget, mq_open
    },
)

_AARCH64 = Machine(
    audit=0xC00000B7,
    seccomp=277,
    clone=220,
    clone3=435,
    sockets=frozenset({198}),
    programs=frozenset({221, 281}),
    signals=frozenset({129, 130, 131, 138, 240}),
    always=_NEWER
    | {
        *(117, 270, 271, 272),
        *(280, 241, 282),
        *(217, 218, 219),
        *(40, 39, 41, 51, 97, 268),
        *(104, 294, 105, 273, 106, 142, 224, 225),
        *(264, 265, 194, 186, 190, 180),
    },
)

OF_MACHINE = {"x86_64": _X86_64, "aarch64": _AARCH64}
