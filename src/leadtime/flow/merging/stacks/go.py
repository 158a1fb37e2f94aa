"""What Go prints of a panic, a fatal error of its runtime, or a race (runtime/traceback.go, runtime/race)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadtime.flow.merging.records import Frame
from leadtime.flow.merging.stacks.records import Stack

_PANIC = re.compile(r"(?:\t*panic|fatal error): (.*)")
_RUNTIME_ERROR = re.compile(r"(?:runtime error: )?([a-z][a-z-]*(?: [a-z][a-z-]*){0,7})")
_KNOWN = re.compile(
    r"runtime error: |all goroutines are asleep|concurrent map|stack overflow|makeslice|interface conversion: |close of"
    r"|send on closed|assignment to entry in nil map|out of memory|invalid memory|sync: "
)
"""How the runtime's own words for what went wrong begin; any other words are the program's."""
_RACE = re.compile(r"WARNING: DATA RACE$")
_RACE_ACCESS = re.compile(r"(Read|Write) at 0x")
_FUNCTION = re.compile(r"[\w./~%\-\[\]·*()]+")
_PLACE = re.compile(r"\s+(\S[^\t]*\.(?:go|s|c)):(\d{1,9})(?: \+0x[0-9a-f]+)?$")
_GENERIC = re.compile(r"\[[^\[\]]*\]")
_RUNTIME = re.compile(r"(?:runtime|runtime/[a-z]+|internal/[\w/]+|testing|sync|reflect)\.|panic$")


def read_go(lines: Sequence[str]) -> Stack:
    """Return what Go says of the first goroutine that it shows; of a race the access that it names first."""
    race = next((number for number, line in enumerate(lines) if _RACE.search(line)), None)
    if race is not None:
        access = next((found[1].upper() for line in lines[race:] if (found := _RACE_ACCESS.match(line))), "")
        return Stack("data-race", access, _frames(lines[race:]))
    for number, line in enumerate(lines):
        if found := _PANIC.match(line):
            frames = _frames(lines[number:])
            return Stack(_class_of(found[1]), "", frames) if frames or _KNOWN.match(found[1]) else Stack("", "", ())
    return Stack("", "", ())


def _class_of(words: str) -> str:
    match = _RUNTIME_ERROR.match(words)
    return match[1] if match and _KNOWN.match(words) else "panic"


def _frames(lines: Sequence[str]) -> tuple[Frame, ...]:
    """Return the frames of the first stack: pairs of lines, a call and where it is."""
    frames: list[Frame] = []
    function = ""
    has_begun = False
    for line in lines:
        if has_begun and not line.strip():
            break
        place = _PLACE.match(line)
        if place and function:
            has_begun = True
            frames.append(Frame(function, place[1], int(place[2])))
            function = ""
        elif not place:
            called, arguments, _ = line.strip().rpartition("(")
            function = _plain(called) if arguments and line.endswith(")") and _FUNCTION.fullmatch(called) else ""
    return tuple(frame for frame in frames if not _RUNTIME.match(frame.function))


def _plain(function: str) -> str:
    """Return a function's name without the pointer of its receiver and its type arguments."""
    return _GENERIC.sub("", function).replace("(*", "").replace(")", "").replace("(", "")
