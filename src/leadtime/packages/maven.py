"""Maven's order of versions, for the versions that have one (Maven POM reference, Version Order Specification)."""

from __future__ import annotations

import re

MAVEN_SHAPE = re.compile(
    r"(?P<numbers>\d+(\.\d+)*)"
    r"(-(?P<build>\d+)|[.-]?(?P<word>[A-Za-z]+)((?P<tight>\d+)|[.-](?P<loose>\d+))?)?",
    re.ASCII,
)
_RANKS = {
    "alpha": 0,
    "beta": 1,
    "milestone": 2,
    "rc": 3,
    "cr": 3,
    "snapshot": 4,
    "": 5,
    "final": 5,
    "ga": 5,
    "release": 5,
    "sp": 6,
}
_RANKS_AFTER = 7


def maven_key(text: str) -> tuple[tuple[int, ...], int, str, int]:
    """Read numbers and at most one qualifier (Maven POM reference, Version Order Specification).

    Longer mixtures are left out: with them neither Maven's nor univers' comparison is transitive.
    """
    found = MAVEN_SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    numbers = [int(each) for each in found["numbers"].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    if found["build"]:
        return tuple(numbers), _RANKS_AFTER + 1, "", int(found["build"])
    word = (found["word"] or "").lower()
    if found["tight"]:
        word = {"a": "alpha", "b": "beta", "m": "milestone"}.get(word, word)
    rank = _RANKS.get(word, _RANKS_AFTER)
    named = word if rank == _RANKS_AFTER else ""
    return tuple(numbers), rank, named, int(found["tight"] or found["loose"] or 0)
