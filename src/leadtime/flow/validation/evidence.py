"""Keeps what a verdict rests on, by digest, each thing once; at rest it opens only to who knows the digest.

The digests lie in the verdict, which is sealed in the database. Name and key of a piece are both derived from its
digest and tell nothing of it: the folder alone is worth nothing, and the worker needs no key of the installation.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from leadtime.flow.validation.bench import private_folder
from leadtime.foundation.digests import Digest, digest_of, digest_of_parts
from leadtime.foundation.errors import Malformed, Missing
from leadtime.foundation.keys import seal, unseal

NAME, KEY = "leadtime.evidence-name/1", "leadtime.evidence-key/1"
CONTEXT = "evidence"


@dataclass(slots=True)
class Evidence:
    """A content-addressed directory of sealed pieces; with ``in_clear``, ``ab/cdef…`` is what has that SHA-256."""

    place: Path
    in_clear: bool = False
    digests: list[Digest] = field(default_factory=list)

    def keep(self, content: bytes) -> Digest:
        """Store ``content``, whole or not at all, and return its digest."""
        digest = digest_of(content)
        target = _path(self.place, digest if self.in_clear else _name(digest))
        if not target.exists():
            private_folder(self.place)
            target.parent.mkdir(exist_ok=True)
            descriptor, fresh = tempfile.mkstemp(dir=target.parent, prefix=".keeping-")
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(content if self.in_clear else seal(_key(digest), content, context=CONTEXT))
                Path(fresh).replace(target)
            except BaseException:
                Path(fresh).unlink()  # on a full disk, half a piece would keep it full
                raise
        if digest not in self.digests:
            self.digests.append(digest)
        return digest


def read_evidence(place: Path, digest: Digest) -> bytes:
    """Return a piece of evidence by its digest; raises `Missing`, or `Malformed` if it is not what was kept."""
    try:
        sealed = _path(place, _name(digest)).read_bytes()
    except OSError:
        raise Missing("there is no such evidence here", where=str(digest), next_step="Look at its worker.") from None
    content = unseal(_key(digest), sealed, context=CONTEXT)
    if digest_of(content) != digest:
        raise Malformed("this is not the evidence that was kept", where=str(digest), next_step="Run it again.")
    return content


def _name(digest: Digest) -> Digest:
    return digest_of_parts((NAME, digest))


def _key(digest: Digest) -> bytes:
    return bytes.fromhex(digest_of_parts((KEY, digest)).removeprefix("sha256:"))


def _path(place: Path, digest: Digest) -> Path:
    name = digest.removeprefix("sha256:")
    return place / name[:2] / name[2:]
