"""SHA-256 digests and the one canonical JSON that they are taken over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NewType

Digest = NewType("Digest", str)
"""``sha256:`` and 64 lowercase hexadecimal digits."""

READ_BYTES = 1 << 20


def digest_of(content: bytes) -> Digest:
    """Return the SHA-256 digest of ``content``."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def digest_of_file(path: Path) -> Digest:
    """Return the SHA-256 digest of a file, reading it in pieces."""
    running = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(READ_BYTES):
            running.update(piece)
    return Digest("sha256:" + running.hexdigest())


def digest_of_parts(parts: Iterable[str | bytes]) -> Digest:
    """Return a digest over parts, each preceded by its length, so that no two lists of parts share an encoding."""
    running = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        running.update(len(content).to_bytes(8, "big"))
        running.update(content)
    return Digest("sha256:" + running.hexdigest())


def canonical_json(value: object) -> bytes:
    """Return the one JSON encoding that is signed and hashed: sorted keys, no white space, UTF-8, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
