"""Built trees at rest: each in one sealed file that opens only to who holds its recipe; the oldest give way.

A tree holds the finder's files and what was made of them. Its key is derived from the whole recipe, which is itself
sealed in the database: no key lies on this machine, and a copy of the cache is worth nothing without the report.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from leadtime.flow.validation.bench import private_folder
from leadtime.foundation.clock import Clock, SystemClock
from leadtime.foundation.errors import Malformed
from leadtime.foundation.keys import seal, unseal

SHELF = "builds"
FRAME_BYTES = 4 << 20
FRAMES_MAX = 4096
"""16 GiB of a tree."""

SEALED_MORE_BYTES = 28
LENGTH_BYTES = 4
PACK_SECONDS_MAX = 600
SHELF_BYTES_MAX = 16 << 30
AGE_SECONDS_MAX = 30 * 86_400
UNFINISHED = ".sealing-"


@dataclass(frozen=True, slots=True)
class SealedBuilds:
    """The built trees of one machine, by name; the least recently used are removed above a size and an age."""

    shelf: Path
    bytes_max: int = SHELF_BYTES_MAX
    age_seconds_max: float = AGE_SECONDS_MAX
    clock: Clock = field(default_factory=SystemClock)

    def take(self, name: str, key: bytes, place: Path) -> bool:
        """Lay the tree of that name out in ``place``; False if there is none, or none that opens."""
        sealed = self.shelf / name
        try:
            with sealed.open("rb") as stream:
                _unpack(stream, key, place)
            self._stamp(sealed)
        except (OSError, Malformed):
            return False
        return True

    def keep(self, name: str, key: bytes, place: Path) -> None:
        """Keep the tree in ``place`` under that name, whole or, where it cannot be packed, not at all."""
        private_folder(self.shelf)
        with tempfile.NamedTemporaryFile(dir=self.shelf, prefix=UNFINISHED, delete=False) as stream:
            fresh = Path(stream.name)
            try:
                packed = _pack(place, key, cast("BinaryIO", stream))
            except BaseException:
                fresh.unlink()
                raise
        if packed:
            self._stamp(fresh)
            fresh.replace(self.shelf / name)
        else:
            fresh.unlink()
        self.evict()

    def evict(self) -> None:
        """Remove what is too old, and then the least recently used until the rest fits."""
        now = self.clock.now().timestamp()
        kept = 0
        for used_at, size, path in sorted(self._entries(), reverse=True):
            kept += size
            if kept > self.bytes_max or now - used_at > self.age_seconds_max:
                path.unlink(missing_ok=True)

    def _stamp(self, path: Path) -> None:
        """Note that it was used now."""
        at = self.clock.now().timestamp()
        os.utime(path, (at, at))

    def _entries(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self.shelf.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                # What is being written is somebody's until it is older than any packing takes.
                if path.is_file() and not (path.name.startswith(UNFINISHED) and self._fresh(status.st_mtime)):
                    found.append((status.st_mtime, status.st_size, path))
        return found

    def _fresh(self, at: float) -> bool:
        return self.clock.now().timestamp() - at < PACK_SECONDS_MAX


def _pack(place: Path, key: bytes, into: BinaryIO) -> bool:
    """Write the sealed tree; False if it cannot be packed whole within the bounds."""
    command = ["timeout", str(PACK_SECONDS_MAX), "tar", "--numeric-owner", "-C", str(place), "-cf", "-", "."]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as packing:
        source = cast("BinaryIO", packing.stdout)
        for number in range(FRAMES_MAX):
            piece = source.read(FRAME_BYTES)
            last = len(piece) < FRAME_BYTES
            frame = seal(key, piece, context=_context(number, last=last))
            into.write(len(frame).to_bytes(LENGTH_BYTES, "big") + frame)
            if last:
                return packing.wait() == 0
        packing.kill()
    return False


def _unpack(stream: BinaryIO, key: bytes, place: Path) -> None:
    """Lay a sealed tree out; raises `Malformed` for one that does not open, is cut short, or does not unpack."""
    command = ["timeout", str(PACK_SECONDS_MAX), "tar", "--numeric-owner", "-C", str(place), "-xpf", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as unpacking:
        target = cast("BinaryIO", unpacking.stdin)
        whole = False
        with suppress(BrokenPipeError), target:
            for number in range(FRAMES_MAX):
                length = int.from_bytes(stream.read(LENGTH_BYTES), "big")
                whole = length - SEALED_MORE_BYTES < FRAME_BYTES
                frame = stream.read(min(length, FRAME_BYTES + SEALED_MORE_BYTES))
                target.write(unseal(key, frame, context=_context(number, last=whole)))
                if whole:
                    break
    if not whole or unpacking.returncode:
        raise Malformed("a kept build does not unpack", where=place.name, next_step="It is built again.")


def _context(number: int, *, last: bool) -> str:
    """Return what a frame is bound to: its place, and whether it is the last, so that none can be cut or moved."""
    return f"build:{number}:{'last' if last else 'more'}"
