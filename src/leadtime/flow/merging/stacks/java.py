"""What a Java virtual machine prints of an exception (java.lang.Throwable.printStackTrace), Jazzer's findings, too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from leadtime.flow.merging.records import Frame
from leadtime.flow.merging.stacks.records import Stack

_CLASS = re.compile(r"(?:[a-zA-Z_$][\w$]{0,100}\.){1,20}[A-Z][\w$]{0,100}(?=:|$)")
_HEAD = re.compile(r'\s*(?:Exception in thread "[^"]*" |Caused by: |== Java Exception: )?')
_CALL = re.compile(r"\s+at (?:[^\s/()]*/){0,2}([^\s/()]+)\(([^():]*)(?::(\d{1,9}))?\)$")
_MORE = re.compile(r"\s+\.\.\. \d+ (?:more|common frames omitted)$")
_NO_FILE = frozenset({"Native Method", "Unknown Source", ""})
_RUNTIME = re.compile(r"(?:java|javax|jdk|sun|com\.sun|com\.code_intelligence\.jazzer)\.")


@dataclass(slots=True)
class _Section:
    crash_class: str
    is_cause: bool
    frames: list[Frame] = field(default_factory=list)


def read_java(lines: Sequence[str]) -> Stack:
    """Return the last cause that the first exception names, which was thrown first, with its own frames."""
    sections = _sections(lines)
    if not sections:
        return Stack("", "", ())
    chain = [sections[0], *takewhile(lambda section: section.is_cause, sections[1:])]
    frames = tuple(frame for frame in chain[-1].frames if not _RUNTIME.match(frame.function))
    return Stack(chain[-1].crash_class, "", frames)


def _sections(lines: Sequence[str]) -> list[_Section]:
    """Return each run of calls with the class that the lines above it name."""
    found: list[_Section] = []
    head = _Section("", is_cause=False)
    is_open = False
    for line in lines:
        if (call := _CALL.match(line)) and "." in call[1]:
            if not is_open:
                found.append(head)
            is_open = True
            found[-1].frames.append(_frame(call[1], call[2], call[3]))
        elif not _MORE.match(line):
            if is_open:
                head = _Section("", is_cause=False)
            is_open = False
            place = _HEAD.match(line)
            if named := _CLASS.match(line, place.end() if place else 0):
                head = _Section(named[0], is_cause=line.lstrip().startswith("Caused by: "))
    return found


def _frame(function: str, file: str, line: str | None) -> Frame:
    return Frame(function) if file in _NO_FILE else Frame(function, file, int(line) if line else None)
