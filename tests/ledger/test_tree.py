from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.ledger import tree
from leadtime.ledger.tree import consistent, includes, leaf_hash, prove_consistency, prove_inclusion, root_at, root_of

SIZES_MAX = 70


class Entries:
    """Nodes computed from the definition, one by one."""

    def __init__(self, entries):
        self.entries = entries

    def node(self, level, index):
        under = self.entries[index << level : (index + 1) << level]
        assert len(under) == 1 << level, "only complete subtrees are asked for"
        return mth(under)


def mth(entries):
    """RFC 6962, section 2.1, word for word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m, entries):
    """RFC 6962, section 2.1.1, word for word."""
    if len(entries) == 1:
        return []
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m, entries, *, whole):
    """RFC 6962, section 2.1.2, word for word."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], whole=whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], whole=False), mth(entries[:k])]


def entries_of(size):
    return [f"entry {number}".encode() for number in range(size)]


@pytest.mark.parametrize("size", range(SIZES_MAX))
def test_roots_are_those_of_the_definition(size):
    entries = entries_of(size)
    assert root_of(entries) == root_at(Entries(entries), size) == mth(entries)


def test_the_empty_tree_has_the_hash_of_nothing():
    assert tree.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_known_root_of_the_eight_entries_of_certificate_transparency():
    entries = [
        bytes.fromhex(text)
        for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    ]
    assert root_of(entries).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(1, 40))
def test_inclusion_proofs_are_those_of_the_definition_and_verify(size):
    entries = entries_of(size)
    root = mth(entries)
    for index in range(size):
        proof = prove_inclusion(Entries(entries), index, size)
        assert list(proof) == path(index, entries)
        assert includes(proof, leaf=leaf_hash(entries[index]), index=index, size=size, root=root)


@pytest.mark.parametrize("new", range(40))
def test_consistency_proofs_are_those_of_the_definition_and_verify(new):
    entries = entries_of(new)
    for old in range(new + 1):
        proof = prove_consistency(Entries(entries), old, new)
        assert list(proof) == (subproof(old, entries, whole=True) if old else [])
        assert consistent(proof, old=old, old_root=mth(entries[:old]), new=new, new_root=mth(entries))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(Malformed, match=f"a tree of {size} leaves has no leaf {index}"):
        prove_inclusion(Entries(entries_of(3)), index, size)


@pytest.mark.parametrize(("old", "new"), [(4, 3), (-1, 3)])
def test_no_proof_from_a_larger_tree(old, new):
    with pytest.raises(Malformed, match=f"a tree of {new} leaves does not grow from one of {old}"):
        prove_consistency(Entries(entries_of(3)), old, new)


def mutations(proof, draw):
    """Every kind of change to a proof: a bit, a hash less, a hash more, two swapped."""
    kinds = ["more"] + (["bit", "less"] if proof else []) + (["swap"] if len(set(proof)) > 1 else [])
    kind = draw(st.sampled_from(kinds))
    changed = list(proof)
    if kind == "more":
        changed.insert(draw(st.integers(0, len(proof))), draw(st.binary(min_size=32, max_size=32)))
    elif kind == "bit":
        at, bit = draw(st.integers(0, len(proof) - 1)), draw(st.integers(0, 255))
        changed[at] = (int.from_bytes(changed[at], "big") ^ 1 << bit).to_bytes(32, "big")
    elif kind == "less":
        del changed[draw(st.integers(0, len(proof) - 1))]
    else:
        one, other = draw(st.permutations(range(len(proof))))[:2]
        changed[one], changed[other] = changed[other], changed[one]
    return tuple(changed)


@given(st.data())
def test_every_mutation_of_an_inclusion_proof_fails(data):
    size = data.draw(st.integers(1, SIZES_MAX))
    entries = entries_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(Entries(entries), index, size)
    right = {"leaf": leaf_hash(entries[index]), "index": index, "size": size, "root": mth(entries)}
    changed = mutations(proof, data.draw)
    assert changed == proof or not includes(changed, **right)
    assert not includes(proof, **{**right, "leaf": leaf_hash(b"another")})
    assert not includes(proof, **{**right, "root": leaf_hash(b"another")})
    other = data.draw(st.integers(-2, size + 2).filter(lambda each: each != index))
    assert not includes(proof, **{**right, "index": other})


@given(st.data())
def test_every_mutation_of_a_consistency_proof_fails(data):
    new = data.draw(st.integers(1, SIZES_MAX))
    old = data.draw(st.integers(0, new))
    entries = entries_of(new)
    proof = prove_consistency(Entries(entries), old, new)
    right = {"old": old, "old_root": mth(entries[:old]), "new": new, "new_root": mth(entries)}
    changed = mutations(proof, data.draw)
    assert changed == proof or not consistent(changed, **right)
    assert not consistent(proof, **{**right, "old_root": leaf_hash(b"another")})
    if old:
        assert not consistent(proof, **{**right, "new_root": leaf_hash(b"another")})
    assert not consistent(proof, **{**right, "new": old - 1})


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 39))
def test_two_histories_have_no_proof_between_them(old, more, fork_at):
    fork_at %= old
    honest = entries_of(old + more)
    forked = [*honest[:fork_at], b"forked", *honest[fork_at + 1 :]]
    proof = prove_consistency(Entries(forked), old, old + more)
    assert not consistent(proof, old=old, old_root=mth(honest[:old]), new=old + more, new_root=mth(forked))


def test_proofs_of_more_than_63_hashes_are_not_looked_at():
    proof = (b"x" * 32,) * 64
    assert not includes(proof, leaf=b"x" * 32, index=0, size=1 << 62, root=b"x" * 32)
    assert not consistent(proof, old=1, old_root=b"x" * 32, new=1 << 62, new_root=b"x" * 32)
