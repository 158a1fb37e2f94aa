"""Reads a crash report's text into its class and its subject's frames; one file for each family of tools.

Understands the sanitizers (Address, HWAddress, Undefined Behavior, Memory, Leak, Thread), libFuzzer and gdb, and what
Go, Rust, Java, Node and Python print of a panic or an exception. Pure, and linear in its input; text from outside is
cut at named bounds, never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from leadtime.flow.merging.stacks.go import read_go
from leadtime.flow.merging.stacks.java import read_java
from leadtime.flow.merging.stacks.names import is_runtime, plain_name
from leadtime.flow.merging.stacks.node import read_node
from leadtime.flow.merging.stacks.python import read_python
from leadtime.flow.merging.stacks.records import Stack
from leadtime.flow.merging.stacks.rust import read_rust
from leadtime.flow.merging.stacks.sanitizers import read_sanitizer

__all__ = ["FRAMES_MAX", "LINE_CHARS_MAX", "TEXT_CHARS_MAX", "Stack", "is_runtime", "parse_stack", "plain_name"]

TEXT_CHARS_MAX = 1 << 20
LINE_CHARS_MAX = 4096
FRAMES_MAX = 512

_CALLS = ("  at ", "\tat ", "\n at ")

FAMILIES: Mapping[Callable[[Sequence[str]], Stack], Sequence[str]] = {
    read_sanitizer: ("",),
    read_go: ("DATA RACE", "panic: ", "fatal error: "),
    read_rust: ("panicked at ", "overflowed its stack"),
    read_java: _CALLS,
    read_node: (*_CALLS, "heap out of memory"),
    read_python: ("Traceback ", "Fatal Python error: ", 'File "'),
}
"""Readers of one family each, which take a text's lines, and the words without any of which they find nothing in it.

Looking for those costs a hundredth of reading, and most texts are of one family.
"""

VAGUE = frozenset({"", "deadly-signal", "fuzz-target-exited", "ABRT"})
"""Classes that say only that a program ended itself; what a language says of that is more."""


def parse_stack(text: str) -> Stack:
    """Return the first stack of ``text`` without runtime frames; empty where the text names none."""
    told = text[:TEXT_CHARS_MAX]
    lines = [line[:LINE_CHARS_MAX] for line in told.splitlines()]
    found = [read(lines) for read, signs in FAMILIES.items() if any(sign in told for sign in signs)]
    plain = next((stack.crash_class for stack in found if stack.crash_class not in VAGUE), "")
    vague = next((stack.crash_class for stack in found if stack.crash_class), "")
    access = next((stack.access for stack in found if stack.access), "")
    frames = next((stack.frames for stack in found if stack.frames), ())[:FRAMES_MAX]
    return Stack(plain or vague, access, tuple(frame for frame in frames if not is_runtime(frame)))
