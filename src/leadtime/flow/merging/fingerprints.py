"""Fingerprints of where a flaw lies: what a finder and we compute alike, so that a private match can meet. Pure.

One flaw has several, strongest first, so that a moved line, a moved file or a renamed one does not defeat all of them:

==================================  ===========================================================================
kind                                still meets after
==================================  ===========================================================================
same crash                          anything that leaves the crash's class and leading functions as they are
same function of the same file      any move of lines
same function, a file of that name  a move of the file to another folder
same function and weakness          a rename of the file
close lines of a file of that name  a rename of the function; lines up to 12 apart always meet, from 24 on never
==================================  ===========================================================================

None is coarser: what names a whole file would be too cheap to walk through. The spelling is ``leadtime.held/1``; any
change of it here is a new version, since both ends must compute the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from leadtime.flow.intake import Finding, Location
from leadtime.flow.merging.records import Evidence
from leadtime.foundation.digests import canonical_json

VERSION = "leadtime.held/1"

LINES_STEP = 12
"""A window of lines begins every so many lines and is twice as long."""

CLAIMED_PLACES_MAX = 4
"""Places that a report claims and that are held for it: more would let one report silence a whole project."""

NAME_CHARS_MAX = 512
"""Of a name only so much counts."""

NESTED_TEMPLATES_MAX = 16

_CLONE = re.compile(r"(\.(constprop|isra|part|cold|lto_priv|llvm)(\.\d+)*)+$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_GO_RECEIVER = re.compile(r"\(\*?(\w+)\)\.")
_ANONYMOUS = re.compile(r"\((anonymous( namespace| class)?|lambda[^()]*)\)(::)?")
_INNERMOST_TEMPLATE = re.compile(r"<[^<>]*>")
_LAST_NAME = re.compile(r"(?:::|\.)(?=[^:.]+$)")


class FingerprintKind(StrEnum):
    """What two fingerprints have in common where they are equal; strongest first."""

    CRASH = "the same crash"
    FILE_AND_FUNCTION = "the same function of the same file"
    NAME_AND_FUNCTION = "the same function of a file of that name"
    FUNCTION_AND_WEAKNESS = "a function of that name with the same kind of weakness"
    LINES = "close lines of a file of that name"


@dataclass(frozen=True, slots=True)
class Clue:
    """What is known of where a flaw lies; ``project`` is a canonical purl without version, what is empty is unknown.

    ``weakness`` is a CWE id or a sanitizer's word for the crash, ``signature`` that of a validation's crash.
    """

    project: str
    file: str = ""
    function: str = ""
    line: int | None = None
    weakness: str = ""
    signature: str = ""


_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "bounds": (
        *(f"CWE-{n}" for n in (118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 129, 131, 193, 786, 787, 788)),
        *(f"CWE-{n}" for n in (805, 806, 823)),
        *(f"{place}-buffer-overflow" for place in ("heap", "stack", "global", "dynamic-stack")),
        *("heap-buffer-underflow", "stack-buffer-underflow", "container-overflow", "intra-object-overflow"),
    ),
    "lifetime": (
        *(f"CWE-{n}" for n in (415, 416, 562, 590, 672, 761, 762, 763, 825)),
        *("heap-use-after-free", "stack-use-after-return", "stack-use-after-scope", "use-after-poison"),
        *("double-free", "attempting double-free", "bad-free", "alloc-dealloc-mismatch"),
    ),
    "exhaustion": (
        *(f"CWE-{n}" for n in (400, 407, 409, 674, 770, 774, 776, 789, 834, 835, 1325, 1333)),
        *("stack-overflow", "timeout", "hang", "allocation-size-too-big", "out-of-memory"),
    ),
    "initialisation": (*(f"CWE-{n}" for n in (457, 665, 824, 908, 909)), "use-of-uninitialized-value"),
    "arithmetic": (*(f"CWE-{n}" for n in (190, 191, 192, 194, 195, 196, 197, 369, 681, 682)), "FPE"),
}
"""Kinds of weakness: two people seldom choose the same one of a family's ids, and a sanitizer has its own words."""

_FAMILY_OF: Mapping[str, str] = {word.lower(): family for family, words in _FAMILIES.items() for word in words}


def fingerprints_of(clue: Clue) -> tuple[tuple[FingerprintKind, bytes], ...]:
    """Return a clue's fingerprints (SHA-256, 32 bytes), strongest first; at most six, none if it says too little."""
    path = file_path(clue.file)
    name, function = path.rpartition("/")[2], function_name(clue.function)
    weakness = weakness_family(clue.weakness)
    found: list[tuple[FingerprintKind, tuple[str | int, ...]]] = []
    if clue.signature:
        found.append((FingerprintKind.CRASH, (clue.signature,)))
    if path and function:
        found += [
            (FingerprintKind.FILE_AND_FUNCTION, (path, function)),
            (FingerprintKind.NAME_AND_FUNCTION, (name, function)),
        ]
    if function and weakness:
        found.append((FingerprintKind.FUNCTION_AND_WEAKNESS, (function, weakness)))
    if name and clue.line is not None:
        window = clue.line // LINES_STEP
        found += [(FingerprintKind.LINES, (name, begin)) for begin in (window - 1, window)]
    return tuple((kind, _digest(kind, clue.project, parts)) for kind, parts in found)


def clues_of(finding: Finding, evidence: Evidence, signature: str) -> tuple[Clue, ...]:
    """Return what a merged report says of where its flaw lies: what we saw, and the first places that it claims."""
    projects = [each for each in dict.fromkeys((evidence.component, finding.software)) if each]
    seen = [Location(frame.file or "", frame.function, frame.line) for frame in evidence.frames[:1]]
    words = [each for each in dict.fromkeys((finding.cwe or "", evidence.crash_class)) if each] or [""]
    return tuple(
        Clue(project, place.file, place.function or "", place.line, weakness, signature if place in seen else "")
        for project in projects
        for place in dict.fromkeys((*seen, *finding.locations[:CLAIMED_PLACES_MAX]))
        for weakness in words
    )


def fingerprints_of_all(clues: Iterable[Clue]) -> frozenset[bytes]:
    """Return every fingerprint of several clues."""
    return frozenset(digest for clue in clues for _, digest in fingerprints_of(clue))


def file_path(written: str) -> str:
    """Return a path in one spelling: ``/`` between parts, nothing before the first name, in lower case."""
    parts = written[:NAME_CHARS_MAX].replace("\\", "/").casefold().split("/")
    return "/".join(part for part in parts if part not in {"", ".", ".."})


def function_name(written: str) -> str:
    """Return a function's own name: without its scope, arguments, templates and what compilers append."""
    name = _RUST_HASH.sub("", _CLONE.sub("", written[:NAME_CHARS_MAX].strip()))
    name = _ANONYMOUS.sub("", _GO_RECEIVER.sub(r"\1.", name))
    for _ in range(NESTED_TEMPLATES_MAX):
        shorter = _INNERMOST_TEMPLATE.sub("", name)
        if shorter == name:
            break
        name = shorter
    name = name.partition("(")[0].strip().rstrip(":.")
    return _LAST_NAME.split(name)[-1].rpartition(" ")[2]


def weakness_family(written: str) -> str:
    """Return the kind of weakness that a CWE id or a sanitizer's word belongs to; the word itself if to none."""
    word = written.strip().lower()
    return _FAMILY_OF.get(word, word)


def _digest(kind: FingerprintKind, project: str, parts: tuple[str | int, ...]) -> bytes:
    return hashlib.sha256(canonical_json([VERSION, kind.name, project, *parts])).digest()
