"""Where one validation lies in clear while it runs: a locked, private folder that is gone when it is over."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from leadtime.sandbox import discard

BENCHES = "running"
PRIVATE = 0o700


@contextmanager
def open_bench(cache: Path) -> Iterator[Path]:
    """Make a folder for one validation, held as long as the block runs; whoever holds its lock is using it."""
    benches = private_folder(cache / BENCHES)
    sweep_benches(cache)
    place = Path(tempfile.mkdtemp(dir=benches))
    try:
        with _held(place):
            yield place
    finally:
        discard(place)


def sweep_benches(cache: Path) -> None:
    """Remove what killed validations left; an empty folder may be somebody's who is about to lock it."""
    benches = cache / BENCHES
    if not benches.is_dir():
        return
    for place in benches.iterdir():
        with suppress(BlockingIOError, FileNotFoundError):
            if any(place.iterdir()):
                with _held(place):
                    discard(place)


def private_folder(place: Path) -> Path:
    """Return a folder that is open to this user alone, also where it was there already."""
    place.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    place.chmod(PRIVATE)
    return place


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Hold a folder's lock; raises `BlockingIOError` if somebody does."""
    opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)
