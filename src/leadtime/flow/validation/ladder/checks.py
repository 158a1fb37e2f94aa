"""Which sanitizers' checks a built tree holds: what was built without them is silent whatever it does."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

OBJECT_BYTES_MAX = 256 << 20
"""Of one file; a larger one counts as if it held none."""

OBJECTS_BYTES_MAX = 2 << 30
FILES_MAX = 200_000
_ELF = b"\x7fELF"
_CHECK = re.compile(rb"__(asan|hwasan|msan|tsan|ubsan)_(?:report|load|store|read|write|handle|warning|tag)")


def checks_in(tree: Path) -> Mapping[str, int]:
    """Return how many compiled files below ``tree`` call into which sanitizer; hostile code wrote them all."""
    found: Counter[str] = Counter()
    bytes_left, files_left = OBJECTS_BYTES_MAX, FILES_MAX
    for folder, _, names in os.walk(tree):
        for name in names:
            files_left -= 1
            content = _object(Path(folder, name), bytes_left)
            bytes_left -= len(content)
            found.update({match.decode() for match in _CHECK.findall(content)})
            if files_left == 0:
                return found
    return found


def _object(path: Path, bytes_max: int) -> bytes:
    """Return a compiled file's bytes; none for anything else, or what is too large or cannot be read."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(opened, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > min(OBJECT_BYTES_MAX, bytes_max):
            return b""
        start = stream.read(len(_ELF))
        return start + stream.read(OBJECT_BYTES_MAX) if start == _ELF else b""
