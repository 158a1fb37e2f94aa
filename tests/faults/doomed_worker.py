"""A real worker that kills itself (SIGKILL) at one exact place of one step, or says that it is there and waits.

Run as ``doomed_worker.py DIRECTORY DATABASE HOME STEP TRANSACTION MOMENT``: the embedded server's directory, the
database's name, LEADTIME_HOME, the step, which of its transactions, and ``before`` or ``after`` that one's commit,
``during`` (inside the run of a validation) or ``hold`` (inside it, until stdin says to go on).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

from leadtime.foundation.access import Viewer
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.database.connect import address_in, make_engine
from leadtime.foundation.database.embedded import start_embedded
from leadtime.foundation.keys import KeyRing
from leadtime.workflows.engine import Station, Step, work
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import plan
from tests.workflows.story import PATIENT, believe, station_of


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedDatabase(Database):
    """Dies before or after the commit of its n-th transaction."""

    __slots__ = ("count", "moment", "number")

    @contextmanager
    def transaction(self, viewer: Viewer) -> Iterator[Transaction]:
        object.__setattr__(self, "count", self.count + 1)
        last = self.count == self.number
        with super().transaction(viewer) as tx:
            yield tx
            if last and self.moment == "before":
                die()
        if last and self.moment == "after":
            die()


def doomed(step: Step, number: int, moment: str, station: Station, entity: UUID) -> None:
    database = DoomedDatabase(station.database.engine, station.database.clock, station.database.keys)
    for name, value in (("count", 0), ("number", number), ("moment", moment)):
        object.__setattr__(database, name, value)
    step(replace(station, database=database), entity)


def prove(moment: str, begun, stopping):
    if moment == "during":
        die()
    if moment == "hold":
        sys.stdout.write("holding\n")
        sys.stdout.flush()
        sys.stdin.readline()
    return believe(begun, stopping)


def station_in(directory: str, name: str, home: str) -> Station:
    """Return what a worker of the test's database works with."""
    address = address_in(start_embedded(Path(directory), fleeting=True), name)
    keys = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)
    return station_of(Database(make_engine(address), SystemClock(), keys), address, home)


def main() -> None:
    directory, name, home, doomed_step, number, moment = sys.argv[1:]
    station = station_in(directory, name, home)
    story = plan(partial(prove, moment))
    chosen = {
        kind: partial(doomed, step, int(number), moment) if kind.name == doomed_step else step
        for kind, step in story.steps.items()
    }
    asyncio.run(
        work(station, replace(story, steps=chosen), queues=Queue, concurrency=1, timings=PATIENT, until_idle=True)
    )


if __name__ == "__main__":
    main()
