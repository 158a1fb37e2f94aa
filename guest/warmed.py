"""Runs inside gdb, in place of the process that takes orders: what is forked from it finds libraries loaded already.

What is loaded is a fixed list of the system's own files, which nobody in the box can write. No run is looked at here:
an order's process is forked before the order comes, and it forks again to read a stack (`observe_stack.read_here`).
"""

from __future__ import annotations

import contextlib
import glob
import os

import enter
import gdb
import observe_gdb
import observe_stack

LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/lib[cm].so.6",
    "/usr/lib/x86_64-linux-gnu/libgcc_s.so.1",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/usr/lib/x86_64-linux-gnu/libasan.so.[0-9]",
    "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
)
"""What most programs that crash under a sanitizer map, of the system's own."""
NOWHERE_AT, APART = 0x7000_0000_0000_0000, 1 << 36
"""Where they are loaded first: no process of x86-64 has code there (Intel SDM, volume 1, 3.3.7.1)."""


def main(orders: int) -> None:
    """Load the libraries and take orders; ``orders``: the socket's descriptor."""
    files = sorted({os.path.realpath(file) for pattern in LIBRARIES for file in glob.glob(pattern)})
    for number, file in enumerate(files):
        base = NOWHERE_AT + number * APART
        gdb.execute(f'add-symbol-file "{file}" -o {base}', to_string=True)
        # gdb reads the index of what a file says of its lines when it is asked about one.
        gdb.execute(f"info line *{base}", to_string=True)
    _let_go({0, 1, 2, orders})
    observe_stack.read_here(observe_gdb.frames_of)
    enter.take_orders(orders, is_debugger=True)


def _let_go(kept: set[int]) -> None:
    """Leave nothing open that two of the processes forked from here would share; gdb goes on with empty devices."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        # The listing's own descriptor is gone by now.
        with contextlib.suppress(OSError):
            if descriptor not in kept:
                os.fstat(descriptor)
                os.dup2(nothing, descriptor, inheritable=False)
