"""What Node prints of an error that nothing caught (V8's stack traces), and of a heap that is full."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadtime.flow.merging.records import Frame
from leadtime.flow.merging.stacks.records import Stack

HEAD_LINES_MAX = 20
"""How far above its first call an error's name may stand: a message may have several lines."""

_HEAD = re.compile(r"(?:Uncaught |==\d{1,9}== Uncaught Exception: )?([A-Z]\w{0,100})(?: \[\w{1,100}\])?(?::|$)")
_CALL = re.compile(r"\s+at (?:(?:async|new) ){0,2}(?:([^()]{1,400}) \((.*)\)|(\S.*))$")
_PLACE = re.compile(r"(?:file://)?(\S.*):(\d{1,9}):\d{1,9}$")
_ALIAS = re.compile(r" \[as [^\]]{1,200}\]$")
_SCRIPT = re.compile(r"file://|.*\.[cm]?[jt]sx?:\d{1,9}:\d{1,9}$")
_FULL_HEAP = "JavaScript heap out of memory"
_RUNTIME = re.compile(r"node:|internal/|<anonymous>$|native$")


def read_node(lines: Sequence[str]) -> Stack:
    """Return the first error that calls follow, innermost first, without Node's own."""
    if any(_FULL_HEAP in line for line in lines):
        return Stack("out-of-memory", "", ())
    found: list[Frame] = []
    crash_class = ""
    for number, line in enumerate(lines):
        call = _CALL.match(line)
        if call is None:
            if found:
                break
            continue
        frame = _frame(call[1], call[2]) if call[1] else _nameless(call[3])
        if frame is not None:
            if not found:
                crash_class = _class_above(lines[max(0, number - HEAD_LINES_MAX) : number])
            found.append(frame)
    return Stack(crash_class, "", tuple(frame for frame in found if not _RUNTIME.match(frame.file or "")))


def _frame(function: str, place: str) -> Frame | None:
    """Return a call; None for what only looks like one of Node's."""
    name = _ALIAS.sub("", function)
    if place.startswith("eval at ") or place in ("<anonymous>", "native"):
        return Frame(name, "<anonymous>")
    found = _PLACE.match(place)
    return Frame(name, found[1], int(found[2])) if found else None


def _nameless(place: str) -> Frame | None:
    return _frame("<anonymous>", place) if _SCRIPT.match(place) else None


def _class_above(lines: Sequence[str]) -> str:
    return next((found[1] for line in reversed(lines) if (found := _HEAD.match(line))), "")
