"""A proof that one leaf is in a log, as one text (c2sp.org/tlog-proof) that needs the log's key and nothing else."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from leadtime.foundation.errors import Malformed, Missing, Refused
from leadtime.ledger.leaves import parse_leaf
from leadtime.ledger.notes import NOTE_BYTES_MAX
from leadtime.ledger.records import LeafId
from leadtime.ledger.tiles import CHECKPOINT, ENTRY_BYTES_MAX, WIDTH, Source, TileTree, read_bundle, tiles_at
from leadtime.ledger.tree import HASH_BYTES, PROOF_HASHES_MAX, includes, leaf_hash, prove_inclusion
from leadtime.ledger.verify import Head, Trust, verify_head

MAGIC = "c2sp.org/tlog-proof@v1"
PROOF_BYTES_MAX = NOTE_BYTES_MAX + 2 * ENTRY_BYTES_MAX
INDEX_DIGITS_MAX = 19
HEAD_LINES = 3


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A leaf's entry (the proof's extra data), its index, the audit path, and the checkpoint they lead to."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    @property
    def raw(self) -> bytes:
        """Return the proof as it is kept in a file."""
        lines = [MAGIC, f"extra {_base64(self.entry)}", f"index {self.index}", *map(_base64, self.path), "", ""]
        return "\n".join(lines).encode() + self.checkpoint


def prove_leaf(source: Source, trust: Trust, leaf: LeafId) -> InclusionProof:
    """Return the proof that ``leaf`` is in the log, which is searched from its end.

    Raises `Missing` if it is not there, `Refused` if the checkpoint's signatures or the tiles on the way do not hold.
    """
    raw = source.read(CHECKPOINT)
    head = verify_head(raw, trust)
    size = head.checkpoint.size
    for bundle in reversed(tuple(tiles_at(None, size))):
        for number, entry in enumerate(read_bundle(source, bundle)):
            # A cheap look before parsing: the id stands in every leaf's entry as it is spelled.
            if str(leaf).encode() in entry and parse_leaf(entry).id == leaf:
                index = bundle.index * WIDTH + number
                proof = InclusionProof(entry, index, prove_inclusion(TileTree(source, size), index, size), raw)
                check_proof(proof, trust)
                return proof
    raise Missing("no such leaf is in this log", where=str(leaf), next_step="Wait for the next checkpoint, or verify.")


def check_proof(proof: InclusionProof, trust: Trust) -> Head:
    """Return the checkpoint that a proof leads to; raises `Refused` if a signature or the path does not hold."""
    head = verify_head(proof.checkpoint, trust)
    holds = includes(
        proof.path,
        leaf=leaf_hash(proof.entry),
        index=proof.index,
        size=head.checkpoint.size,
        root=head.checkpoint.root,
    )
    if not holds:
        raise Refused("the proof does not lead from the leaf to the signed root", where="proof")
    return head


def parse_proof(raw: bytes) -> InclusionProof:
    """Return the proof that ``raw`` spells; raises `Malformed` for anything else."""
    text, gap, checkpoint = raw.partition(b"\n\n")
    lines = text.decode("utf-8", "replace").split("\n")
    if (
        len(raw) > PROOF_BYTES_MAX
        or not gap
        or not HEAD_LINES <= len(lines) <= PROOF_HASHES_MAX + HEAD_LINES
        or lines[0] != MAGIC
    ):
        raise _not_a_proof()
    word, _, extra = lines[1].partition(" ")
    name, _, index = lines[2].partition(" ")
    if word != "extra" or name != "index" or not index.isdecimal() or len(index) > INDEX_DIGITS_MAX:
        raise _not_a_proof()
    try:
        entry, *path = (base64.b64decode(each, validate=True) for each in (extra, *lines[HEAD_LINES:]))
    except (binascii.Error, ValueError):
        raise _not_a_proof() from None
    proof = InclusionProof(entry, int(index), tuple(path), checkpoint)
    if proof.raw != raw or any(len(each) != HASH_BYTES for each in path):
        raise _not_a_proof()
    return proof


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _not_a_proof() -> Malformed:
    return Malformed(f"this is not a {MAGIC} with its entry", where="proof", next_step="Ask for it again.")
