"""A cache of archives addressed by their own digest; safe with many processes at once, and after a crash."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from leadtime.foundation.digests import Digest, canonical_json, digest_of_file, digest_of_parts
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Form, Release


class ReleaseCache:
    """Archives under ``objects/<sha256>`` and, beside them, ``releases/<key>.json`` saying which archive is whose.

    Every file is written under another name, synced and renamed, so that a reader sees all of it or nothing; two
    writers of the same archive write the same bytes. What is read back is checked against its digest each time.
    """

    def __init__(self, directory: Path, *, source: str) -> None:
        """Use ``directory`` (made on first use); ``source`` tells apart entries from differently configured indexes."""
        self._objects = directory / "objects"
        self._releases = directory / "releases"
        self._source = source

    def find(self, purl: Purl, form: Form) -> Release | None:
        """Return the release if it is held and its archive is still what it was, else None."""
        try:
            entry = json.loads(self._entry(purl, form).read_bytes())
            digest = Digest(str(entry["digest"]))
            declared = entry["declared_digest"]
            archive = self._archive(digest)
            held = Release(purl, archive, digest, str(entry["filename"]), None if declared is None else str(declared))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return held if self._is_whole(archive, digest) else None

    @contextmanager
    def incoming(self) -> Iterator[BinaryIO]:
        """Give a file to download into; what `keep` has not taken when the block ends is removed."""
        self._objects.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._objects, prefix=".incoming-") as stream:
            yield stream.file  # type: ignore[misc]  # the wrapper's own file is a BinaryIO

    def keep(self, stream: BinaryIO, digest: Digest) -> Path:
        """Put a downloaded file, whose digest is ``digest``, into its place and return that place."""
        stream.flush()
        os.fsync(stream.fileno())
        archive = self._archive(digest)
        if not self._is_whole(archive, digest):
            held_name = Path(str(stream.name))
            second = held_name.with_name(held_name.name + ".kept")
            os.link(held_name, second)
            second.chmod(0o444)
            second.replace(archive)
        return archive

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
        with tempfile.NamedTemporaryFile(dir=self._releases, prefix=".incoming-", delete=False) as stream:
            stream.write(canonical_json(entry))
            stream.flush()
            os.fsync(stream.fileno())
        Path(stream.name).replace(self._entry(release.purl, form))

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
