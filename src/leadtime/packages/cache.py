"""A cache of archives addressed by their own digest; safe with many processes at once, and after a crash.

It is bounded: the least recently used archives give way, but none that a process uses.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from leadtime.foundation.clock import Clock, SystemClock
from leadtime.foundation.digests import Digest, canonical_json, digest_of_file, digest_of_parts
from leadtime.packages import limits
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Form, Release

INCOMING = ".incoming-"


class ReleaseCache:
    """Archives under ``objects/<sha256>`` and, beside them, ``releases/<key>.json`` saying which archive is whose.

    Every file is written under another name, synced and renamed, so that a reader sees all of it or nothing; two
    writers of the same archive write the same bytes. What is read back is checked against its digest each time.

    Whoever was given an archive holds a shared lock on it until `close`, or until the process ends; one that is locked
    is not removed.
    """

    def __init__(
        self,
        directory: Path,
        *,
        source: str,
        bytes_max: int = limits.CACHE_BYTES_MAX,
        clock: Clock = SystemClock(),  # noqa: B008  # it has no state
    ) -> None:
        """Use ``directory`` (made on first use); ``source`` tells apart entries from differently configured indexes."""
        self._objects = directory / "objects"
        self._releases = directory / "releases"
        self._source = source
        self._bytes_max = bytes_max
        self._clock = clock
        self._used: dict[Path, int] = {}

    def close(self) -> None:
        """Use no archive any more."""
        for file in self._used.values():
            os.close(file)
        self._used.clear()

    def find(self, purl: Purl, form: Form) -> Release | None:
        """Return the release if it is held and its archive is still what it was, else None; in use until `close`."""
        try:
            entry = json.loads(self._entry(purl, form).read_bytes())
            digest = Digest(str(entry["digest"]))
            declared = entry["declared_digest"]
            archive = self._archive(digest)
            held = Release(purl, archive, digest, str(entry["filename"]), None if declared is None else str(declared))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return held if self._use(archive, digest) else None

    @contextmanager
    def incoming(self) -> Iterator[BinaryIO]:
        """Give a file to download into; what `keep` has not taken when the block ends is removed."""
        self._objects.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._objects, prefix=INCOMING) as stream:
            yield stream.file  # type: ignore[misc]  # the wrapper's own file is a BinaryIO

    def keep(self, stream: BinaryIO, digest: Digest) -> Path:
        """Put a downloaded file, whose digest is ``digest``, into its place and return that; in use until `close`."""
        stream.flush()
        os.fsync(stream.fileno())
        archive = self._archive(digest)
        if not self._is_whole(archive, digest):
            held_name = Path(str(stream.name))
            second = held_name.with_name(held_name.name + ".kept")
            os.link(held_name, second)
            second.chmod(0o444)
            second.replace(archive)
        self._use(archive, digest)
        self.evict()
        return archive

    def evict(self) -> None:
        """Remove the least recently used archives until the rest fits, but none that is in use; and what was left."""
        kept, now = 0, self._clock.now().timestamp()
        for used_at, size, path in sorted(self._kept(), reverse=True):
            if path.name.startswith(INCOMING):
                if now - used_at > limits.INCOMING_SECONDS_MAX:
                    path.unlink(missing_ok=True)
                continue
            kept += size
            if kept > self._bytes_max:
                _remove_unused(path)

    def note(self, release: Release, form: Form) -> None:
        """Remember which archive this release is."""
        self._releases.mkdir(parents=True, exist_ok=True)
        entry = {
            "purl": str(release.purl),
            "form": form.value,
            "filename": release.filename,
            "digest": release.digest,
            "declared_digest": release.declared_digest,
        }
        with tempfile.NamedTemporaryFile(dir=self._releases, prefix=INCOMING, delete=False) as stream:
            stream.write(canonical_json(entry))
            stream.flush()
            os.fsync(stream.fileno())
        Path(stream.name).replace(self._entry(release.purl, form))

    def _kept(self) -> Iterator[tuple[float, int, Path]]:
        for path in self._objects.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                yield status.st_mtime, status.st_size, path

    def _use(self, archive: Path, digest: Digest) -> bool:
        """Hold the archive and note that it was used now; False if it is not what it was."""
        try:
            file = os.open(archive, os.O_RDONLY)
        except OSError:
            return False
        fcntl.flock(file, fcntl.LOCK_SH)
        # Looked at under the lock: it may have been removed between the two.
        if not self._is_whole(archive, digest):
            os.close(file)
            return False
        at = self._clock.now().timestamp()
        with suppress(PermissionError):
            os.utime(archive, (at, at))
        if self._used.setdefault(archive, file) != file:
            os.close(file)
        return True

    def _entry(self, purl: Purl, form: Form) -> Path:
        key = digest_of_parts((self._source, form.value, str(purl)))
        return self._releases / f"{key.removeprefix('sha256:')}.json"

    def _archive(self, digest: Digest) -> Path:
        return self._objects / digest.removeprefix("sha256:")

    @staticmethod
    def _is_whole(archive: Path, digest: Digest) -> bool:
        try:
            return digest_of_file(archive) == digest
        except OSError:
            return False


def _remove_unused(archive: Path) -> None:
    """Remove an archive unless somebody holds it."""
    with suppress(OSError), archive.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        archive.unlink()
