"""First program inside the outer box: for each order makes an inner box, and lets an observer watch it.

Runs isolated, with `TASK_FILE` (what to run) and a socket for orders, whose descriptor the first argument names.
An order is one message: ``{"places": [[DIRECTORY, WHERE], ...]}`` with three descriptors, the program's standard
output, its standard error, and where to answer. Each order has a process of its own, with mounts of its own, forked
before the order comes from this one, which never looks at a program. When that process has ended all else in the outer
box is killed, and one byte on the socket says that nothing is left. Standard library only.

The seam to the observer is one function of ``observe.py`` beside this file::

    watch(init_pid, mode, wall_s, *, payload_pid, open_gate) -> dict

* ``init_pid``: process 1 of the inner box, ``payload_pid``: the shell that will become the program, both as numbered
  in the outer box. The payload waits at a gate when ``watch`` is called, so that nothing of the program is missed.
* ``mode``: ``reports``, ``raises``, ``stacks_at_limit``, ``acts``, ``ends`` or ``builds``.
* ``open_gate()`` lets the program start. ``watch`` calls it once.
* ``watch`` returns when the payload and all it started have ended or ``wall_s`` seconds after the gate opened,
  whichever is first, plus the time it takes to look. What it returns must be JSON; ``"timed_out": true`` says that the
  limit was reached. It goes out as sightings, unread. It may reap any process (``waitpid(-1)``).

Afterwards whatever is left of the inner box is killed. The answer is one line of JSON:
``{"exit_code": int | null, "timed_out": bool, "sightings": object}``, or ``{"failed": "one sentence"}``.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import sys
from typing import Any

import observe
from apart import move_apart, settle
from observe_stack import DEBUGGER, GUEST, debugger_command

TASK_FILE = "/observer/task.json"
FILTER_FILE = "/observer/filter.bpf"

GATE_DESCRIPTOR = 3
READY_DESCRIPTOR = 4
STATUS_DESCRIPTOR = 5
FILTER_DESCRIPTOR = 6
DESCRIPTOR_FIRST = 10

GATE = 'echo >&4; exec 4>&-; read -r gate <&3 || exit 125; exec 3<&-; exec sh -c "$1"'
"""Tell that the shell is there, wait, forget both pipes, become the program."""

START_S_MAX = 20.0
END_S_MAX = 5.0
STATUS_BYTES_MAX = 64 * 1024
PIECE_BYTES = 4096
ORDER_BYTES_MAX = 64 * 1024
OUTPUTS = 3
OVER = b"."
NO_MORE_ORDERS, STACKS_READ = 9, 10
"""What the process of an order may end with beside 0."""
STACKS = ("reports", "samples", "raised", "acts", "ends")
"""The sightings that come with stacks."""

PR_SET_CHILD_SUBREAPER = 36


class InnerBox:
    """The second bubblewrap and the three pipes to it."""

    def __init__(self, arguments: list[str]) -> None:
        gate_read, self._gate = _pipe()
        self._ready, ready_write = _pipe()
        self._status, status_write = _pipe()
        program_filter = _high(os.open(FILTER_FILE, os.O_RDONLY))
        handed = {
            gate_read: GATE_DESCRIPTOR,
            ready_write: READY_DESCRIPTOR,
            status_write: STATUS_DESCRIPTOR,
            program_filter: FILTER_DESCRIPTOR,
        }
        self.pid = os.posix_spawn(
            "/usr/bin/bwrap",
            arguments,
            {"PATH": "/usr/bin:/bin"},
            file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for ours, theirs in handed.items()],
            setsigmask=(),
            # Python ignores some signals, gdb others, and what is ignored is passed on.
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
        )
        for ours in handed:
            os.close(ours)
        self._heard = b""

    def wait_until_ready(self) -> tuple[int, int]:
        """Return the inner box's init and the waiting shell."""
        if not _readable(self._ready, START_S_MAX) or not os.read(self._ready, 1):
            raise RuntimeError("the inner box did not start")
        self._listen(0.0)
        init = self._number("child-pid")
        if init is None:
            raise RuntimeError("the inner box did not say who it is")
        with open(f"/proc/{init}/task/{init}/children", encoding="ascii") as stream:
            (payload,) = stream.read().split()
        return init, int(payload)

    def open_gate(self) -> None:
        """Let the program start."""
        os.write(self._gate, b"\n")
        os.close(self._gate)

    def end(self, *, kill: bool) -> int | None:
        """Wait for the inner box to be gone, by force if asked; return the program's exit code if it had one."""
        if kill:
            self._kill()
        self._listen(END_S_MAX)
        self._kill()
        return self._number("exit-code")

    def _kill(self) -> None:
        # The observer may have reaped it already; then its number is nobody's that we started.
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(self.pid, os.WNOHANG) == (0, 0):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)

    def _listen(self, patience_s: float) -> None:
        while len(self._heard) < STATUS_BYTES_MAX and _readable(self._status, patience_s):
            piece = os.read(self._status, PIECE_BYTES)
            if not piece:
                return
            self._heard += piece

    def _number(self, name: str) -> int | None:
        for line in self._heard.splitlines():
            with contextlib.suppress(ValueError):
                value = json.loads(line).get(name)
                if isinstance(value, int):
                    return value
        return None


def _pipe() -> tuple[int, int]:
    read, write = os.pipe()
    return _high(read), _high(write)


def _high(descriptor: int) -> int:
    """Move a descriptor above the numbers that are handed on, so that handing one on never closes another."""
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, DESCRIPTOR_FIRST)
    finally:
        os.close(descriptor)


def _readable(descriptor: int, patience_s: float) -> bool:
    return bool(select.select([descriptor], [], [], patience_s)[0])


def answer_to(task: dict[str, Any]) -> dict[str, object]:
    """Run the task's inner box under the observer and return the answer."""
    inner = InnerBox([*task["inner_box"], "sh", "-c", GATE, "sh", task["command"]])
    _fall_silent()
    try:
        init, payload = inner.wait_until_ready()
        sightings = observe.watch(
            init, task["watch"], float(task["wall_s"]), payload_pid=payload, open_gate=inner.open_gate
        )
    except BaseException:
        inner.end(kill=True)
        raise
    timed_out = sightings.get("timed_out") is True
    return {"exit_code": inner.end(kill=timed_out), "timed_out": timed_out, "sightings": sightings}


def _fall_silent() -> None:
    """Leave standard output and error to the program: nothing the observer says may mix with them."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def follow_order(task: dict[str, Any], orders: socket.socket) -> int:
    """Be the process of one order: wait for it in mounts of one's own, follow it, answer, return the exit code."""
    move_apart(task["memory_places"])
    message, outputs, _, _ = socket.recv_fds(orders, ORDER_BYTES_MAX, OUTPUTS)
    orders.close()
    if not message:
        return NO_MORE_ORDERS
    out, err, answer = map(_high, outputs)
    for ours, theirs in ((out, 1), (err, 2)):
        os.dup2(ours, theirs)
        os.close(ours)
    found: dict[str, object] = {}
    try:
        settle(json.loads(message)["places"])
        found = answer_to(task)
    except Exception as failure:  # noqa: BLE001 - the outermost loop: whatever it was, the outside must hear it
        found = {"failed": f"{type(failure).__name__}: {failure}"}
    with os.fdopen(answer, "w") as stream:
        json.dump(found, stream)
    sightings = found.get("sightings")
    return STACKS_READ if isinstance(sightings, dict) and any(map(sightings.get, STACKS)) else 0


def clear_box() -> None:
    """Kill all that an order has left in the outer box, a broken observer's own included, and see that it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def become_debugger(orders: int) -> None:
    """Go on in this process as gdb (``warmed.py``), which the following orders' processes are forked from."""
    begin = f"python import sys; sys.path.insert(0, {GUEST!r}); import warmed; warmed.main({orders})"
    # A copy of a process has none of its other threads.
    command, environment = debugger_command("-iex", "maint set worker-threads 0", "-ex", begin)
    os.set_inheritable(orders, True)  # noqa: FBT003 - it takes no names
    os.execve(DEBUGGER, command, environment)  # noqa: S606 - no shell is wanted


def take_orders(number: int, *, is_debugger: bool = False) -> None:
    """Take orders, one after the other, until nobody gives any; ``number``: of the socket's descriptor."""
    orders = socket.socket(fileno=_high(number))
    with open(TASK_FILE, encoding="utf-8") as stream:
        task = json.load(stream)
    while True:
        child = os.fork()
        if child == 0:
            code_of_child = NO_MORE_ORDERS
            try:
                code_of_child = follow_order(task, orders)
            finally:
                os._exit(code_of_child)
        # What a broken observer ends with decides no more than whether there is a next order, and this process's trade.
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        clear_box()
        if code == NO_MORE_ORDERS:
            return
        orders.send(OVER)
        if code == STACKS_READ and not is_debugger:
            become_debugger(orders.detach())


def main() -> None:
    """Begin; the first argument names the descriptor of the socket for orders."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.chdir(GUEST)
    take_orders(int(sys.argv[1]))
