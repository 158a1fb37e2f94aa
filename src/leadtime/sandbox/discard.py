"""Remove what a hostile program left behind."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

OWNER_ALL = 0o700


def discard(top: Path) -> None:
    """Remove a tree however deep it is nested and whatever its modes are; follow no link. Missing is fine.

    The tree is flattened while it is removed, so neither the length of a path nor recursion is a limit. Nobody may be
    writing to it any more.
    """
    if top.is_symlink() or not top.is_dir():
        top.unlink(missing_ok=True)
        return
    names = itertools.count()
    waiting = [str(top)]
    while waiting:
        directory = waiting.pop()
        os.chmod(directory, OWNER_ALL)  # noqa: PTH101 - strings: trees of 100,000 files are removed here
        with os.scandir(directory) as entries:
            found = list(entries)
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)  # noqa: PTH108 - same
            elif directory != str(top):
                waiting.append(_raise(entry.path, top, names))
            else:
                waiting.append(entry.path)
        if directory != str(top):
            os.rmdir(directory)  # noqa: PTH106 - same
    top.rmdir()


def _raise(directory: str, top: Path, names: itertools.count[int]) -> str:
    """Move ``directory`` to a free name directly below ``top``."""
    place = next(place for name in names if not os.path.lexists(place := f"{top}/.{name}"))
    os.chmod(directory, OWNER_ALL)  # noqa: PTH101 - a directory that moves has its own entry ".." rewritten
    os.rename(directory, place)  # noqa: PTH104 - same
    return place
