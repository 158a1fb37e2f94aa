"""Where a log's hashes and entries lie: the paths and bytes of C2SP tlog-tiles (c2sp.org/tlog-tiles), and reading them.

Tiles are 8 levels high and 256 hashes wide. An entry bundle holds the 256 entries under one lowest tile, each after its
length as a big-endian uint16.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from leadtime.foundation.errors import Malformed, Missing
from leadtime.ledger.tree import HASH_BYTES, parents

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES
LEVELS_MAX = 8
"""Eight levels of tiles hold 2**64 leaves."""

ENTRY_BYTES_MAX = 65_535
LENGTH_BYTES = 2
BUNDLE_BYTES_MAX = WIDTH * (LENGTH_BYTES + ENTRY_BYTES_MAX)
TILES_KEPT_MAX = 512
"""Tiles that a reader keeps with their inner hashes: at most about 25 MiB."""

CHECKPOINT = "checkpoint"
ENTRIES = "entries"

_PATH = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z")


class Source(Protocol):
    """A place that tiles and checkpoints are read from."""

    def read(self, path: str) -> bytes:
        """Return the file at ``path`` (such as ``tile/0/000``).

        Raises `Missing` if there is none, `Unavailable` if the place does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile, or with ``level`` None one entry bundle: its place in the level, and how many of 256 are full."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return its path below the log's prefix; partial ones end with ``.p/`` and their width."""
        level = ENTRIES if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_spell(self.index)}{partial}"

    @property
    def partials(self) -> str:
        """Return the folder of the partial tiles of this place."""
        return f"{self.full.path}.p"

    @property
    def full(self) -> Tile:
        """Return the same place with all of its 256 filled."""
        return Tile(self.level, self.index)


def parse_path(path: str) -> Tile:
    """Return the tile or bundle that ``path`` names; raises `Malformed` for every other spelling."""
    found = _PATH.match(path)
    if found is None:
        raise Malformed("this is not the path of a tile", where="path", next_step="Ask for tile/<level>/<index>.")
    level, index, width = found.groups()
    tile = Tile(
        level=None if level == ENTRIES else int(level),
        index=int(index.replace("x", "").replace("/", "")),
        width=int(width) if width else WIDTH,
    )
    if tile.path != path or (width and tile.width >= WIDTH):
        raise Malformed("this is not the path of a tile", where="path", next_step="Ask for tile/<level>/<index>.")
    return tile


def tiles_at(level: int | None, size: int, *, first: int = 0) -> Iterator[Tile]:
    """Yield the tiles of one level (None: the bundles) of a tree of ``size`` leaves, from place ``first`` on."""
    count = size >> (HEIGHT * (level or 0))
    for index in range(first, count // WIDTH):
        yield Tile(level, index)
    if count % WIDTH and first <= count // WIDTH:
        yield Tile(level, count // WIDTH, count % WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of at most 256 entries; raises `Malformed` for an entry over 65,535 bytes."""
    if len(entries) > WIDTH:
        raise Malformed(f"a bundle holds at most {WIDTH} entries", where="bundle", next_step="Cut it.")
    if entries and max(map(len, entries)) > ENTRY_BYTES_MAX:
        raise Malformed(f"a log entry is larger than {ENTRY_BYTES_MAX} bytes", where="entry", next_step="Log less.")
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(LENGTH_BYTES, "big"), entry)])


def decode_bundle(bundle: bytes, width: int) -> list[bytes]:
    """Return the ``width`` entries of a bundle; raises `Malformed` if it is cut or holds anything besides."""
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(bundle[at:start], "big")
        if start > len(bundle) or at > len(bundle):
            raise Malformed("an entry bundle is cut short", where=ENTRIES, next_step="Fetch it again.")
        entries.append(bundle[start:at])
    if at != len(bundle):
        raise Malformed("an entry bundle holds more than its entries", where=ENTRIES, next_step="Fetch it again.")
    return entries


def read_tile(source: Source, tile: Tile) -> bytes:
    """Return the hashes of a tile; where the partial one is gone, the beginning of the full one.

    Raises `Malformed` for a wrong length, `Missing` if neither is there.
    """
    content = _read_either(source, tile)
    wanted = tile.width * HASH_BYTES
    if len(content) not in {wanted, TILE_BYTES}:
        raise Malformed("a tile has not the length of its width", where=tile.path, next_step="Fetch it again.")
    return content[:wanted]


def read_bundle(source: Source, tile: Tile) -> list[bytes]:
    """Return the entries of a bundle; where the partial one is gone, the first of the full one; as `read_tile`."""
    content = _read_either(source, tile)
    try:
        return decode_bundle(content, tile.width)
    except Malformed:
        if tile.width == WIDTH:
            raise
        return decode_bundle(content, WIDTH)[: tile.width]


class TileTree:
    """The tree of ``size`` leaves whose tiles lie in ``source``, as a `tree.Nodes`; keeps what it read, within bounds.

    The hashes are as the source gives them: whoever does not trust it compares the root with a checkpoint.
    """

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = size
        self._kept: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def node(self, level: int, index: int) -> bytes:
        """Return the hash over leaves ``[index << level, (index + 1) << level)``."""
        row, inner = divmod(level, HEIGHT)
        place = index >> (HEIGHT - inner)
        at = (index - (place << (HEIGHT - inner))) * HASH_BYTES
        kept = self._kept.get((row, place))
        if kept is None:
            kept = self._read(row, place)
        else:
            self._kept.move_to_end((row, place))
        while len(kept) <= inner:
            hashes = kept[-1]
            kept.append(parents(hashes[: len(hashes) - len(hashes) % (2 * HASH_BYTES)]))
        return kept[inner][at : at + HASH_BYTES]

    def _read(self, row: int, place: int) -> list[bytes]:
        width = min(WIDTH, (self._size >> (HEIGHT * row)) - place * WIDTH)
        hashes = read_tile(self._source, Tile(row, place, width))
        if len(self._kept) >= TILES_KEPT_MAX:
            self._kept.popitem(last=False)
        self._kept[row, place] = kept = [hashes]
        return kept


def _read_either(source: Source, tile: Tile) -> bytes:
    try:
        return source.read(tile.path)
    except Missing as missing:
        if tile.width == WIDTH:
            raise
        try:
            return source.read(tile.full.path)
        except Missing:
            raise missing from None


def _spell(index: int) -> str:
    """Return an index in groups of three digits, all but the last after an x: 1234067 is x001/x234/067."""
    last, groups = f"{index % 1000:03}", []
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}/")
    return "".join(reversed(groups)) + last
