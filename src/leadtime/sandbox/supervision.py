"""Follow one run in a started box to its end: read what it says within bounds, end the box when it passes a limit."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Sequence
from dataclasses import dataclass

from leadtime.sandbox.capture import Capture
from leadtime.sandbox.records import Ending
from leadtime.sandbox.standing import END_S_MAX, StandingBox
from leadtime.sandbox.watcher import Watcher

TICK_S = 0.02
PIECE_BYTES = 1 << 18
LAST_READS_MAX = 64
"""A pipe holds at most a megabyte; with its writers dead this reads it out."""
ANSWER_BYTES_MAX = 32 << 20
RUNS_OWN = frozenset({"stdout", "stderr", "answer"})


@dataclass(frozen=True, slots=True)
class Observed:
    """What the outside saw of a run: its streams, its box's own status and who ended it.

    ``exit_code``: of the box's own program, which is the observer where there is one, and 0 while that stands; None
    means that the box was never set up, and ``stderr`` says why.
    """

    ended_for: Ending | None
    exit_code: int | None
    stdout: Capture
    stderr: Capture
    answer: bytes
    duration_s: float


class Supervision:
    """One run, from its order to the death of its last process."""

    def __init__(self, box: StandingBox, watcher: Watcher, *, output_bytes_max: int, wall_s: float) -> None:
        self._box = box
        self._watcher = watcher
        self._output_bytes_max = output_bytes_max
        self._started_s = time.monotonic()
        self._deadline_s = self._started_s + wall_s
        self._ended_for: Ending | None = None
        self._streams = {
            "stdout": Capture(),
            "stderr": Capture(),
            "answer": Capture(ANSWER_BYTES_MAX, 0),
            "over": Capture(),
            "status": box.status,
            "complaint": box.complaint,
        }
        self._open: set[str] = set()
        self._selector = selectors.DefaultSelector()

    def follow(self, places: Sequence[tuple[str, str]] = ()) -> Observed:
        """Return when nothing of the run is alive: it ended by itself, or was ended for the limit it passed.

        ``places``: which directories of an observer's box lie where in this run. The box stands afterwards if it has
        an observer and no limit was passed.

        Raises:
            Unavailable: the kernel did not end it in time.
        """
        pipes = self._box.begin(places)
        for stream, name in pipes:
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, name)
            self._open.add(name)
        try:
            while not self._is_over() and self._ended_for is None:
                self._read(TICK_S)
                self._box.meet_init()
                self._ended_for = self._passed_limit()
        finally:
            if self._ended_for is not None or not self._streams["over"].total_bytes:
                self._box.end()
            self._read_what_is_left()
            self._selector.close()
            self._box.finish()
        ended_for = self._watcher.look_back() or self._ended_for
        if ended_for is not None:
            self._box.end()
        return self._observed(ended_for)

    def _observed(self, ended_for: Ending | None) -> Observed:
        exit_code = 0 if self._streams["over"].total_bytes else self._box.exit_code()
        is_set_up = exit_code is not None or not self._box.takes_orders
        return Observed(
            ended_for=ended_for,
            exit_code=exit_code,
            stdout=self._streams["stdout"],
            stderr=self._streams["stderr" if is_set_up else "complaint"],
            answer=self._streams["answer"].kept(),
            duration_s=time.monotonic() - self._started_s,
        )

    def _is_over(self) -> bool:
        # bubblewrap holds the status pipe to its end, so this outlasts programs that close their outputs.
        return self._streams["over"].total_bytes > 0 or "status" not in self._open

    def _read(self, patience_s: float) -> bool:
        """Take what has come, waiting for it at most so long; say whether anything came."""
        ready = self._selector.select(patience_s)
        for key, _ in ready:
            piece = os.read(key.fd, PIECE_BYTES)
            self._streams[key.data].feed(piece)
            if not piece:
                self._selector.unregister(key.fileobj)
                self._open.discard(key.data)
        return bool(ready)

    def _passed_limit(self) -> Ending | None:
        if time.monotonic() > self._deadline_s:
            return Ending.TIMED_OUT
        if self._streams["stdout"].total_bytes + self._streams["stderr"].total_bytes > self._output_bytes_max:
            return Ending.OUTPUT_FLOOD
        if self._streams["answer"].total_bytes > ANSWER_BYTES_MAX:
            return Ending.OBSERVER_LOST
        return self._watcher.look(self._box.bubblewrap.pid)

    def _read_what_is_left(self) -> None:
        for _ in range(LAST_READS_MAX):
            if not self._open & RUNS_OWN or not self._read(END_S_MAX):
                return
