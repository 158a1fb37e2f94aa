"""Reports of sanitizers (compiler-rt's and gcc's), libFuzzer, ClusterFuzz's summaries, and gdb: frames ``#0 …``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadtime.flow.merging.records import Frame
from leadtime.flow.merging.stacks.names import plain_name
from leadtime.flow.merging.stacks.records import Stack

_NUMBERED = re.compile(r"\s*#(\d{1,4})\s+(?:0x[0-9a-fA-F]+\s+)?(?:in\s+)?(.*)")
_LOCATION = re.compile(r"(.*?):(\d{1,9})(?::\d{1,9})?$")
_MODULE = re.compile(r" \((?:/|[^() ]*\+0x)[^()]*\)$")
_STATED = re.compile(r"\s*Crash type:\s*(\S+)((?: [A-Z{}*\d-]+)*)")
_ERROR = re.compile(r"(?:ERROR|WARNING): (\w+): (.+)")
_WORD = re.compile(r"[A-Za-z][\w-]*")
_UNDEFINED = re.compile(r"(?<!panic: )runtime error: ([a-z][a-z-]*(?: [a-z][a-z-]*){0,2})")
_LEAK = re.compile(r"\s*(Direct|Indirect) leak of \d")
_ACCESS = re.compile(r"\s*(?:atomic )?(read|write) of size (\d{1,9})", re.IGNORECASE)
_SIGNAL_ACCESS = re.compile(r"caused by a (READ|WRITE) memory access")
_TIMEOUT = re.compile(r"^timeout\b|\bTimeoutExpired\b", re.IGNORECASE)

IN_SEVERAL_WORDS = frozenset({"ThreadSanitizer", "libFuzzer"})
"""Tools that name an error by words with spaces, up to a bracket or a number."""

PHRASES = (
    ("attempting double-free", "double-free"),
    ("attempting free", "bad-free"),
    ("attempting to call malloc_usable_size", "bad-malloc_usable_size"),
    ("requested allocation size", "allocation-size-too-big"),
    ("allocator is out of memory", "out-of-memory"),
    ("calloc parameters overflow", "calloc-overflow"),
    ("detected memory leaks", ""),
)
"""Where AddressSanitizer says in words what its summary calls by another name (asan_errors.cpp)."""

UNDEFINED_WORDS = {"index": "out-of-bounds"}
"""Where the words go on after a number (ubsan_handlers.cpp)."""


def read_sanitizer(lines: Sequence[str]) -> Stack:
    """Return what a sanitizer's report says; a tool's own statement wins over what the text looks like."""
    crash_class, access = _read_class(lines)
    frames = _read_frames(lines)
    return Stack(crash_class, access, tuple(frames or _place_alone(lines)))


def _place_alone(lines: Sequence[str]) -> list[Frame]:
    """Return where undefined behaviour was found, which is said even without a stack."""
    heads = (line.partition(": runtime error: ") for line in lines)
    found = (_LOCATION.match(head) for head, separator, _ in heads if separator)
    return [Frame("??", place[1], int(place[2])) for place in found if place][:1]


def _read_class(lines: Sequence[str]) -> tuple[str, str]:
    access = found = ""
    for line in lines:
        if stated := _STATED.match(line):
            return stated[1].lower(), stated[2].strip()
        found = found or _class_in(line)
        if not access and (match := _ACCESS.match(line)):
            access = f"{match[1].upper()} {match[2]}"
        elif not access and (match := _SIGNAL_ACCESS.search(line)):
            access = match[1]
    return found, access


def _class_in(line: str) -> str:
    if match := _ERROR.search(line):
        return _named(match[1], match[2])
    if match := _UNDEFINED.search(line):
        return UNDEFINED_WORDS.get(match[1], match[1])
    if match := _LEAK.match(line):
        return f"{match[1].lower()}-leak"
    return "timeout" if _TIMEOUT.search(line) else ""


def _named(tool: str, words: str) -> str:
    """Return the class that a tool's words for an error mean."""
    for phrase, name in PHRASES:
        if words.startswith(phrase):
            return name
    if tool in IN_SEVERAL_WORDS:
        words = "-".join(words.partition(" (")[0].partition(" after ")[0].split())
    match = _WORD.match(words)
    name = match[0] if match else ""
    return name if name.isupper() else name.lower()


def _read_frames(lines: Sequence[str]) -> list[Frame]:
    """Return the frames of the first ``#0 …`` stack; the stacks after it (allocated by, freed by) are not the crash."""
    frames: list[Frame] = []
    has_begun = False
    for line in lines:
        match = _NUMBERED.match(line)
        if match is None:
            continue
        if has_begun and int(match[1]) == 0:
            break
        has_begun = True
        frame = _read_frame(match[2])
        if frame.function or frame.file:
            frames.append(frame)
    return frames


def _read_frame(text: str) -> Frame:
    """Return the frame that ``name(args) path:line:column (module+0x1)``, ``name () at path:line`` or a name spells."""
    text = text.partition(" (BuildId:")[0].rstrip()
    text = (_MODULE.sub("", text) if text.endswith(")") else text).removesuffix(" <null>")
    name, _, last = text.rpartition(" ")
    location = _LOCATION.match(last) if ":" in last else None
    if name and location:
        return Frame(plain_name(name.removesuffix(" at")), location[1], int(location[2]))
    return Frame(plain_name(text))
