"""A real worker whose one run says that it has begun, and ends only once the worker is told to stop, or never.

Run as ``drained_worker.py DIRECTORY DATABASE HOME ENDING``: ``gives back`` (as the product's own runs do),
``finishes``, or ``hangs``.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import replace
from functools import partial

from leadtime.doors.worker import working
from leadtime.flow.validation import Begun, Outcome
from leadtime.foundation.errors import Unavailable
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import plan
from tests.faults.doomed_worker import station_in
from tests.workflows.story import PATIENT, believe


def prove(ending: str, begun: Begun, stopping: threading.Event) -> Outcome:
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    (threading.Event() if ending == "hangs" else stopping).wait()
    if ending == "gives back":
        raise Unavailable("the worker is stopping")
    return believe(begun, stopping)


def main() -> None:
    *place, ending = sys.argv[1:]
    timings = replace(PATIENT, drain_seconds=3_600)
    if ending == "hangs":
        working.LEAVE_SECONDS_MORE = 0
        timings = replace(PATIENT, drain_seconds=0)
    asyncio.run(working._work(station_in(*place), plan(partial(prove, ending)), Queue, 1, timings))


if __name__ == "__main__":
    main()
