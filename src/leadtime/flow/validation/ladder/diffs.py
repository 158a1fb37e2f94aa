"""Read a unified diff and put its hunks into files: pure, strict, within bounds; nothing is guessed.

The format is what ``diff -u`` and ``git diff`` write (POSIX.1-2017 diff, "Diff -u Output Format", with git's headers).
A hunk's old lines must all be there as they are written; only their place may have moved.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from leadtime.foundation.errors import Malformed, Refused

PATCH_WHERE = "patch"
"""Where a refusal of what stands in a patch lies."""

PATCH_BYTES_MAX = 4 << 20
PATCHED_FILES_MAX = 500
HUNKS_MAX = 5_000
MOVED_LINES_MAX = 5_000
"""How far from its stated place a hunk's lines are looked for."""

STRIPPED_FOLDERS_MAX = 8
PATH_CHARS_MAX = 1_000
NOTHING = "/dev/null"

_STEP = "Send what `diff -u` or `git diff` writes."
_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_LINES = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_REFUSED = re.compile(rb"(?:rename|copy) (?:from|to) |GIT binary patch|Binary files .* differ")
_ODD_MODE = re.compile(rb"(?:new(?: file)?|deleted file) mode (?!100644|100755)")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\"]")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines, each with its end, that give way to others; ``line`` is where they stood, counted from 1."""

    line: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a patch does to one file, by the name that stands in the patch."""

    name: str
    hunks: tuple[Hunk, ...]
    creates: bool = False
    deletes: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """Which files of a tree a patch is about: their paths there, and the names it gives to what is not there."""

    files: tuple[tuple[str, FileDiff], ...]
    left_out: tuple[str, ...]


def read_patch(raw: bytes) -> tuple[FileDiff, ...]:
    """Return what a patch does to each file; text around the hunks is passed over.

    Raises `Malformed` naming the line, and `Refused` for what a text diff cannot say: renames, links, binary files.
    """
    if len(raw) > PATCH_BYTES_MAX:
        raise Malformed(f"the patch has more than {PATCH_BYTES_MAX} bytes", where=PATCH_WHERE, next_step="Send less.")
    lines = _LINES.findall(raw)
    files: list[FileDiff] = []
    hunks = at = 0
    while at < len(lines):
        line = lines[at]
        if _REFUSED.match(line) or _ODD_MODE.match(line):
            raise Refused(
                "a patch may change, create and delete text files, nothing else",
                where=f"{PATCH_WHERE}, line {at + 1}",
                next_step="Write a rename as one file deleted and one created.",
            )
        if line.startswith(b"--- ") and lines[at + 1 : at + 2] and lines[at + 1].startswith(b"+++ "):
            found, at = _read_file(lines, at)
            files.append(found)
            hunks += len(found.hunks)
        else:
            at += 1
        if len(files) > PATCHED_FILES_MAX or hunks > HUNKS_MAX:
            raise Malformed(
                f"the patch has more than {PATCHED_FILES_MAX} files or {HUNKS_MAX} hunks",
                where=PATCH_WHERE,
                next_step=_STEP,
            )
    if not files:
        raise Malformed("there is no hunk in the patch", where=PATCH_WHERE, next_step=_STEP)
    if len({file.name for file in files}) < len(files):
        raise Malformed("a file stands twice in the patch", where=PATCH_WHERE, next_step="Write its hunks together.")
    return tuple(files)


def _read_file(lines: Sequence[bytes], at: int) -> tuple[FileDiff, int]:
    old, new = _name(lines[at], at), _name(lines[at + 1], at + 1)
    if old == new == NOTHING:
        raise _broken(at)
    hunks: list[Hunk] = []
    at += 2
    while at < len(lines) and lines[at].startswith(b"@@"):
        hunk, at = _read_hunk(lines, at)
        hunks.append(hunk)
    if not hunks:
        raise _broken(at)
    name = old if new == NOTHING else new
    return FileDiff(name, tuple(hunks), creates=old == NOTHING, deletes=new == NOTHING), at


def _name(line: bytes, at: int) -> str:
    try:
        name = line[4:].partition(b"\t")[0].rstrip(b"\r\n ").decode()
    except UnicodeDecodeError:
        raise _broken(at) from None
    if name == NOTHING:
        return name
    parts = [part for part in name.split("/") if part != "."]
    if not all(parts) or ".." in parts or _UNSAFE.search(name) or len(name) > PATH_CHARS_MAX:
        raise Malformed(
            "this is not the relative path of a file below the release",
            where=f"{PATCH_WHERE}, line {at + 1}",
            next_step="Write paths like a/lib/x.c.",
        )
    return "/".join(parts)


def _read_hunk(lines: Sequence[bytes], at: int) -> tuple[Hunk, int]:
    header = _HUNK.match(lines[at])
    if header is None:
        raise _broken(at)
    line, old_left, new_left = int(header[1]), int(header[2] or 1), int(header[4] or 1)
    old: list[bytes] = []
    new: list[bytes] = []
    at += 1
    while old_left > 0 or new_left > 0:
        if at >= len(lines):
            raise _broken(at)
        # Mail takes away the one blank of an empty line.
        mark, text = (b" ", lines[at]) if lines[at] in {b"\n", b"\r\n"} else (lines[at][:1], lines[at][1:])
        if mark not in {b" ", b"-", b"+"}:
            raise _broken(at)
        at += 1
        # What it says is the line without its end.
        if at < len(lines) and lines[at].startswith(b"\\ "):
            text = text.removesuffix(b"\n")
            at += 1
        if mark != b"+":
            old.append(text)
            old_left -= 1
        if mark != b"-":
            new.append(text)
            new_left -= 1
        if old_left < 0 or new_left < 0:
            raise _broken(at - 1)
    return Hunk(line, tuple(old), tuple(new)), at


def _broken(at: int) -> Malformed:
    return Malformed("this is not how a unified diff goes on", where=f"{PATCH_WHERE}, line {at + 1}", next_step=_STEP)


def fit(files: Sequence[FileDiff], tree: Container[str]) -> Fit | None:
    """Return which files of a tree the patch is about, with as few leading folders taken off as fit most of them.

    None if it changes none of them. What a release does not carry, as tests often are not, is left out and named.
    """
    best: Fit | None = None
    for strip in range(STRIPPED_FOLDERS_MAX + 1):
        named = [(file.name.split("/", strip)[strip:], file) for file in files]
        changed = [(path[0], file) for path, file in named if path and not file.creates and path[0] in tree]
        created = [(path[0], file) for path, file in named if path and file.creates]
        is_plain = len({path for path, _ in (*changed, *created)}) == len(changed) + len(created)
        if changed and is_plain and (best is None or len(changed) + len(created) > len(best.files)):
            kept = {file.name for _, file in (*changed, *created)}
            best = Fit((*changed, *created), tuple(file.name for file in files if file.name not in kept))
    return best


def patched(content: bytes, file: FileDiff) -> bytes:
    """Return a file's content with the hunks in it; raises `Malformed` for the first that has no place there."""
    lines = _LINES.findall(content)
    result: list[bytes] = []
    taken = moved = 0
    for number, hunk in enumerate(file.hunks, 1):
        stated = hunk.line - 1 if hunk.old else hunk.line
        at = _place(lines, hunk.old, stated + moved, taken)
        if at is None:
            raise Malformed(
                f"hunk {number} of {file.name} has no place in the release",
                where=PATCH_WHERE,
                next_step="Write the patch against the release that the recipe names.",
            )
        result += lines[taken:at]
        result += hunk.new
        taken, moved = at + len(hunk.old), at - stated
    return b"".join((*result, *lines[taken:]))


def _place(lines: list[bytes], old: tuple[bytes, ...], stated: int, lowest: int) -> int | None:
    """Return where the old lines stand, at or behind ``lowest``, nearest to where they were said to be."""
    highest = len(lines) - len(old)
    wanted = list(old)
    for distance in range(MOVED_LINES_MAX + 1 if old else 1):
        for at in (stated - distance, stated + distance):
            if lowest <= at <= highest and lines[at : at + len(old)] == wanted:
                return at
    return None
