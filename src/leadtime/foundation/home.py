"""The directory of an installation: its own, and open to nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from leadtime.foundation.errors import Refused

MODE = 0o700
OURS = frozenset({"cache", "database", "evidence", "keys", "ledger", "releases"})
"""What lies in an installation's directory; one that holds none of it may be somebody's for something else."""


def make_home(home: Path) -> None:
    """Make ``home`` and leave it open to this user alone, also where it was there already.

    Raises `Refused` for a directory of another user, or one that others may enter and that holds other things: its mode
    is not ours to change.
    """
    home.mkdir(mode=MODE, parents=True, exist_ok=True)
    found = home.stat()
    if found.st_uid != os.geteuid():
        raise Refused(
            "this directory belongs to another user",
            where=str(home),
            next_step="Run as that user, or set LEADTIME_HOME to a directory of your own.",
        )
    if not stat.S_IMODE(found.st_mode) & ~MODE:
        return
    names = {each.name for each in home.iterdir()}
    if names and not names & OURS:
        raise Refused(
            "others may enter this directory, and it holds things that are not Leadtime's",
            where=str(home),
            next_step="Set LEADTIME_HOME to a directory of its own.",
        )
    home.chmod(MODE)
