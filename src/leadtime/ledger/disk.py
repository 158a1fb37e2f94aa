"""Where a log lies on disk: files that are whole, synced when a write returns, and written by one process at a time."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from leadtime.foundation.errors import Missing, Unavailable
from leadtime.ledger.tiles import BUNDLE_BYTES_MAX, Source

SYNC_EACH_FILES_MAX = 8
"""Up to so many files are synced one by one; beyond, the whole file system is, which waits for others' writes too."""

BEGIN_BYTES_MIN = 65_536
"""Smaller files are left to the sync."""

STAGE = ".new"
LOCK = ".lock"


class Disk(Source, Protocol):
    """One log's files. Every write may fail and yet be kept, or fail and be lost; the caller repeats it."""

    def begin(self, files: Mapping[str, bytes]) -> None:
        """Write files that no checkpoint refers to yet and that the next `put_all` syncs; raises as it does."""
        ...

    def put_all(self, files: Mapping[str, bytes]) -> None:
        """Write files that no checkpoint refers to yet; on return all are synced, and all that were begun before.

        Raises `Unavailable`; then any of them may be there, whole or torn, and has to be written again before a
        checkpoint refers to it.
        """
        ...

    def replace(self, path: str, content: bytes) -> None:
        """Replace one file in one step, synced on return.

        Raises `Unavailable`; then the old or the new one is there.
        """
        ...

    def drop(self, folders: Iterable[str]) -> None:
        """Remove folders of partial tiles that full ones have replaced; one that is not there is no error."""
        ...

    def alone(self) -> AbstractContextManager[bool]:
        """Give whether this process is the only writer now, and stay so for the block."""
        ...


class FileDisk:
    """A folder; ``mode`` is its files' (secrets: 0600)."""

    def __init__(self, root: Path, *, mode: int = 0o644) -> None:
        self.root = root
        self._mode = mode
        self._begun: set[str] = set()
        self._changed: set[Path] = set()

    def read(self, path: str) -> bytes:
        """Return a file, at most as large as the largest bundle."""
        try:
            with (self.root / path).open("rb") as stream:
                content = stream.read(BUNDLE_BYTES_MAX + 1)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise Missing("there is no such file in this log", where=path) from None
        except OSError as problem:
            raise Unavailable(f"a file cannot be read ({problem.strerror})", where=path) from problem
        if len(content) > BUNDLE_BYTES_MAX:
            raise Unavailable(f"a file is larger than {BUNDLE_BYTES_MAX} bytes", where=path)
        return content

    def begin(self, files: Mapping[str, bytes]) -> None:
        """Write files in their places, and have the system begin to bring them to the disk."""
        with _as_unavailable(self.root):
            self._changed |= self._make_folders(files)
            for path, content in files.items():
                self._begun.add(path)
                # Under its own name at once: nobody reads it yet, and a rename costs more than the write.
                _write(f"{self.root}/{path}", content, mode=self._mode)

    def put_all(self, files: Mapping[str, bytes]) -> None:
        """Write files in their places, synced together when they are many."""
        self.begin(files)
        with _as_unavailable(self.root):
            if len(self._begun) <= SYNC_EACH_FILES_MAX:
                _sync(self.root / path for path in self._begun)
                _sync(self._changed)
            else:
                _sync_filesystem(self.root)
        self._begun.clear()
        self._changed.clear()

    def replace(self, path: str, content: bytes) -> None:
        """Replace one file by a synced rename."""
        stage = self.root / STAGE / path.rpartition("/")[2]
        with _as_unavailable(self.root):
            changed = self._make_folders([path])
            stage.parent.mkdir(mode=0o700, exist_ok=True)
            _write(str(stage), content, mode=self._mode)
            _sync([stage])
            stage.rename(self.root / path)
            _sync(changed)

    def drop(self, folders: Iterable[str]) -> None:
        """Remove folders; what cannot be removed stays and does no harm."""
        for folder in folders:
            shutil.rmtree(self.root / folder, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the folder's lock for the block, if it is free; it ends with the process."""
        with _as_unavailable(self.root):
            self.root.mkdir(mode=0o755, parents=True, exist_ok=True)
            handle = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _lock(handle)
        finally:
            os.close(handle)

    def _make_folders(self, paths: Iterable[str]) -> set[Path]:
        """Make the folders of files, where need be; return each whose entries change."""
        changed: set[Path] = set()
        for folder in {self.root / path.rpartition("/")[0] for path in paths}:
            changed.add(folder)
            above = folder
            while not above.is_dir():
                above = above.parent
                changed.add(above)
            folder.mkdir(parents=True, exist_ok=True)
        return changed


def _write(path: str, content: bytes, *, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(handle, left) :]
        if len(content) >= BEGIN_BYTES_MIN:
            # Has the system begin to write at once, where a later sync would first have to.
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(paths: Iterable[Path]) -> None:
    """Sync files or folders, one by one."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync_filesystem(folder: Path) -> None:
    """Sync the file system that holds a folder; Python has no name for syncfs (2), which tells of errors."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(handle)


@contextmanager
def _as_unavailable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise Unavailable(
            f"the disk did not take a write ({problem.strerror})",
            where=str(root),
            next_step="Make room, and see that the folder is writable.",
        ) from problem
