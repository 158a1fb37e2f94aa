"""All of gdb's Python module that `observe_gdb` needs, in place of the one that gdb brings.

Its own loads commands and printers that nobody uses here, which takes as long as the rest of gdb's start. gdb looks for
the module below its data directory, and asks the module about every frame whether an unwinder in Python knows it.
"""

from __future__ import annotations

from _gdb import *  # noqa: F403


def _execute_unwinders(_frame: object) -> None:
    """Say that there is none (GDB manual, Unwinding Frames in Python)."""
