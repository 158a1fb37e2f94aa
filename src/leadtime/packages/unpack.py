"""Unpack a hostile archive into a new directory: nothing outside it is touched, and nothing half-written stays."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Conflict, Malformed, Unavailable
from leadtime.packages import limits
from leadtime.packages.members import Member, MemberKind, members_of, pieces_of, shown
from leadtime.packages.paths import path_inside, target_inside

_STEP = "Use a release whose archive is well made."
_DIRECTORY_MODE, _FILE_MODE, _PROGRAM_MODE = 0o755, 0o644, 0o755


@dataclass(frozen=True, slots=True)
class UnpackedTree:
    """A directory as an archive described it; ``files`` maps each regular file's relative path to its digest.

    Links are in the directory but not in ``files``.
    """

    root: Path
    files: Mapping[str, Digest]


def unpack(archive: Path, into: Path, *, strip: int = 1, where: str = "") -> UnpackedTree:
    """Unpack ``archive`` (tar, gzip, bzip2, xz, zip) into ``into``, which must not exist or be empty.

    ``strip`` leading components fall away, as with ``tar --strip-components``; members that have no more vanish.
    Modes become 0644 or 0755; times are kept, since makefiles compare them. All or nothing: the tree appears by one
    rename. Raises `Malformed` naming the member for absolute paths, ``..``, links that leave the tree, devices,
    pipes, and more than the bounds allow; `Conflict` if ``into`` holds something;
    `Unavailable` if the disk does not take it. ``where`` names the archive in
    those sentences (else its file name).
    """
    into = into.absolute()
    if into.is_symlink() or (into.exists() and not (into.is_dir() and not any(into.iterdir()))):
        raise Conflict("the directory to unpack into is not empty", where=into.name, next_step="Choose a new one.")
    into.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=into.parent, prefix=".unpacking-"))
    try:
        writer = _Writer(fresh, where or archive.name)
        with archive.open("rb") as stream:
            for member, content in members_of(stream, where=where or archive.name):
                writer.add(member, content, strip)
        writer.finish()
        fresh.chmod(_DIRECTORY_MODE)
        fresh.replace(into)
    except OSError as problem:
        raise Unavailable(
            f"the archive cannot be unpacked here ({problem.strerror})",
            where=into.name,
            next_step="Make room on the disk, or choose a directory that can be written.",
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return UnpackedTree(into, MappingProxyType(dict(sorted(writer.files.items()))))


class _Writer:
    """Writes members under one directory that nobody else writes to; links come last, so none is written through."""

    def __init__(self, root: Path, where: str) -> None:
        self._root = root
        self._where = where
        self._directories = {""}
        self._links: dict[str, str] = {}
        self._bytes_left = limits.UNPACKED_BYTES_MAX
        self.files: dict[str, Digest] = {}

    def add(self, member: Member, content: IO[bytes] | None, strip: int) -> None:
        path = path_inside(member.name, strip=strip, where=self._where)
        if member.kind is MemberKind.HARDLINK:
            source = path_inside(member.target, strip=strip, where=self._where)
            if path is not None:
                self._copy(path, source, member)
        elif path is None:
            return
        elif member.kind is MemberKind.DIRECTORY:
            self._make_directory(path, member.name)
        elif member.kind is MemberKind.SYMLINK:
            self._make_room(path, member.name)
            self._links[path] = target_inside(path, member.target, where=self._where)
        elif content is not None:
            self._write(path, member, content)

    def finish(self) -> None:
        for path, target in self._links.items():
            (self._root / path).symlink_to(target)

    def _make_directory(self, path: str, name: str) -> None:
        if path in self._directories:
            return
        if path in self.files or path in self._links:
            raise self._refused(name, "is inside something that is not a directory")
        self._make_directory(path.rpartition("/")[0], name)
        directory = self._root / path
        directory.mkdir()
        directory.chmod(_DIRECTORY_MODE)
        self._directories.add(path)

    def _make_room(self, path: str, name: str) -> None:
        """Make the parent, and take away an earlier member of the same path: the last one counts, as with tar."""
        self._make_directory(path.rpartition("/")[0], name)
        if path in self._directories:
            raise self._refused(name, "would replace a directory")
        if self.files.pop(path, None) is not None:
            (self._root / path).unlink()
        self._links.pop(path, None)

    def _write(self, path: str, member: Member, content: IO[bytes]) -> None:
        if member.bytes_declared > self._bytes_left:
            raise self._too_large(member.name)
        self._make_room(path, member.name)
        running = hashlib.sha256()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        target = self._root / path
        with os.fdopen(os.open(target, flags, 0o600), "wb") as stream:
            for piece in pieces_of(content, where=self._where):
                self._spend(len(piece), member.name)
                running.update(piece)
                stream.write(piece)
        target.chmod(_PROGRAM_MODE if member.executable else _FILE_MODE)
        os.utime(target, (member.modified_at, member.modified_at))
        self.files[path] = Digest("sha256:" + running.hexdigest())

    def _copy(self, path: str, source: str | None, member: Member) -> None:
        """Give a hard link its own copy, so that a build which changes one name does not change the other."""
        if source is None or source not in self.files:
            raise self._refused(member.name, "is a hard link to nothing before it in the archive")
        if path == source:
            return
        digest = self.files[source]
        self._make_room(path, member.name)
        self._spend((self._root / source).stat().st_size, member.name)
        shutil.copy2(self._root / source, self._root / path, follow_symlinks=False)
        self.files[path] = digest

    def _spend(self, size: int, name: str) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise self._too_large(name)

    def _too_large(self, name: str) -> Malformed:
        return self._refused(name, f"brings the tree over {limits.UNPACKED_BYTES_MAX} bytes")

    def _refused(self, name: str, problem: str) -> Malformed:
        return Malformed(f"the member {shown(name)} {problem}", where=self._where, next_step=_STEP)
