"""What Python prints of an uncaught exception (traceback), Atheris of a finding, faulthandler of a signal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from leadtime.flow.merging.records import Frame
from leadtime.flow.merging.stacks.records import Stack

_FRAME = re.compile(r'\s*File "([^"]*)", line (\d{1,9})(?:, | )in (.*)')
_EXCEPTION = re.compile(r"([A-Za-z_][\w.<>]{0,200})(?::.*)?$")
_FATAL = re.compile(r"Fatal Python error: ([A-Za-z][\w ]{0,100})")
_GROUP_MARGIN = re.compile(r"\s*[|+] ?")
_HEAD = "Traceback (most recent call last)"
_FOUND = "Uncaught Python exception"
_LINKS = ("During handling of the above exception", "The above exception was the direct cause")
SIGNALS = {
    "Segmentation fault": "SEGV",
    "Aborted": "ABRT",
    "Bus error": "BUS",
    "Floating point exception": "FPE",
    "Illegal instruction": "ILL",
}
"""What faulthandler calls a signal, as sanitizers do."""


@dataclass(slots=True)
class _Block:
    """One traceback; ``crash_class`` stands below it, or above it where a fuzzer says what it found."""

    crash_class: str
    frames: list[Frame] = field(default_factory=list)


def read_python(lines: Sequence[str]) -> Stack:
    """Return the exception that the first chain of tracebacks ends with, innermost call first."""
    fatal = next((found[1].strip() for line in lines if (found := _FATAL.match(line))), "")
    blocks = _blocks(lines)
    if blocks:
        return Stack(blocks[-1].crash_class, "", tuple(reversed(blocks[-1].frames)))
    crash_class = SIGNALS.get(fatal, fatal.lower())
    return Stack(crash_class, "", _dumped(lines))


def _blocks(lines: Sequence[str]) -> list[_Block]:
    """Return the tracebacks of the first chain: each next one was raised while, or because, the last one was."""
    found: list[_Block] = []
    is_open = is_linked = False
    announced = ""
    for number, full in enumerate(lines):
        margin = _GROUP_MARGIN.match(full)
        line = full[margin.end() :] if margin else full
        if _HEAD in line:
            if found and not is_linked:
                break
            found.append(_Block(announced))
            is_open, is_linked = True, False
        elif is_open and (frame := _FRAME.match(line)):
            found[-1].frames.append(Frame(frame[3].strip(), frame[1], int(frame[2])))
        elif is_open and not line[:1].isspace():
            named = _EXCEPTION.match(line)
            found[-1].crash_class = named[1] if named else found[-1].crash_class
            is_open = False
        elif line.startswith(_LINKS):
            is_linked = True
        elif _FOUND in line and number + 1 < len(lines) and (named := _EXCEPTION.match(lines[number + 1])):
            announced = named[1]
    return found


def _dumped(lines: Sequence[str]) -> tuple[Frame, ...]:
    """Return the frames of the first thread that is dumped, or of a traceback that lost its head."""
    frames: list[Frame] = []
    for line in lines:
        if frame := _FRAME.match(line):
            frames.append(Frame(frame[3].strip(), frame[1], int(frame[2])))
        elif frames and not line.strip():
            break
    is_recent_first = any("most recent call first" in line for line in lines)
    return tuple(frames if is_recent_first else reversed(frames))
