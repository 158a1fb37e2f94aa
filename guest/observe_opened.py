"""Tells what a program was made of from what its threads open: data to one who reads it may be code to another."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

import observe_build
from observe_acts import ARGUMENTS, CALL, FIRST_ERROR, OPENS, RAX, where_leads
from observe_memory import Memory
from observe_stack import BOX, Interpreters, is_own_place
from observe_thread import own_thread_number

GIVEN = "/box/input/"
_IMPORTERS = ("<frozen importlib", "<frozen zipimport")
_IS_NEW = (os.O_CREAT | os.O_EXCL, os.O_TMPFILE)
"""What a file is opened with that held nothing before."""


class Opening(NamedTuple):
    """A file that a thread has just opened and that its finder may have put there; ``link`` leads to it.

    ``is_given``: the input, or what the kernel tells of processes.
    """

    link: str
    is_given: bool


def opening(tid: int, registers: tuple[int, ...]) -> Opening | None:
    """Return what a thread has opened to read what others wrote; None for directories and for what is nobody's else."""
    number = registers[CALL]
    if number not in OPENS or registers[RAX] >= FIRST_ERROR or _only_writes(registers):
        return None
    place = OPENS[number]
    path, _ = where_leads(tid, registers[ARGUMENTS[0]] if place else None, registers[ARGUMENTS[place]])
    link = f"/proc/{tid}/fd/{registers[RAX]}"
    try:
        about, kernels = os.stat(link), os.stat(f"/proc/{tid}/root/proc")
    except OSError:
        return Opening(link, is_given=False)
    is_there = _is_same(about, path)
    if stat.S_ISDIR(about.st_mode) or (is_there and (is_own_place(path) or path in observe_build.HARMLESS_DEVICES)):
        return None
    return Opening(link, is_given=about.st_dev == kernels.st_dev or (is_there and path.startswith(GIVEN)))


def is_read(tid: int, interpreters: Interpreters) -> bool:
    """Tell whether a program's own code opens a file, and not its interpreter, to begin or to import."""
    try:
        memory = Memory(tid)
        try:
            files = interpreters.codes.files_of(interpreters.frames(memory, own_thread_number(tid)))
        finally:
            memory.close()
    except (OSError, ValueError):
        return False
    return next((file.startswith(BOX) for file in files if file.startswith((BOX, *_IMPORTERS))), False)


def _is_same(about: os.stat_result, path: str) -> bool:
    """Tell whether a name still leads to the file that the kernel opened by it."""
    try:
        return os.path.samestat(about, os.stat(path))
    except (OSError, ValueError):
        return False


def _only_writes(registers: tuple[int, ...]) -> bool:
    """Tell whether a file was opened that was new, or not to be read."""
    number = registers[CALL]
    if number not in (observe_build.OPEN, observe_build.OPENAT):
        return number == observe_build.CREAT
    flags = registers[ARGUMENTS[OPENS[number] + 1]]
    return flags & os.O_ACCMODE == os.O_WRONLY or any(flags & new == new for new in _IS_NEW)
