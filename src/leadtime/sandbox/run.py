"""Run one hostile program inside its walls and tell what happened."""

from __future__ import annotations

import os
import secrets
import time

from leadtime.sandbox.cgroups import Cage, open_cage
from leadtime.sandbox.conclude import conclude
from leadtime.sandbox.launch import Launch
from leadtime.sandbox.people import unprivileged_person
from leadtime.sandbox.records import Limits, Outcome, Program, Watch
from leadtime.sandbox.supervision import Supervision
from leadtime.sandbox.watcher import Watcher

OBSERVER_MEMORY_MIB = 768
"""A debugger that reads the symbols of a large library beside the program; the program's own share stays its own."""

BOX_PIDS = 8
OBSERVER_PIDS = 24
OBSERVER_GRACE_S = 90.0
"""How long the observer may go on after the program's wall time before it is ended too.

It adds to that time what the program waited for a processor, within bounds, takes samples and reads them."""


def run(program: Program, *, user: str = "nobody", control_groups: bool = True) -> Outcome:
    """Run ``program`` and return what happened; when this returns, nothing of it is alive.

    As root it runs as ``user``, who becomes the owner of all writable mounts; otherwise as the account that asks.
    Memory is held by a control group where one can be made, else, or without ``control_groups``, by a watcher.
    Safe to call from several threads and processes at once, for different writable mounts.

    Raises:
        Malformed: a mount's source does not exist.
        Unavailable: a wall that must stand cannot (`leadtime.sandbox.walls` says which); nothing was run.
    """
    person = unprivileged_person(user)
    watched = program.watch is not Watch.NOTHING
    extra_mib = OBSERVER_MEMORY_MIB if watched else 0
    cage = _open_cage(program.limits, watched=watched) if control_groups else None
    try:
        writable = tuple(mount.source for mount in program.mounts if mount.writable)
        watcher = Watcher(program.limits, writable, cage, extra_mib=extra_mib)
        supervision = Supervision(
            Launch(program, person, cage).start(),
            watcher,
            output_bytes_max=program.limits.output_bytes_max,
            wall_s=program.limits.wall_s + (OBSERVER_GRACE_S if watched else 0.0),
        )
        return conclude(supervision.follow(), watched=watched)
    finally:
        if cage is not None:
            cage.remove()


def _open_cage(limits: Limits, *, watched: bool) -> Cage | None:
    return open_cage(
        f"{os.getpid()}-{time.monotonic_ns()}-{secrets.token_hex(4)}",
        limits,
        extra_mib=OBSERVER_MEMORY_MIB if watched else 0,
        extra_pids=OBSERVER_PIDS if watched else BOX_PIDS,
    )
