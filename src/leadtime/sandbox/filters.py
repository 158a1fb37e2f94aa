"""The system calls a program may make, as BPF for bubblewrap's ``--add-seccomp-fd``.

An allow-list would break compilers and sanitizers with every release; this is a list of what no build and no test
run needs, on top of namespaces and dropped capabilities. A name the library does not know is not a call here either.
"""

from __future__ import annotations

import errno
import functools
import importlib
import os
from enum import Enum
from types import ModuleType
from typing import Any

from leadtime.foundation.errors import Unavailable

LIBRARY = "pyseccomp"
FILTER_BYTES_MAX = 64 * 1024

KERNEL_SURFACE = """
    acct add_key bpf clock_adjtime clock_settime create_module delete_module fanotify_init fanotify_mark finit_module
    get_kernel_syms init_module io_pgetevents io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
    kexec_file_load kexec_load keyctl lookup_dcookie mbind migrate_pages move_pages msgctl msgget msgrcv msgsnd
    name_to_handle_at nfsservctl open_by_handle_at perf_event_open quotactl quotactl_fd reboot request_key semctl semget
    semop semtimedop setdomainname sethostname settimeofday shmat shmctl shmdt shmget swapoff swapon sysfs syslog uselib
    userfaultfd ustat vhangup vm86 vm86old vmsplice
"""
"""Refused to everything in the box. System V IPC is here because its memory outlives and outhides its process."""

OTHER_PEOPLE = """
    chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pidfd_getfd pivot_root
    process_madvise process_vm_readv process_vm_writev ptrace setns umount umount2 unshare
"""
"""Refused to the program, but needed by the observer and by the second bubblewrap."""

INT_MASK = 0xFFFFFFFF
"""The kernel reads an ``int`` argument's low half only; comparing all 64 bits would let the high half hide it."""

SOCKET_FAMILY_LAST = 10
SOCKET_FAMILIES_REFUSED = (0, 3, 4, 5, 6, 7, 8, 9)
"""AF_UNIX, AF_INET and AF_INET6 remain: the network namespace is empty, they only spare programs an odd error."""

NAMESPACE_FLAGS = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
"""CLONE_NEW of time, mount, cgroup, uts, ipc, user, pid and network namespaces."""

TERMINAL_INJECTIONS = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX type into a terminal as if a person had."""

ADDR_NO_RANDOMIZE_BIT = 18
QUESTION_BIT = 31
"""``personality(0xFFFFFFFF)`` asks what is set; sanitizers ask, and then may switch randomisation off."""


UNTRACED_FLAG = 0x800000
"""CLONE_UNTRACED: a child that its parent's tracer does not follow."""

NEW_LISTENER_FLAG = 8
"""SECCOMP_FILTER_FLAG_NEW_LISTENER: the program's own supervisor would let calls go on that our filter marks."""

NETWORK_CALLS = ("connect", "bind", "listen", "sendmsg", "sendmmsg")
NETWORK_FAMILIES = (2, 10)
"""AF_INET and AF_INET6, of which a socket alone is worth a note."""


class Layer(Enum):
    """Whom a filter is for."""

    OBSERVER = "observer"
    PROGRAM = "program"
    WATCHED = "watched"
    """A program that an observer traces: without one, the calls that it is to see fail as if they did not exist."""


@functools.cache
def compile_filter(layer: Layer) -> bytes:
    """Return the BPF program for ``layer``.

    Raises:
        Unavailable: libseccomp or its Python binding is missing; nothing is run without a filter.
    """
    library = _load_library()
    rules = library.SyscallFilter(library.ALLOW)
    _refuse(library, rules, KERNEL_SURFACE)
    for request in TERMINAL_INJECTIONS:
        _refuse_where(library, rules, "ioctl", argument=1, mask=INT_MASK, value=request)
    if layer is not Layer.OBSERVER:
        _refuse(library, rules, OTHER_PEOPLE)
        _refuse_namespaces(library, rules)
        _refuse_odd_sockets(library, rules)
        _refuse_odd_personalities(library, rules)
        _refuse_where(library, rules, "clone", argument=0, mask=UNTRACED_FLAG, value=UNTRACED_FLAG)
        _refuse_where(library, rules, "seccomp", argument=1, mask=NEW_LISTENER_FLAG, value=NEW_LISTENER_FLAG)
    if layer is Layer.WATCHED:
        _mark_network(library, rules)
    return _export(rules)


def _mark_network(library: ModuleType, rules: Any) -> None:
    """Have the observer stopped at what tries the network, and only there."""
    mark = library.TRACE(0)
    for name in NETWORK_CALLS:
        rules.add_rule(mark, name)
    # Without an address of its own it only goes on with what was connected before.
    rules.add_rule(mark, "sendto", library.Arg(4, library.NE, 0))
    for family in NETWORK_FAMILIES:
        rules.add_rule(mark, "socket", library.Arg(0, library.MASKED_EQ, INT_MASK, family))


def _load_library() -> ModuleType:
    # The binding loads libseccomp while it is imported; a machine without it must still be able to ask the doctor.
    try:
        return importlib.import_module(LIBRARY)
    except (ImportError, OSError, RuntimeError) as failure:
        raise Unavailable(
            "libseccomp is missing, and nothing hostile runs without a system-call filter",
            where="sandbox",
            next_step="Install libseccomp2.",
        ) from failure


def _refuse(library: ModuleType, rules: Any, names: str) -> None:
    for name in names.split():
        if library.resolve_syscall(library.Arch.NATIVE, name) >= 0:
            rules.add_rule(library.ERRNO(errno.EPERM), name)


def _refuse_where(
    library: ModuleType, rules: Any, name: str, *, argument: int, mask: int, value: int, error: int = errno.EPERM
) -> None:
    rules.add_rule(library.ERRNO(error), name, library.Arg(argument, library.MASKED_EQ, mask, value))


def _refuse_namespaces(library: ModuleType, rules: Any) -> None:
    # A filter cannot read clone3's flags, which lie behind a pointer; every libc falls back to clone.
    rules.add_rule(library.ERRNO(errno.ENOSYS), "clone3")
    for flag in NAMESPACE_FLAGS:
        _refuse_where(library, rules, "clone", argument=0, mask=flag, value=flag)


def _refuse_odd_sockets(library: ModuleType, rules: Any) -> None:
    for call in ("socket", "socketpair"):
        rules.add_rule(library.ERRNO(errno.EAFNOSUPPORT), call, library.Arg(0, library.GT, SOCKET_FAMILY_LAST))
        for family in SOCKET_FAMILIES_REFUSED:
            _refuse_where(library, rules, call, argument=0, mask=INT_MASK, value=family, error=errno.EAFNOSUPPORT)


def _refuse_odd_personalities(library: ModuleType, rules: Any) -> None:
    question = 1 << QUESTION_BIT
    for bit in range(QUESTION_BIT):
        # Without the question's bit only ADDR_NO_RANDOMIZE may be set; with it, all bits must be.
        if bit != ADDR_NO_RANDOMIZE_BIT:
            _refuse_where(library, rules, "personality", argument=0, mask=question | (1 << bit), value=1 << bit)
        _refuse_where(library, rules, "personality", argument=0, mask=question | (1 << bit), value=question)


def _export(rules: Any) -> bytes:
    descriptor = os.memfd_create("filter")
    with os.fdopen(descriptor, "w+b") as stream:
        rules.export_bpf(stream)
        return os.pread(descriptor, FILTER_BYTES_MAX, 0)
