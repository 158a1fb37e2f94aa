"""Which names and link targets of a hostile archive stay inside the tree: pure decisions."""

from __future__ import annotations

import posixpath

from leadtime.foundation.errors import Malformed
from leadtime.packages import limits

_STEP = "Use a release whose archive is well made."
_DELETE = 0x7F


def path_inside(name: str, *, strip: int, where: str) -> str | None:
    """Return the relative path that a member gets, or None if stripping ``strip`` components leaves nothing of it.

    A ``.`` is no component: ``./package/x`` stripped once is ``x``.

    Raises `Malformed` for a name that is absolute, climbs with ``..``, is too long or deep, or is not printable
    UTF-8.
    """
    if name.startswith("/"):
        raise _refused(name, "has an absolute path", where)
    parts = _parts(name)
    if ".." in parts:
        raise _refused(name, "climbs out of its directory", where)
    _check_parts(parts, name, where)
    return "/".join(parts[strip:]) or None


def target_inside(path: str, target: str, *, where: str) -> str:
    """Return a symbolic link's target as it is kept; raises `Malformed` if it could ever lead out of the tree.

    ``..`` may stand only at the front of a target: after a name it would climb from wherever that name, itself
    perhaps a link, leads. ``path`` is the link's own path.
    """
    if target.startswith("/"):
        raise _refused(path, "is a link to an absolute path", where)
    parts = _parts(target)
    climbs = next((count for count, part in enumerate(parts) if part != ".."), len(parts))
    if ".." in parts[climbs:] or climbs > path.count("/"):
        raise _refused(path, "is a link that leads outside the archive", where)
    _check_parts(parts[climbs:], path, where)
    return posixpath.join(*parts) if parts else "."


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _check_parts(parts: list[str], name: str, where: str) -> None:
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise _refused(name, "has a name that is not UTF-8", where) from None
    if any(ord(letter) < ord(" ") or ord(letter) == _DELETE for part in parts for letter in part):
        raise _refused(name, "has a control character in its name", where)
    if (
        len(parts) > limits.DEPTH_COMPONENTS_MAX
        or any(size > limits.COMPONENT_BYTES_MAX for size in sizes)
        or sum(sizes) + len(sizes) - 1 > limits.PATH_BYTES_MAX
    ):
        raise _refused(name, "has a path that is too long or too deep", where)


def _refused(name: str, problem: str, where: str) -> Malformed:
    return Malformed(f"the member {name[:100]!a} {problem}", where=where, next_step=_STEP)
