"""Real workers that are killed (SIGKILL) at random, one after another, and replaced, until standard input ends.

Run as ``soaked_workers.py DIRECTORY DATABASE HOME WORKERS SEED``; prints how many it killed. Each worker is a process
forked from this one, so that it is at work at once. One is killed a random moment after a random number of runs, not
after a time: on a slow machine a job would meet its death too often, and rightly be set aside as one that kills.
"""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
import sys
import threading

from leadtime.flow.validation import Begun, Outcome
from leadtime.workflows.engine import work
from leadtime.workflows.records import Queue, Timings
from leadtime.workflows.report_to_operator import plan
from tests.faults.doomed_worker import station_in
from tests.workflows.story import believe

KILL_AFTER_RUNS = (5, 25)
KILL_WITHIN_SECONDS = 0.3
TIMINGS = Timings(heartbeat_seconds=1, dead_after_seconds=5, sweep_seconds=0.5, poll_seconds=0.2, drain_seconds=5)


def fork_worker(place: list[str], told: int) -> int:
    """Start a worker, which writes a byte to ``told`` for each run; return its process."""
    child = os.fork()
    if child:
        return child

    def prove(begun: Begun, stopping: threading.Event) -> Outcome:
        os.write(told, b".")
        return believe(begun, stopping)

    status = 1
    try:
        # What workers log is not this process's answer.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        asyncio.run(work(station_in(*place), plan(prove), queues=Queue, concurrency=1, timings=TIMINGS))
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    """Kill and replace."""
    *place, count, seed = sys.argv[1:]
    chance, pause = random.Random(int(seed)), threading.Event()
    heard, told = os.pipe()
    workers: list[int] = []
    killed, runs_left = 0, chance.randint(*KILL_AFTER_RUNS)
    while True:
        workers += [fork_worker(place, told) for _ in range(int(count) - len(workers))]
        ready, _, _ = select.select([sys.stdin, heard], [], [])
        if sys.stdin in ready:
            break
        runs_left -= len(os.read(heard, runs_left))
        if runs_left == 0:
            pause.wait(chance.uniform(0, KILL_WITHIN_SECONDS))
            end(workers.pop(chance.randrange(len(workers))))
            killed, runs_left = killed + 1, chance.randint(*KILL_AFTER_RUNS)
    for each in workers:
        end(each)
    sys.stdout.write(f"{killed}\n")


def end(worker: int) -> None:
    """Kill a worker, which has to have been at work: none ends by itself."""
    os.kill(worker, signal.SIGKILL)
    assert os.waitpid(worker, 0)[1] == signal.SIGKILL


if __name__ == "__main__":
    main()
