"""Moves a process into namespaces of its own, in which one run's places lie where every run has them.

``unshare(2)``, ``mount(2)``, ``capset(2)``. The caller needs no privileges, and has none afterwards.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence

NEW_USER, NEW_MOUNTS = 0x10000000, 0x20000
NO_SET_UID, NO_DEVICES, BIND, RECURSIVE = 2, 4, 4096, 16384
CAPABILITY_VERSION_3 = 0x20080522
TERMINALS = "/dev/pts"

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.capset.argtypes = [ctypes.c_char_p, ctypes.c_char_p]


def move_apart(memory_places: Iterable[Sequence[object]]) -> None:
    """Give the calling process, which has one thread, mounts of its own, and terminals of its own in them.

    ``memory_places``: where empty file systems in memory are to lie, and their sizes in bytes. Raises OSError if the
    kernel refuses.
    """
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(NEW_USER | NEW_MOUNTS), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:
            stream.write(text)
    for target, size_bytes in memory_places:
        _mount("tmpfs", str(target), "tmpfs", NO_SET_UID | NO_DEVICES, f"size={size_bytes},mode=1777")
    _mount("devpts", TERMINALS, "devpts", NO_SET_UID, "newinstance,ptmxmode=0666,mode=620")


def settle(places: Iterable[Sequence[str]]) -> None:
    """Show each directory where it is to lie, and give up the privileges that this took.

    ``places``: pairs of a directory and where. Raises OSError if the kernel refuses.
    """
    for source, target in places:
        _mount(source, target, "", BIND | RECURSIVE, "")
    _check(_libc.capset(struct.pack("<Ii", CAPABILITY_VERSION_3, 0), bytes(24)), "capset")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    texts = (os.fsencode(text) for text in (source, target, kind))
    _check(_libc.mount(*texts, flags, os.fsencode(options)), f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)
