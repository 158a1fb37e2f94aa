"""Run a hostile program and tell what happened; knows nothing of flaws.

*Takes* a `Program`: a shell line, mounts, an environment, limits, and what an observer should look for.
*Gives* an `Outcome`: how it ended, its output's head and tail, and the observer's sightings, all to be distrusted.
*Decides* which walls stand on this machine (`walls`).
*Refuses* to run anything where a wall that must stand cannot (`leadtime.foundation.errors.Unavailable`).
*Standard*: bubblewrap, Linux namespaces, seccomp and control groups of version 1 and 2.
"""

from leadtime.sandbox.discard import discard
from leadtime.sandbox.guest import guest_place
from leadtime.sandbox.records import (
    OBSERVER_DIRECTORY,
    WORK_DIRECTORY,
    Ending,
    Limits,
    Mount,
    Outcome,
    Program,
    Wall,
    Watch,
)
from leadtime.sandbox.run import Repeats, run
from leadtime.sandbox.walls import walls

__all__ = [
    "OBSERVER_DIRECTORY",
    "WORK_DIRECTORY",
    "Ending",
    "Limits",
    "Mount",
    "Outcome",
    "Program",
    "Repeats",
    "Wall",
    "Watch",
    "discard",
    "guest_place",
    "run",
    "walls",
]
