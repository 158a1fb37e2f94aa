"""Merkle trees by RFC 6962, section 2.1: hashing, proofs of inclusion and consistency, and checking them.

Pure. Proofs are made from the hashes of complete subtrees, which a `Nodes` gives; checking needs hashes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

from leadtime.foundation.errors import Malformed

HASH_BYTES = 32
PROOF_HASHES_MAX = 63
"""A tree has at most 2**63 leaves (tlog-witness: not more than 63 proof lines)."""

SIZE_MAX = 1 << 63

LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"

EMPTY_ROOT = sha256().digest()
"""The root of the tree without leaves."""


class Nodes(Protocol):
    """Gives the hashes of complete subtrees."""

    def node(self, level: int, index: int) -> bytes:
        """Return the hash over leaves ``[index << level, (index + 1) << level)``, all of which are in the tree."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one log entry."""
    return sha256(LEAF_PREFIX + entry).digest()


def leaf_hashes(entries: Sequence[bytes]) -> bytes:
    """Return the hashes of log entries, one after another."""
    return b"".join([sha256(LEAF_PREFIX + entry).digest() for entry in entries])


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the parent of two subtrees."""
    return sha256(NODE_PREFIX + left + right).digest()


def parents(hashes: bytes) -> bytes:
    """Return the hashes one level up: each pair's parent, a lone last one as it is; all as one run of bytes."""
    step = 2 * HASH_BYTES
    paired = len(hashes) - len(hashes) % step
    # One comprehension over one buffer: this loop is most of what an append costs.
    pairs = [sha256(NODE_PREFIX + hashes[at : at + step]).digest() for at in range(0, paired, step)]
    pairs.append(hashes[paired:])
    return b"".join(pairs)


def fold(hashes: bytes) -> bytes:
    """Return the root over subtrees of one size, of which only the last may be smaller; of none, the empty root."""
    if not hashes:
        return EMPTY_ROOT
    while len(hashes) > HASH_BYTES:
        hashes = parents(hashes)
    return hashes


def root_of(entries: Sequence[bytes]) -> bytes:
    """Return the root of the tree over ``entries``."""
    return fold(leaf_hashes(entries))


def root_at(nodes: Nodes, size: int) -> bytes:
    """Return the root of the tree's first ``size`` leaves."""
    return _over(nodes, 0, size) if size else EMPTY_ROOT


def prove_inclusion(nodes: Nodes, index: int, size: int) -> tuple[bytes, ...]:
    """Return the audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 6962, section 2.1.1).

    Raises `Malformed` if there is no such leaf in that tree.
    """
    if not 0 <= index < size:
        raise Malformed(
            f"a tree of {size} leaves has no leaf {index}", where="leaf", next_step="Ask for a smaller one."
        )
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_over(nodes, middle, high))
            high = middle
        else:
            path.append(_over(nodes, low, middle))
            low = middle
    return tuple(reversed(path))


def prove_consistency(nodes: Nodes, old: int, new: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of ``old`` leaves is the beginning of that of ``new`` (RFC 6962, section 2.1.2).

    Empty for an empty old tree and for two of one size. Raises `Malformed` if the old tree is the larger one.
    """
    if not 0 <= old <= new:
        raise Malformed(f"a tree of {new} leaves does not grow from one of {old}", where="size", next_step="Swap them.")
    if old in {0, new}:
        return ()
    proof: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_over(nodes, middle, high))
            high = middle
        else:
            proof.append(_over(nodes, low, middle))
            low, whole = middle, False
    if not whole:
        proof.append(_over(nodes, low, high))
    return tuple(reversed(proof))


def includes(proof: Sequence[bytes], *, leaf: bytes, index: int, size: int, root: bytes) -> bool:
    """Tell whether ``proof`` shows that the leaf of hash ``leaf`` is at ``index`` of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(proof) > PROOF_HASHES_MAX:
        return False
    found, at, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistent(proof: Sequence[bytes], *, old: int, old_root: bytes, new: int, new_root: bytes) -> bool:
    """Tell whether ``proof`` shows that the new tree only grew from the old one (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old <= new or len(proof) > PROOF_HASHES_MAX:
        return False
    if old in {0, new}:
        return not proof and old_root == (EMPTY_ROOT if old == 0 else new_root)
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(count: int) -> int:
    """Return the largest power of two smaller than ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def _over(nodes: Nodes, low: int, high: int) -> bytes:
    """Return the hash over leaves ``[low, high)``; ``low`` is a multiple of a power of two not below their count."""
    found = b""
    end = high
    while end > low:
        # The rightmost complete subtree that ends here; those to its left are larger.
        level = min((end & -end).bit_length() - 1, (end - low).bit_length() - 1)
        piece = nodes.node(level, (end >> level) - 1)
        found = node_hash(piece, found) if found else piece
        end -= 1 << level
    return found
