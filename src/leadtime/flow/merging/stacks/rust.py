"""What Rust prints of a panic (std/src/panicking.rs, before and after 1.73), with or without a backtrace."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadtime.flow.merging.records import Frame
from leadtime.flow.merging.stacks.names import plain_name
from leadtime.flow.merging.stacks.records import Stack

_PANIC = re.compile(r"thread '[^']*'(?: \(\d+\))? panicked at (.*)")
_OLD = re.compile(r"'(.*)', ([^',]+):(\d{1,9}):\d{1,9}$")
_NEW = re.compile(r"([^'\s].*):(\d{1,9}):\d{1,9}:$")
_OVERFLOWED = re.compile(r"thread '[^']*'(?: \(\d+\))? has overflowed its stack")
_CALL = re.compile(r"\s*(\d{1,4}):\s+(?:0x[0-9a-f]+ - )?(\S.*)")
_PLACE = re.compile(r"\s+at (\S.*?):(\d{1,9})(?::\d{1,9})?$")
_KNOWN = re.compile(
    r"index out of bounds|range (?:start|end) index|slice index starts|byte index|attempt to [a-z ]+"
    r"|called Option::unwrap\(\) on a None value|called Result::unwrap\(\) on an Err value"
    r"|assertion(?: left (?:==|!=) right)? failed|already (?:mutably )?borrowed|capacity overflow|explicit panic"
    r"|not (?:yet )?implemented|internal error: entered unreachable code"
)
"""The standard library's own words for what went wrong; any others are the program's."""
_RUNTIME = re.compile(
    r"(?:std|core::(?:panicking|option|result|ops|slice|str|fmt|cell|num)|alloc)::|rust_(?:begin_unwind|panic)|_+rust_"
)
_LIBRARY = "/rustc/"


def read_rust(lines: Sequence[str]) -> Stack:
    """Return what the first panic says; where there is no backtrace, its place alone."""
    for number, line in enumerate(lines):
        if _OVERFLOWED.search(line):
            return Stack("stack-overflow", "", ())
        if found := _PANIC.search(line):
            words, place = _said(found[1], lines[number + 1] if number + 1 < len(lines) else "")
            known = _KNOWN.match(words.replace("`", ""))
            frames = _frames(lines[number:]) or place
            return Stack(known[0].strip() if known else "panic", "", frames)
    return Stack("", "", ())


def _said(rest: str, following: str) -> tuple[str, tuple[Frame, ...]]:
    """Return a panic's words and its place, from the line that it begins with and the one after that."""
    if old := _OLD.match(rest):
        return old[1], (Frame("??", old[2], int(old[3])),)
    if new := _NEW.match(rest):
        return following, (Frame("??", new[1], int(new[2])),)
    return rest, ()


def _frames(lines: Sequence[str]) -> tuple[Frame, ...]:
    """Return the frames of the first backtrace: ``N: name``, mostly followed by ``at path:line:column``."""
    frames: list[Frame] = []
    for line in lines:
        if called := _CALL.match(line):
            if frames and int(called[1]) == 0:
                break
            frames.append(Frame(plain_name(_without_trait(called[2]))))
        elif frames and (place := _PLACE.match(line)):
            frames[-1] = Frame(frames[-1].function, place[1], int(place[2]))
    return tuple(
        frame for frame in frames if not _RUNTIME.match(frame.function) and not (frame.file or "").startswith(_LIBRARY)
    )


def _without_trait(function: str) -> str:
    """Return ``Type::function`` for ``<Type as Trait>::function``."""
    kind, trait, _ = function.removeprefix("<").partition(" as ")
    return f"{kind}::{function.rpartition('>::')[2]}" if trait and function.startswith("<") else function
