"""What the kernel tells of a thread: /proc/PID/status, stat and schedstat (proc(5), sched-stats.rst)."""

from __future__ import annotations

import os
import re


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


def cpu_ticks(tid: int) -> int:
    """Return the processor time that a thread has used since it began."""
    with open(f"/proc/{tid}/stat", encoding="utf-8", errors="replace") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def waited_s(tid: int) -> float:
    """Return how long a thread was ready to run and had no processor; zero where the kernel does not count that."""
    try:
        with open(f"/proc/{tid}/schedstat", encoding="ascii") as stream:
            return int(stream.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _status(tid: int, pattern: str) -> int:
    with open(f"/proc/{tid}/status", encoding="utf-8", errors="replace") as stream:
        found = re.search(pattern, stream.read(), re.MULTILINE)
    return int(found[1]) if found else tid
