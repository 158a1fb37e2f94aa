"""What the kernel tells of a thread: /proc/PID/status, stat and schedstat (proc(5), sched-stats.rst)."""

from __future__ import annotations

import os
import re

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LIMIT = re.compile(r"Max (\S+(?: \S+)*?) {2,}(\d+|unlimited) ")


def executable(tid: int) -> str:
    """Return the file that a thread's process executes; empty if that cannot be told."""
    try:
        return os.readlink(f"/proc/{tid}/exe")
    except OSError:
        return ""


def process_of(tid: int) -> int:
    """Return the process that a thread belongs to."""
    return _status(tid, r"^Tgid:\t(\d+)$")


def own_thread_number(tid: int) -> int:
    """Return a thread's id as its own namespace counts it, which is the one its interpreter noted."""
    return _status(tid, r"^NSpid:\t.*?(\d+)$")


def state_of(tid: int) -> str:
    """Return the kernel's letter for what a thread is doing: R runs, S and D wait, T and t are stopped."""
    return _stat(tid)[0]


def ran_ms(tid: int) -> int:
    """Return how long a thread itself has had a processor since it began."""
    fields = _stat(tid)
    return (int(fields[11]) + int(fields[12])) * 1000 // TICKS_PER_S


def waited_s(tid: int) -> float:
    """Return how long a thread was ready to run and had no processor; zero where the kernel does not count that."""
    try:
        with open(f"/proc/{tid}/schedstat", encoding="ascii") as stream:
            return int(stream.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def limits_of(tid: int) -> dict[str, int]:
    """Return a process's soft limits, by the names that the kernel gives them; -1 is none."""
    with open(f"/proc/{tid}/limits", encoding="ascii", errors="replace") as stream:
        found = (_LIMIT.match(line) for line in stream)
        return {limit[1]: -1 if limit[2] == "unlimited" else int(limit[2]) for limit in found if limit}


def lowered(limits: dict[str, int], since: dict[str, int]) -> list[str]:
    """Return which limits are lower than they were; a core file is nobody's need."""
    return sorted(
        name
        for name, limit in limits.items()
        if name != "core file size" and limit >= 0 and (since.get(name, -1) < 0 or limit < since[name])
    )


def _stat(tid: int) -> list[str]:
    # Under task/ the figures are the thread's own; beside it they are its whole process's.
    with open(f"/proc/{tid}/task/{tid}/stat", encoding="utf-8", errors="replace") as stream:
        return stream.read().rpartition(")")[2].split()


def _status(tid: int, pattern: str) -> int:
    with open(f"/proc/{tid}/status", encoding="utf-8", errors="replace") as stream:
        found = re.search(pattern, stream.read(), re.MULTILINE)
    return int(found[1]) if found else tid
