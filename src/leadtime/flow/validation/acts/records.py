"""What an observer notes of a program's acts and of its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leadtime.flow.validation.stacks.records import Stack


class ActKind(StrEnum):
    """What no harmless input should bring about."""

    READ = "secret-read"
    WRITE = "file-write"
    START = "process-start"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Act:
    """One act, which the kernel let happen or was about to refuse.

    ``what``: the file, the program or the address, as it was read. ``program``: whose process it was. ``stack`` is that
    of who asked for it. Where this started a process that shares its memory, ``then`` is what that process had become
    when it went on to another program.
    """

    kind: ActKind
    what: str
    program: str
    stack: Stack
    then: Stack | None = None


@dataclass(frozen=True, slots=True)
class ProgramEnd:
    """A process that ended itself, with its exit code as the kernel took it.

    ``lowered``: limits that were lower than the box's own. ``opened``: of an interpreter, the digests of what it was
    started to run and of what it opened in the box, empty for what could not be told; None for any other program.
    """

    code: int
    program: str
    lowered: tuple[str, ...]
    opened: tuple[str, ...] | None
    stack: Stack


@dataclass(frozen=True, slots=True)
class ExitCodes:
    """By which exit codes a recipe says that its program ends: with the flaw, and without."""

    vulnerable: tuple[int, ...]
    fixed: tuple[int, ...]
