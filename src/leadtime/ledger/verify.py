"""Verifying a log from outside: from its files alone, without an account, a database or the one who keeps it.

The whole tree is built again from every entry, and compared with every tile and with the signed root; so whoever
verified the whole needs no further proof of any leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.ledger.checkpoints import Checkpoint, open_checkpoint
from leadtime.ledger.cosignatures import Cosignature, cosigned_by
from leadtime.ledger.growth import Edge, grow
from leadtime.ledger.leaves import Leaf, parse_leaf
from leadtime.ledger.notes import Note, VerifierKey, signed_by
from leadtime.ledger.records import TreeHead
from leadtime.ledger.signers import KEYS, counting_at, parse_keys
from leadtime.ledger.tally import Tally
from leadtime.ledger.tiles import CHECKPOINT, WIDTH, Source, Tile, parse_path, read_bundle, read_tile, tiles_at

LEAVES_MAX = 20_000_000
"""A verifier keeps the id of every leaf, to notice one that stands twice."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a verifier believes: the log's keys under its name, and how many of which witnesses it asks for."""

    origin: str
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...] = ()
    witnesses_min: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint whose signatures hold."""

    checkpoint: Checkpoint
    note: Note
    signed_by: tuple[VerifierKey, ...]
    cosigned: tuple[Cosignature, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verifier found: the head (None if its signatures do not hold), leaves by kind, and what is wrong."""

    head: Head | None
    kinds: dict[str, int] = field(default_factory=dict)
    problems: Tally = field(default_factory=Tally)

    @property
    def holds(self) -> bool:
        """Tell whether nothing is wrong."""
        return self.head is not None and self.problems.count == 0


Visit = Callable[[int, Leaf], None]


def trust_on_first_use(source: Source, *, now: datetime) -> Trust:
    """Return the trust that a log asks for itself, by its file ``keys``: it shows no more than that the log is whole.

    Raises `Missing` if the log lists no keys, `Malformed` if it lists none that counts at ``now``.
    """
    keys = counting_at(parse_keys(source.read(KEYS)), now)
    if not keys:
        raise Malformed("the log lists no key that counts now", where=KEYS, next_step="Name its key.")
    return Trust(keys[0].name, keys)


def verify_head(raw: bytes, trust: Trust) -> Head:
    """Return the checkpoint that ``raw`` is, its signatures checked.

    Raises `Malformed`, or `Refused` if the log did not sign it, too few witnesses cosigned it, or a signature fails.
    """
    checkpoint, note = open_checkpoint(raw, origin=trust.origin, keys=trust.keys)
    cosigned = cosigned_by(note, trust.witnesses)
    if len(cosigned) < trust.witnesses_min:
        raise Refused(
            f"{len(cosigned)} of {trust.witnesses_min} witnesses cosigned this checkpoint",
            where=CHECKPOINT,
            next_step="Ask the witnesses what they saw.",
        )
    return Head(checkpoint, note, signed_by(note, trust.keys), cosigned)


def verify_log(
    source: Source, trust: Trust, *, earlier: Sequence[bytes] = (), visit: Visit = lambda _index, _leaf: None
) -> Verification:
    """Verify a whole log: signatures, every tile and leaf, and that it grew from each checkpoint kept ``earlier``.

    ``visit`` sees every leaf with its index, in order. What is wrong is told in the result; raised are `Missing` if
    there is no log at all, and `Unavailable` if its place does not answer.
    """
    raw = source.read(CHECKPOINT)
    try:
        head = verify_head(raw, trust)
    except (Malformed, Refused) as problem:
        found = Verification(None)
        found.problems.add(str(problem))
        return found
    found = Verification(head)
    if head.checkpoint.size > LEAVES_MAX:
        raise Unavailable(f"the log has more than {LEAVES_MAX} leaves", where=CHECKPOINT)
    kept = _earlier_heads(earlier, trust, head.checkpoint, found.problems)
    try:
        _rebuild(source, head.checkpoint, kept, found, visit)
    except (Malformed, Missing) as problem:
        found.problems.add(f"the log is not whole: {problem}")
    return found


def _earlier_heads(earlier: Sequence[bytes], trust: Trust, now: Checkpoint, problems: Tally) -> list[TreeHead]:
    """Return the heads to compare with, in order of size; one that cannot be compared is a problem."""
    kept: list[TreeHead] = []
    for raw in earlier:
        try:
            checkpoint, _ = open_checkpoint(raw, origin=trust.origin, keys=trust.keys)
        except LeadtimeError as problem:
            problems.add(f"an earlier checkpoint cannot be compared: {problem}")
            continue
        if checkpoint.size > now.size:
            problems.add(f"the log has {now.size} leaves, and an earlier checkpoint signs {checkpoint.size}")
        else:
            kept.append(TreeHead(checkpoint.size, checkpoint.root))
    return sorted(kept, key=lambda head: head.size)


def _rebuild(source: Source, head: Checkpoint, kept: list[TreeHead], found: Verification, visit: Visit) -> None:
    edge = Edge()
    seen: set[int] = set()
    _compare_heads(edge, [], kept, found.problems)
    for bundle in tiles_at(None, head.size):
        entries = read_bundle(source, bundle)
        _compare_heads(edge, entries, kept, found.problems)
        growth = grow(edge, entries)
        for path, content in growth.tiles.items():
            tile = parse_path(path)
            if tile.width == WIDTH:
                _compare(source, tile, content, found.problems)
        for number, entry in enumerate(entries, start=edge.size):
            _take_leaf(number, entry, seen, found, visit)
        edge = growth.edge
    for tile in edge.partials:
        if tile.level is not None:
            _compare(source, tile, edge.rows[tile.level], found.problems)
    if edge.root != head.root:
        found.problems.add(f"the entries do not have the root that was signed for {head.size} leaves")


def _compare_heads(edge: Edge, entries: Sequence[bytes], kept: list[TreeHead], problems: Tally) -> None:
    """Compare the earlier heads that lie within the next entries with the tree as it was then."""
    while kept and kept[0].size <= edge.size + len(entries):
        head = kept.pop(0)
        if grow(edge, entries[: head.size - edge.size]).edge.root != head.root:
            problems.add(f"the log did not grow from an earlier checkpoint of {head.size} leaves: two histories")


def _compare(source: Source, tile: Tile, content: bytes, problems: Tally) -> None:
    if read_tile(source, tile) != content:
        problems.add(f"{tile.path} does not hold the hashes of its entries")


def _take_leaf(number: int, entry: bytes, seen: set[int], found: Verification, visit: Visit) -> None:
    try:
        leaf = parse_leaf(entry)
    except Malformed as problem:
        found.problems.add(f"entry {number} is not a leaf: {problem.what}")
        return
    if leaf.id.int in seen:
        found.problems.add(f"leaf {leaf.id} stands twice, at last at {number}")
    seen.add(leaf.id.int)
    found.kinds[leaf.kind] = found.kinds.get(leaf.kind, 0) + 1
    visit(number, leaf)
