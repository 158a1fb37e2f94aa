"""Tries whether this machine lends a traced thread the processor's debug registers; prints why not, or nothing.

A hypervisor may refuse them, or take them and never trap, so a process is really made to trap: by a write and by code
that runs, the two kinds that `observe_exception` needs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time

import observe_ptrace as trace

PATIENCE_S = 5.0
CELL_BYTES = 8


def reason() -> str:
    """Return why exceptions cannot be seen here; empty if they can."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    libc = ctypes.CDLL(None)
    cell = ctypes.create_string_buffer(2 * CELL_BYTES)
    place = (ctypes.addressof(cell) + CELL_BYTES) & -CELL_BYTES
    code = ctypes.cast(libc.getppid, ctypes.c_void_p).value or 0
    gate, opener = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(gate, 1)
        ctypes.c_uint64.from_address(place).value = 1
        libc.getppid()
        os._exit(0)
    try:
        taken = _taken(child, {0: (place, CELL_BYTES), 1: (code, 0)}, opener)
    except OSError as failure:
        os.kill(child, signal.SIGKILL)
        return f"the kernel refuses them: {os.strerror(failure.errno or 0)}"
    return "" if taken == {0, 1} else "they are taken, and never trap"


def _taken(child: int, points: dict[int, tuple[int, int]], opener: int) -> set[int]:
    """Return at which points a waiting child stops once it goes on."""
    trace.seize(child)
    trace.interrupt(child)
    _next_stop()
    trace.set_points(child, points)
    os.write(opener, b"\n")
    trace.resume(child)
    taken: set[int] = set()
    while (stop := _next_stop()) is not None and os.WIFSTOPPED(stop[1]):
        if os.WSTOPSIG(stop[1]) == signal.SIGTRAP and not stop[1] >> 16:
            taken |= trace.taken_points(child)
        trace.resume(child)
    return taken


def _next_stop() -> tuple[int, int] | None:
    end = time.monotonic() + PATIENCE_S
    while (left := end - time.monotonic()) > 0:
        # An older signal may be waiting still, so no stop yet does not mean that the time is up.
        stop = trace.next_stop(left)
        if stop is not None:
            return stop
    return None


if __name__ == "__main__":
    print(reason())
