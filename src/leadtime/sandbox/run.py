"""Run a hostile program inside its walls, once or again and again, and tell what happened."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from leadtime.foundation.errors import Malformed
from leadtime.sandbox.cgroups import Cage, open_cage
from leadtime.sandbox.conclude import conclude
from leadtime.sandbox.launch import RUNS_PLACE, Launch
from leadtime.sandbox.people import Person, give, unprivileged_person
from leadtime.sandbox.records import Limits, Mount, Outcome, Program, Watch
from leadtime.sandbox.standing import StandingBox
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
    with closing(_Boxed(program, unprivileged_person(user), control_groups=control_groups)) as boxed:
        return boxed.follow(tuple(mount.source for mount in program.mounts if mount.writable), ())


class Repeats:
    """A watched program run again and again, each time in mounts, namespaces and an observer's process of its own.

    What is shared is the outer box, made once and again after each run that passed a limit. Leave it to end that::

        with Repeats(program, runs, {"work": WORK_DIRECTORY}) as repeats:
            outcome = repeats.run(place)
    """

    def __init__(
        self,
        program: Program,
        runs: Path,
        targets: Mapping[str, str],
        *,
        user: str = "nobody",
        control_groups: bool = True,
    ) -> None:
        """``runs``: a directory that is this object's while it lasts; ``targets``: see `run`.

        Raises `Malformed` for a program that nobody watches or that has writable mounts of its own.
        """
        if program.watch is Watch.NOTHING or any(mount.writable for mount in program.mounts):
            raise Malformed("a repeated program is watched, and its own mounts are read-only", where="mounts")
        shown = tuple(Mount(runs, target, writable=True) for target in targets.values())
        # Together they must be what one program's mounts may be.
        self._program = replace(replace(program, mounts=(*program.mounts, *shown)), mounts=program.mounts)
        self._runs = runs
        self._targets = targets
        self._person = unprivileged_person(user)
        self._control_groups = control_groups
        self._boxed: _Boxed | None = None

    def __enter__(self) -> Self:
        """Start the box, which takes as long as laying out the first run's place."""
        self._boxed = self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the box."""
        self._close()

    def run(self, place: Path) -> Outcome:
        """Run the program once and return what happened; when this returns, nothing of that run is alive.

        ``place``: a directory right below ``runs``, new for each run; of each of its directories that ``targets``
        names the program sees what is in it, writable, where ``targets`` says. As root its owner becomes the user.

        Raises what `leadtime.sandbox.run` raises.
        """
        if self._boxed is None:
            self._boxed = self._open()
        if self._person.switched:
            give(place, self._person)
        places = [(f"{RUNS_PLACE}/{place.name}/{name}", target) for name, target in self._targets.items()]
        try:
            outcome = self._boxed.follow(tuple(place / name for name in self._targets), places)
        except BaseException:
            self._close()
            raise
        if self._boxed.has_ended:
            self._close()
        return outcome

    def _open(self) -> _Boxed:
        return _Boxed(
            self._program,
            self._person,
            control_groups=self._control_groups,
            runs=self._runs,
            targets=tuple(self._targets.values()),
        )

    def _close(self) -> None:
        boxed, self._boxed = self._boxed, None
        if boxed is not None:
            boxed.close()


class _Boxed:
    """A program's box with its control group, both ended together."""

    def __init__(
        self,
        program: Program,
        person: Person,
        *,
        control_groups: bool,
        runs: Path | None = None,
        targets: tuple[str, ...] = (),
    ) -> None:
        self._program = program
        self._watched = program.watch is not Watch.NOTHING
        with ExitStack() as opened:
            self._cage = _open_cage(program.limits, watched=self._watched) if control_groups else None
            if self._cage is not None:
                opened.callback(self._cage.remove)
            self._box = StandingBox(Launch(program, person, self._cage, runs=runs, targets=targets).start())
            opened.callback(self._box.close)
            self._opened = opened.pop_all()

    @property
    def has_ended(self) -> bool:
        return self._box.has_ended

    def follow(self, writable: tuple[Path, ...], places: Sequence[tuple[str, str]]) -> Outcome:
        limits = self._program.limits
        extra_mib = OBSERVER_MEMORY_MIB if self._watched else 0
        supervision = Supervision(
            self._box,
            Watcher(limits, writable, self._cage, extra_mib=extra_mib),
            output_bytes_max=limits.output_bytes_max,
            wall_s=limits.wall_s + (OBSERVER_GRACE_S if self._watched else 0.0),
        )
        return conclude(supervision.follow(places), watched=self._watched)

    def close(self) -> None:
        self._opened.close()


def _open_cage(limits: Limits, *, watched: bool) -> Cage | None:
    return open_cage(
        f"{os.getpid()}-{time.monotonic_ns()}-{secrets.token_hex(4)}",
        limits,
        extra_mib=OBSERVER_MEMORY_MIB if watched else 0,
        extra_pids=OBSERVER_PIDS if watched else BOX_PIDS,
    )
