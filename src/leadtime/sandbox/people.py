"""Who hostile code runs as, and what that person can reach."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from leadtime.foundation.errors import Unavailable

ROOT = 0


@dataclass(frozen=True, slots=True)
class Person:
    """The account that bubblewrap and all below it run as; ``switched`` if that takes leaving root first."""

    uid: int
    gid: int
    switched: bool


def unprivileged_person(user: str) -> Person:
    """Return ``user`` when this process is root, else the account it has already.

    Raises:
        Unavailable: this process is root and ``user`` does not exist or is root too.
    """
    if os.geteuid() != ROOT:
        return Person(uid=os.geteuid(), gid=os.getegid(), switched=False)
    try:
        entry = pwd.getpwnam(user)
    except KeyError as failure:
        raise Unavailable(
            "the sandbox's user does not exist on this machine",
            where=user,
            next_step="Create it, or name another in LEADTIME_SANDBOX_USER.",
        ) from failure
    if entry.pw_uid == ROOT:
        raise Unavailable(
            "hostile code is never run as root",
            where=user,
            next_step="Name an unprivileged user in LEADTIME_SANDBOX_USER.",
        )
    return Person(uid=entry.pw_uid, gid=entry.pw_gid, switched=True)


def can_traverse_to(person: Person, path: Path) -> bool:
    """Say whether ``person`` may search every directory above ``path`` (by mode bits; ACLs only make it stricter)."""
    for directory in path.parents:
        status = directory.stat()
        if status.st_uid == person.uid:
            needed = stat.S_IXUSR
        elif status.st_gid == person.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return False
    return True


def give(path: Path, person: Person) -> None:
    """Make ``person`` the owner of a file or a whole tree, links themselves and never what they point to."""
    if path.is_dir() and not path.is_symlink():
        for directory, directories, files in os.walk(path, followlinks=False):
            for name in (*directories, *files):
                _give_one(Path(directory, name), person)
    _give_one(path, person)


def _give_one(path: Path, person: Person) -> None:
    status = path.lstat()
    if (status.st_uid, status.st_gid) != (person.uid, person.gid):
        os.chown(path, person.uid, person.gid, follow_symlinks=False)
