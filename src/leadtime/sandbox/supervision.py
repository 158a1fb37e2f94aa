"""Follow a started box to its end: read what it says within bounds, and end all of it when it passes a limit."""

from __future__ import annotations

import json
import os
import select
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from leadtime.foundation.errors import Unavailable
from leadtime.sandbox.capture import Capture
from leadtime.sandbox.launch import Started
from leadtime.sandbox.records import Ending
from leadtime.sandbox.watcher import Watcher
from leadtime.sandbox.weigh import children_of

TICK_S = 0.02
END_S_MAX = 10.0
PIECE_BYTES = 1 << 18
LAST_READS_MAX = 64
"""A pipe holds at most a megabyte; with its writers dead this reads it out."""
STATUS_BYTES_MAX = 64 * 1024
ANSWER_BYTES_MAX = 32 << 20


@dataclass(frozen=True, slots=True)
class Observed:
    """What the outside saw of a box: its streams, its own status lines and who ended it."""

    ended_for: Ending | None
    exit_code: int | None
    stdout: Capture
    stderr: Capture
    answer: bytes
    duration_s: float


class Supervision:
    """One box from its start to the death of its last process."""

    def __init__(self, started: Started, watcher: Watcher, *, output_bytes_max: int, wall_s: float) -> None:
        self._bubblewrap = started.bubblewrap
        self._watcher = watcher
        self._output_bytes_max = output_bytes_max
        self._started_s = time.monotonic()
        self._deadline_s = self._started_s + wall_s
        self._ended_for: Ending | None = None
        self._streams = {
            "stdout": Capture(),
            "stderr": Capture(),
            "status": Capture(STATUS_BYTES_MAX, 0),
            "answer": Capture(ANSWER_BYTES_MAX, 0),
        }
        self._init: int | None = None
        self._pipes = started.pipes
        self._selector = selectors.DefaultSelector()
        for name, stream in started.pipes.items():
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, name)

    def follow(self) -> Observed:
        """Return when the box is gone: ended by itself, or by us for the limit it passed.

        Raises:
            Unavailable: the kernel did not end it in time.
        """
        try:
            # bubblewrap holds the status pipe to its end, so this outlasts programs that close their outputs.
            while self._selector.get_map() and self._ended_for is None:
                self._read(TICK_S)
                if self._init is None:
                    self._meet_init()
                self._ended_for = self._passed_limit()
        finally:
            self._end()
        return Observed(
            ended_for=self._watcher.look_back() or self._ended_for,
            exit_code=self._status("exit-code"),
            stdout=self._streams["stdout"],
            stderr=self._streams["stderr"],
            answer=self._streams["answer"].kept(),
            duration_s=time.monotonic() - self._started_s,
        )

    def _read(self, patience_s: float) -> bool:
        """Take what has come, waiting for it at most so long; say whether anything came."""
        ready = self._selector.select(patience_s)
        for key, _ in ready:
            piece = os.read(key.fd, PIECE_BYTES)
            self._streams[key.data].feed(piece)
            if not piece:
                self._selector.unregister(key.fileobj)
        return bool(ready)

    def _passed_limit(self) -> Ending | None:
        if time.monotonic() > self._deadline_s:
            return Ending.TIMED_OUT
        if self._streams["stdout"].total_bytes + self._streams["stderr"].total_bytes > self._output_bytes_max:
            return Ending.OUTPUT_FLOOD
        if self._streams["answer"].total_bytes > ANSWER_BYTES_MAX:
            return Ending.OBSERVER_LOST
        return self._watcher.look(self._bubblewrap.pid)

    def _meet_init(self) -> None:
        """Get a handle on the box's first process, whose death is the death of every process in it."""
        number = self._status("child-pid")
        if number is None:
            return
        with suppress(OSError):
            handle = os.pidfd_open(number)
            # Only a child of our own child is ours to end, whatever number was read.
            if number in children_of(self._bubblewrap.pid):
                self._init = handle
            else:
                os.close(handle)

    def _end(self) -> None:
        """Kill what is left and wait until the kernel has taken the last process of the box away."""
        try:
            if self._init is not None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._init, signal.SIGKILL)
                select.select([self._init], [], [], END_S_MAX)
                os.close(self._init)
            else:
                # Nothing hostile runs yet: bubblewrap names its child before it lets it go on.
                self._bubblewrap.kill()
            self._read_what_is_left()
            self._bubblewrap.wait(END_S_MAX)
        except subprocess.TimeoutExpired as failure:
            raise Unavailable(
                f"the kernel has not ended the box in {END_S_MAX:.0f} seconds",
                where="sandbox",
                next_step="Look for processes in uninterruptible sleep.",
            ) from failure
        finally:
            self._selector.close()
            for stream in self._pipes.values():
                stream.close()

    def _read_what_is_left(self) -> None:
        for _ in range(LAST_READS_MAX):
            if not self._selector.get_map() or not self._read(END_S_MAX):
                return

    def _status(self, name: str) -> int | None:
        for line in self._streams["status"].kept().splitlines():
            with suppress(ValueError):
                value = json.loads(line).get(name)
                if isinstance(value, int):
                    return value
        return None
