"""Linux ptrace as the observer needs it: attach without stopping, follow every child, look at one that stands still.

x86-64 only; see ptrace(2). Everything here reads the traced process or lets it go on, nothing writes into it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from typing import NamedTuple

SEIZE, INTERRUPT, LISTEN, GETEVENTMSG, GETSIGINFO = 0x4206, 0x4207, 0x4208, 0x4201, 0x4202
CONT, GETREGS, SYSCALL = 7, 12, 24
PEEKUSER, POKEUSER = 3, 6
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_EXIT, EVENT_SECCOMP, EVENT_STOP = 1, 2, 3, 4, 6, 7, 128
BIRTHS = (EVENT_FORK, EVENT_VFORK, EVENT_CLONE)
CALL_STOP = 5 | 0x80
OPTIONS = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 6) | (1 << 7) | (1 << 20)
"""TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE, TRACEEXEC, TRACEEXIT, TRACESECCOMP, EXITKILL.

No child escapes or outlives us, and the calls that the program's filter marks stop for us.
"""
GROUP_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
WALL = 0x40000000
REGISTERS = 27
RIP, RSP, ORIG_RAX, RDI = 16, 19, 15, 14
"""Places in struct user_regs_struct (asm/ptrace.h), which is also the order in a core file's NT_PRSTATUS."""
DEBUG_REGISTERS_AT, STATUS_REGISTER, CONTROL_REGISTER = 848, 6, 7
"""u_debugreg in struct user (sys/user.h); DR6 says which register trapped, DR7 what each looks for."""
WRITE_BITS = {0: 0b0000, 4: 0b1101, 8: 0b1001}
"""Of DR7, by how many bytes are looked at: their length, and that writing them traps; 0: running it traps."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Fault(NamedTuple):
    """A signal as the kernel delivered it: ``code`` above zero means the kernel raised it, else some process did."""

    signal: int
    code: int
    address: int
    pc: int
    sp: int


def _ptrace(request: int, tid: int, address: int = 0, value: int | ctypes.Array[ctypes.c_char] = 0) -> int:
    pointer = ctypes.addressof(value) if isinstance(value, ctypes.Array) else value
    result = int(_libc.ptrace(request, tid, address, pointer))
    if result == -1:
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


def seize(tid: int) -> None:
    """Trace ``tid`` and all it will start, without stopping it now."""
    _ptrace(SEIZE, tid, 0, OPTIONS)


def resume(tid: int, deliver: int = 0, *, to_next_call: bool = False) -> None:
    """Let a stopped thread go on, delivering a signal to it if one is given; nothing if it is gone.

    ``to_next_call``: it stops again (`CALL_STOP`) when its next system call begins or ends.
    """
    try:
        _ptrace(SYSCALL if to_next_call else CONT, tid, 0, deliver)
    except OSError:
        return


def listen(tid: int) -> None:
    """Leave a thread in its group-stop, but hear when it is continued."""
    try:
        _ptrace(LISTEN, tid)
    except OSError:
        return


def interrupt(tid: int) -> None:
    """Ask a running thread to stop; it reports by a stop event. Raises OSError if it is gone."""
    _ptrace(INTERRUPT, tid)


def registers(tid: int) -> tuple[int, ...]:
    """Return a stopped thread's general registers."""
    raw = ctypes.create_string_buffer(REGISTERS * 8)
    _ptrace(GETREGS, tid, 0, raw)
    return struct.unpack(f"<{REGISTERS}Q", raw.raw)


def event_message(tid: int) -> int:
    """Return what belongs to the last event: the exit status, or the new child's id."""
    raw = ctypes.create_string_buffer(8)
    _ptrace(GETEVENTMSG, tid, 0, raw)
    return int(struct.unpack("<Q", raw.raw)[0])


def fault(tid: int) -> Fault:
    """Return the signal that a thread in a signal-delivery-stop is about to get."""
    raw = ctypes.create_string_buffer(128)
    _ptrace(GETSIGINFO, tid, 0, raw)
    number, _, code, address = struct.unpack_from("<iii4xQ", raw.raw)
    regs = registers(tid)
    return Fault(number, code, address, regs[RIP], regs[RSP])


def set_points(tid: int, points: dict[int, tuple[int, int]]) -> None:
    """Have a stopped thread trap where any of up to four points is written, or run; no points: nowhere.

    ``points``: by register, the address and how many bytes (4 or 8) may be written there, or 0 for code that may run.
    Raises OSError where the machine has no debug registers to lend.
    """
    control = 0
    _ptrace(POKEUSER, tid, DEBUG_REGISTERS_AT + 8 * CONTROL_REGISTER, 0)
    for number, (address, size) in points.items():
        _ptrace(POKEUSER, tid, DEBUG_REGISTERS_AT + 8 * number, address)
        control |= 1 << 2 * number | WRITE_BITS[size] << 16 + 4 * number
    _ptrace(POKEUSER, tid, DEBUG_REGISTERS_AT + 8 * CONTROL_REGISTER, control)


def taken_points(tid: int) -> set[int]:
    """Return which points made a thread trap since it was asked last."""
    status = int(_libc.ptrace(PEEKUSER, tid, DEBUG_REGISTERS_AT + 8 * STATUS_REGISTER, 0))
    _ptrace(POKEUSER, tid, DEBUG_REGISTERS_AT + 8 * STATUS_REGISTER, 0)
    return {number for number in range(4) if status >> number & 1}


def next_stop(timeout_s: float) -> tuple[int, int] | None:
    """Return (tid, wait status) of the next change, or None after ``timeout_s``; SIGCHLD must be blocked.

    Raises ChildProcessError when nothing is left to wait for.
    """
    tid, status = os.waitpid(-1, WALL | os.WNOHANG)
    if tid == 0 and timeout_s > 0:
        signal.sigtimedwait([signal.SIGCHLD], timeout_s)
        tid, status = os.waitpid(-1, WALL | os.WNOHANG)
    return (tid, status) if tid else None
