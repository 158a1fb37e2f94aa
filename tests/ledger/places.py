"""Places that tests put a log in: a disk in memory, with faults; a witness's memory."""

from __future__ import annotations

from contextlib import contextmanager

from leadtime.foundation.errors import Conflict, Missing, Unavailable
from leadtime.ledger.witness import NOTHING_SEEN


class MemoryDisk:
    """A `disk.Disk` in memory; ``faults``: number of a write -> "lost" or "kept", which is told as a failure."""

    def __init__(self, faults=None):
        self.files: dict[str, bytes] = {}
        self.faults = dict(faults or {})
        self.writes = 0
        self.taken = False
        self.renamed: list[str] = []

    def read(self, path):
        if path not in self.files:
            raise Missing("there is no such file in this log", where=path)
        return self.files[path]

    def begin(self, files):
        self.put_all(files)

    def put_all(self, files):
        for path, content in files.items():
            self._write(path, content)

    def replace(self, path, content):
        self.renamed.append(path)
        self._write(path, content)

    def drop(self, folders):
        for folder in folders:
            for path in [path for path in self.files if path.startswith(f"{folder}/")]:
                del self.files[path]

    @contextmanager
    def alone(self):
        free, self.taken = not self.taken, True
        try:
            yield free
        finally:
            if free:
                self.taken = False

    def _write(self, path, content):
        self.writes += 1
        fault = self.faults.pop(self.writes, None)
        if fault != "lost":
            self.files[path] = content
        if fault:
            raise Unavailable("the disk did not take a write")


class MemoryOfWitness:
    def __init__(self):
        self.seen = {}

    def latest(self, origin):
        return self.seen.get(origin, NOTHING_SEEN)

    def advance(self, origin, *, known, to):
        if self.latest(origin) != known:
            raise Conflict("another checkpoint was cosigned meanwhile")
        self.seen[origin] = to
