"""Keeps what a verdict rests on, by digest, each thing once."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from leadtime.foundation.digests import Digest, digest_of


@dataclass(slots=True)
class Evidence:
    """A content-addressed directory: ``ab/cdef…`` holds what has the SHA-256 ``abcdef…``."""

    place: Path
    digests: list[Digest] = field(default_factory=list)

    def keep(self, content: bytes) -> Digest:
        """Store ``content``, whole or not at all, and return its digest."""
        digest = digest_of(content)
        name = digest.removeprefix("sha256:")
        target = self.place / name[:2] / name[2:]
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, fresh = tempfile.mkstemp(dir=target.parent, prefix=".keeping-")
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            Path(fresh).replace(target)
        if digest not in self.digests:
            self.digests.append(digest)
        return digest
