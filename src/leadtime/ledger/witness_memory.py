"""What a witness remembers, as one small file for each log: replaced in one step, synced before the answer leaves."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from leadtime.foundation.errors import Conflict, Malformed, Missing
from leadtime.ledger.checkpoints import Checkpoint, parse_checkpoint
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.witness import NOTHING_SEEN, Seen


class FileMemory:
    """A `witness.Memory` in a folder; for several threads and processes at once."""

    def __init__(self, disk: FileDisk) -> None:
        self._disk = disk

    def latest(self, origin: str) -> Seen:
        """Return what was cosigned last; raises `Malformed` if its file is damaged: then nothing is cosigned."""
        try:
            raw = self._disk.read(_name_of(origin))
        except Missing:
            return NOTHING_SEEN
        checkpoint = parse_checkpoint(raw.decode("utf-8", "replace"))
        if checkpoint.origin != origin:
            raise Malformed("a witness's file is of another log", where=_name_of(origin))
        return Seen(checkpoint.size, checkpoint.root)

    def advance(self, origin: str, *, known: Seen, to: Seen) -> None:
        """Replace ``known`` by ``to``, or raise `Conflict` if something else was cosigned meanwhile."""
        with self._alone(origin):
            if self.latest(origin) != known:
                raise Conflict("another checkpoint was cosigned meanwhile", where="add-checkpoint")
            if to != known:
                self._disk.replace(_name_of(origin), Checkpoint(origin, to.size, to.root).text.encode())

    @contextmanager
    def _alone(self, origin: str) -> Iterator[None]:
        """Wait until no other thread or process changes this log's file."""
        self._disk.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._disk.root / f"{_name_of(origin)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _name_of(origin: str) -> str:
    """Return the name of a log's file: origins may hold slashes."""
    return sha256(origin.encode()).hexdigest()
