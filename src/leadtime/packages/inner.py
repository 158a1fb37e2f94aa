"""What lies in the archives inside a release, by digest: one level deep, within bounds, nothing written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Malformed
from leadtime.packages import limits
from leadtime.packages.members import is_archive, members_of, pieces_of
from leadtime.packages.paths import path_inside
from leadtime.packages.unpack import UnpackedTree

_FIRST_BYTES = 262


@dataclass(frozen=True, slots=True)
class InnerManifest:
    """The regular files of one archive in a release: path inside it -> digest.

    ``archive`` is the archive's path in the release. ``unread`` says in one sentence why reading stopped early, and
    is empty if it did not; ``files`` then holds what came before.
    """

    archive: str
    files: Mapping[str, Digest]
    unread: str


def inner_manifests(tree: UnpackedTree) -> tuple[InnerManifest, ...]:
    """Return a manifest for each archive that lies in ``tree``, in the order of their paths.

    A release often ships broken archives on purpose, as test data: such a one is reported in ``unread``, never
    raised. At most ``INNER_ARCHIVES_MAX`` archives and ``INNER_BYTES_MAX`` bytes of content are read.
    """
    found: list[InnerManifest] = []
    bytes_left = limits.INNER_BYTES_MAX
    for path in tree.files:
        if len(found) >= limits.INNER_ARCHIVES_MAX:
            break
        if _is_archive_file(tree.root / path):
            manifest, spent = _manifest(tree.root / path, path, bytes_left)
            bytes_left -= spent
            found.append(manifest)
    return tuple(found)


def _is_archive_file(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_archive(stream.read(_FIRST_BYTES))


def _manifest(archive: Path, path: str, bytes_max: int) -> tuple[InnerManifest, int]:
    files: dict[str, Digest] = {}
    unread = ""
    budget = _Budget(bytes_max)
    try:
        with archive.open("rb") as stream:
            for member, content in members_of(stream, where=path):
                inside = path_inside(member.name, strip=0, where=path)
                if inside is not None and content is not None:
                    files[inside] = _digest(pieces_of(content, where=path), budget, path)
    except Malformed as problem:
        unread = str(problem)
    return InnerManifest(path, MappingProxyType(files), unread), bytes_max - budget.bytes_left


@dataclass(slots=True)
class _Budget:
    """What may still be read, counted down."""

    bytes_left: int


def _digest(pieces: Iterator[bytes], budget: _Budget, where: str) -> Digest:
    running = hashlib.sha256()
    for piece in pieces:
        if len(piece) > budget.bytes_left:
            raise Malformed(
                f"the archives in this release hold more than {limits.INNER_BYTES_MAX} bytes",
                where=where,
                next_step="What comes after it is not known by digest.",
            )
        budget.bytes_left -= len(piece)
        running.update(piece)
    return Digest("sha256:" + running.hexdigest())
