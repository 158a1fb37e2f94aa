"""Real workers that are killed (SIGKILL) at random, one after another, and replaced, until standard input ends.

Run as ``soaked_workers.py DIRECTORY DATABASE HOME WORKERS SEED``; prints how many it killed. Each worker is a process
forked from this one, so that it is at work at once.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys

from tests.faults import doomed_worker

KILL_AFTER_SECONDS = (1.0, 6.0)


def fork_worker(arguments: list[str]) -> int:
    """Start a worker that ends by itself when nothing waits; return its process."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        sys.argv[1:] = [*arguments, "nothing", "0", "never"]
        doomed_worker.main()
        status = 0
    finally:
        os._exit(status)


def still_running(workers: list[int]) -> list[int]:
    """Return the workers that have not ended, and bury the others."""
    return [each for each in workers if os.waitpid(each, os.WNOHANG) == (0, 0)]


def main() -> None:
    """Kill and replace."""
    *arguments, count, seed = sys.argv[1:]
    chance = random.Random(int(seed))
    workers: list[int] = []
    killed = 0
    while not select.select([sys.stdin], [], [], chance.uniform(*KILL_AFTER_SECONDS))[0]:
        workers = still_running(workers)
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
            killed += 1
        workers += [fork_worker(arguments) for _ in range(int(count) - len(workers))]
    for each in workers:
        os.kill(each, signal.SIGKILL)
        os.waitpid(each, 0)
    sys.stdout.write(f"{killed}\n")


if __name__ == "__main__":
    main()
