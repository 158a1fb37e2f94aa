"""Letting a tree grow: which files a batch of entries adds, from the right edge of what is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadtime.ledger.tiles import (
    HEIGHT,
    LEVELS_MAX,
    TILE_BYTES,
    WIDTH,
    Source,
    Tile,
    encode_bundle,
    read_bundle,
    read_tile,
)
from leadtime.ledger.tree import EMPTY_ROOT, HASH_BYTES, fold, leaf_hashes


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree of ``size`` leaves: the hashes of each level's partial tile, and the partial bundle."""

    size: int = 0
    rows: tuple[bytes, ...] = ()
    bundle: bytes = b""

    @property
    def root(self) -> bytes:
        """Return the tree's root."""
        found = b""
        for hashes in self.rows:
            if hashes or found:
                found = fold(hashes + found)
        return found or EMPTY_ROOT

    @property
    def partials(self) -> tuple[Tile, ...]:
        """Return the partial tiles and the partial bundle of this tree."""
        widths = [(self.size >> (HEIGHT * level)) % WIDTH for level in range(len(self.rows))]
        tiles = [Tile(level, self.size >> (HEIGHT * (level + 1)), width) for level, width in enumerate(widths) if width]
        bundles = [Tile(None, self.size // WIDTH, self.size % WIDTH)] if self.size % WIDTH else []
        return (*bundles, *tiles)


@dataclass(frozen=True, slots=True)
class Bundled:
    """A batch in its bundles: the content of every new one by its path, and the last one's if it is partial."""

    files: Mapping[str, bytes]
    partial: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """What a batch added: the new edge, and the content of every new file by its path."""

    edge: Edge
    bundles: Mapping[str, bytes]
    tiles: Mapping[str, bytes]


def read_edge(source: Source, size: int) -> Edge:
    """Return the edge of the tree of ``size`` leaves in ``source``.

    Raises `Missing` or `Malformed` if its tiles are not there; whether they are right, only a signed root tells.
    """
    rows: list[bytes] = []
    for level in range(LEVELS_MAX):
        count = size >> (HEIGHT * level)
        if not count:
            break
        rows.append(read_tile(source, Tile(level, count // WIDTH, count % WIDTH)) if count % WIDTH else b"")
    width = size % WIDTH
    entries = read_bundle(source, Tile(None, size // WIDTH, width)) if width else []
    return Edge(size, tuple(rows), encode_bundle(entries))


def grow(edge: Edge, entries: Sequence[bytes], bundled: Bundled | None = None) -> Growth:
    """Return what appending ``entries`` makes of a tree; raises `Malformed` for an entry over 65,535 bytes.

    ``bundled``: what `bundle` returned for the same, if that was asked before.
    """
    size = edge.size + len(entries)
    bundled = bundled or bundle(edge, entries)
    tiles: dict[str, bytes] = {}
    rows = list(edge.rows)
    carried = leaf_hashes(entries)
    level = 0
    while carried:
        if level == len(rows):
            rows.append(b"")
        first = edge.size >> (HEIGHT * (level + 1))
        rows[level], carried = _fill(rows[level] + carried, level, first, tiles)
        level += 1
    return Growth(Edge(size, tuple(rows), bundled.partial), bundled.files, tiles)


def _fill(hashes: bytes, level: int, first: int, tiles: dict[str, bytes]) -> tuple[bytes, bytes]:
    """Cut one level's hashes into tiles; return what is left for its partial tile, and the full ones' roots."""
    roots: list[bytes] = []
    count = len(hashes) // TILE_BYTES
    for number in range(count):
        content = hashes[number * TILE_BYTES : (number + 1) * TILE_BYTES]
        tiles[Tile(level, first + number).path] = content
        roots.append(fold(content))
    rest = hashes[count * TILE_BYTES :]
    if rest:
        tiles[Tile(level, first + count, len(rest) // HASH_BYTES).path] = rest
    return rest, b"".join(roots)


def bundle(edge: Edge, entries: Sequence[bytes]) -> Bundled:
    """Return a batch in its bundles, which takes no hashing; raises `Malformed` for an entry over 65,535 bytes."""
    bundles: dict[str, bytes] = {}
    index, held = divmod(edge.size, WIDTH)
    content, at = edge.bundle, 0
    while at < len(entries):
        piece = entries[at : at + WIDTH - held]
        content += encode_bundle(piece)
        at, held = at + len(piece), held + len(piece)
        bundles[Tile(None, index, held).path] = content
        if held == WIDTH:
            index, held, content = index + 1, 0, b""
    return Bundled(bundles, content)
