"""What an observer reads of one thread that stands still: frames, modules, and the signal that stopped it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FrameKind(StrEnum):
    """What a debugger calls a frame."""

    CALL = "call"
    INLINE = "inline"
    SIGNAL = "signal"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ScriptFrame:
    """The JavaScript that one frame of V8's interpreter runs, as read from its heap.

    ``file`` is the script's own word, ``line`` where the function begins. ``sources``: the digests of the files whose
    whole text is the script's, with a byte-order mark and without. ``is_built_in``: its text lies in Node's own file.
    """

    function: str
    file: str
    line: int | None
    sources: tuple[str, ...]
    is_built_in: bool


@dataclass(frozen=True, slots=True)
class NativeFrame:
    """One frame of machine code as the debugger read it.

    ``file`` is what the debug information says (absolute), ``module`` the mapped file that the code lies in (empty:
    none), ``is_write`` whether the access that faulted wrote (signal frames only), ``is_runtime`` whether the code is
    that of a sanitizer's runtime linked into the program, compared with the one installed. ``calls``: what the code at
    this place called directly, by the debugger's name; empty if it was through a pointer, or nothing. ``script``: what
    it runs, if it is a frame of V8's interpreter and that could be read.
    """

    kind: FrameKind
    pc: int
    function: str
    file: str
    line: int | None
    module: str
    is_write: bool = False
    is_runtime: bool = False
    calls: str = ""
    script: ScriptFrame | None = None


@dataclass(frozen=True, slots=True)
class PythonFrame:
    """One frame of Python as read from the interpreter's memory.

    ``is_entry``: the last one of one call of the evaluator. ``is_genuine``: its code is what its file compiles to.
    """

    function: str
    file: str
    line: int | None
    is_entry: bool
    is_genuine: bool


@dataclass(frozen=True, slots=True)
class Module:
    """A mapped file: its digest (empty for the system's own), and whether the code in memory is still that file's."""

    digest: str
    is_intact: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """One thread's stack, innermost first, with what its frames name."""

    native: tuple[NativeFrame, ...]
    python: tuple[PythonFrame, ...]
    modules: Mapping[str, Module]
    files: Mapping[str, str]
    """Path in the box -> digest of what lies there now; empty for what cannot be read."""


@dataclass(frozen=True, slots=True)
class RaisedException:
    """An exception that left the last frame of a program of Python, with the stacks of when it was raised.

    ``ending`` counts how often that happened before; several may be of one, where it cannot be told which it was.
    ``name`` is what its class says its name is, with its module; ``ancestors`` the classes built into the interpreter
    that it is or derives from, nearest first; ``doubts`` the observer's words for why it may not be what it seems;
    ``lowered`` the limits that were lower than the box's own, ``recursion_limit`` the interpreter's, in frames.
    """

    ending: int
    name: str
    ancestors: tuple[str, ...]
    doubts: tuple[str, ...]
    lowered: tuple[str, ...]
    recursion_limit: int
    stack: Stack


@dataclass(frozen=True, slots=True)
class Fault:
    """A signal as the kernel delivered it; ``code`` above zero: raised by the kernel, not sent by a process."""

    signal: int
    code: int
    pc: int
