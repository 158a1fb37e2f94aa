"""A started box: takes orders if it has an observer, names its first process, and is ended as a whole."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from leadtime.foundation.errors import Unavailable
from leadtime.sandbox.capture import Capture
from leadtime.sandbox.launch import Started
from leadtime.sandbox.weigh import children_of

END_S_MAX = 10.0
STATUS_BYTES_MAX = 64 * 1024
COMPLAINT_BYTES_MAX = 64 * 1024

Pipe = IO[bytes] | socket.socket


class StandingBox:
    """One box from its start to the death of its last process.

    ``status`` and ``complaint`` are what bubblewrap and the observer say of themselves, as far as it was read.
    """

    def __init__(self, started: Started) -> None:
        self.bubblewrap = started.bubblewrap
        self.status = Capture(STATUS_BYTES_MAX, 0)
        self.complaint = Capture(COMPLAINT_BYTES_MAX, 0)
        self.has_ended = False
        self._pipes = started.pipes
        self._orders = started.orders
        self._runs_own: list[IO[bytes]] = []
        self._init: int | None = None

    @property
    def takes_orders(self) -> bool:
        """Tell whether an observer runs in it, one program after the other."""
        return self._orders is not None

    def begin(self, places: Sequence[tuple[str, str]]) -> list[tuple[Pipe, str]]:
        """Order a run if it takes orders; return what to read while it goes on, and what each pipe is called."""
        if self._orders is None:
            return [(stream, name) for name, stream in self._pipes.items()]
        reading, writing = zip(*(os.pipe() for _ in range(3)), strict=True)
        self._runs_own = [os.fdopen(descriptor, "rb", buffering=0) for descriptor in reading]
        try:
            # A box that could not be set up says so in its status.
            with suppress(BrokenPipeError, ConnectionResetError):
                socket.send_fds(self._orders, [json.dumps({"places": list(places)}).encode()], writing)
        finally:
            for descriptor in writing:
                os.close(descriptor)
        named: list[tuple[Pipe, str]] = list(zip(self._runs_own, ("stdout", "stderr", "answer"), strict=True))
        own = [(stream, "status" if name == "status" else "complaint") for name, stream in self._pipes.items()]
        return [*named, *own, (self._orders, "over")]

    def finish(self) -> None:
        """Let go of what was read of one run."""
        for stream in self._runs_own:
            stream.close()
        self._runs_own = []

    def meet_init(self) -> None:
        """Get a handle on the box's first process, whose death is the death of every process in it."""
        if self._init is not None:
            return
        number = self._said("child-pid")
        if number is None:
            return
        with suppress(OSError):
            handle = os.pidfd_open(number)
            # Only a child of our own child is ours to end, whatever number was read.
            if number in children_of(self.bubblewrap.pid):
                self._init = handle
            else:
                os.close(handle)

    def exit_code(self) -> int | None:
        """Return what the box's own program ended with; None if it never started."""
        return self._said("exit-code")

    def end(self) -> None:
        """Kill what is left and wait until the kernel has taken the last process of the box away.

        What they wrote can still be read. Raises `Unavailable` if the kernel did not end it in time.
        """
        if self.has_ended:
            return
        self.has_ended = True
        try:
            if self._init is not None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._init, signal.SIGKILL)
                select.select([self._init], [], [], END_S_MAX)
                os.close(self._init)
            else:
                # Nothing hostile runs yet: bubblewrap names its child before it lets it go on.
                self.bubblewrap.kill()
            self._wait()
        except subprocess.TimeoutExpired as failure:
            raise Unavailable(
                f"the kernel has not ended the box in {END_S_MAX:.0f} seconds",
                where="sandbox",
                next_step="Look for processes in uninterruptible sleep.",
            ) from failure

    def _wait(self) -> None:
        # With a timeout alone it is looked for ever less often. Who has been waited for before has no number any more.
        if self.bubblewrap.poll() is None:
            ended = os.pidfd_open(self.bubblewrap.pid)
            try:
                select.select([ended], [], [], END_S_MAX)
            finally:
                os.close(ended)
        self.bubblewrap.wait(0)

    def close(self) -> None:
        """End it and let go of its pipes."""
        try:
            self.end()
        finally:
            self.finish()
            for stream in self._pipes.values():
                stream.close()
            if self._orders is not None:
                self._orders.close()

    def _said(self, name: str) -> int | None:
        for line in self.status.kept().splitlines():
            with suppress(ValueError):
                value = json.loads(line).get(name)
                if isinstance(value, int):
                    return value
        return None
