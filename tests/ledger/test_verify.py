from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.foundation.errors import Missing, Refused
from leadtime.ledger.checkpoints import Checkpoint
from leadtime.ledger.cosignatures import cosign
from leadtime.ledger.growth import Edge
from leadtime.ledger.inclusion import check_proof, parse_proof, prove_leaf
from leadtime.ledger.leaves import new_leaf, parse_leaf
from leadtime.ledger.notes import Algorithm, Note, VerifierKey, parse_note
from leadtime.ledger.records import LogName, TreeHead
from leadtime.ledger.sequence import sign_head, write_growth
from leadtime.ledger.signers import Signer, publish_keys
from leadtime.ledger.tiles import Tile
from leadtime.ledger.verify import Trust, trust_on_first_use, verify_head, verify_log
from tests.conftest import START
from tests.ledger.conftest import READS
from tests.ledger.places import MemoryDisk

SIGNER = Signer(READS.origin, b"s" * 32)
WITNESS = b"w" * 32
TRUST = Trust(READS.origin, (SIGNER.key,))


def leaves_of(keys, count, kind="read"):
    return [
        new_leaf(keys, LogName("reads"), kind=kind, at=START, fields={"n": str(number).encode()})
        for number in range(count)
    ]


def written(leaves, disk=None, edge=None):
    """A log on disk that holds ``leaves``, signed."""
    disk = disk or MemoryDisk()
    edge = write_growth(disk, edge or Edge(), [leaf.entry for leaf in leaves])
    disk.replace("checkpoint", sign_head(READS, TreeHead(edge.size, edge.root), [SIGNER]).raw)
    disk.replace("keys", publish_keys([SIGNER]))
    return disk, edge


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 600])
def test_an_honest_log_holds(keys, count):
    disk, edge = written(leaves_of(keys, count))
    visited = []
    found = verify_log(disk, TRUST, visit=lambda index, leaf: visited.append((index, leaf.kind)))
    assert found.holds
    assert found.head.checkpoint == Checkpoint(READS.origin, count, edge.root)
    assert found.head.signed_by == (SIGNER.key,)
    assert found.kinds == ({"read": count} if count else {})
    assert visited == [(index, "read") for index in range(count)]


def test_a_log_that_grew_in_pieces_is_the_same_log(keys):
    leaves = leaves_of(keys, 520)
    disk, edge = written(leaves[:3])
    for start, end in ((3, 255), (255, 256), (256, 511), (511, 520)):
        disk, edge = written(leaves[start:end], disk, edge)
    whole, _ = written(leaves)
    assert edge.root == verify_log(whole, TRUST).head.checkpoint.root
    assert verify_log(disk, TRUST).holds


@pytest.mark.parametrize(
    "path", ["tile/entries/000", "tile/entries/001.p/1", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]
)
def test_every_changed_file_is_noticed(keys, path):
    disk, _ = written(leaves_of(keys, 257))
    content = bytearray(disk.files[path])
    content[-3] ^= 1
    disk.files[path] = bytes(content)
    found = verify_log(disk, TRUST)
    assert not found.holds
    assert found.problems.count >= 1


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"])
def test_a_log_with_a_file_missing_is_not_whole(keys, path):
    disk, _ = written(leaves_of(keys, 257))
    del disk.files[path]
    found = verify_log(disk, TRUST)
    assert found.problems.first == [f"the log is not whole: {path}: there is no such file in this log"]


def test_a_dropped_leaf_under_the_old_signature_is_noticed(keys):
    leaves = leaves_of(keys, 10)
    honest, _edge = written(leaves)
    cheat, _ = written(leaves[:4] + leaves[5:] + leaves_of(keys, 1))
    cheat.files["checkpoint"] = honest.files["checkpoint"]
    assert verify_log(cheat, TRUST).problems.first == ["the entries do not have the root that was signed for 10 leaves"]


def test_two_histories_are_told_apart_by_a_checkpoint_that_was_kept(keys):
    leaves = leaves_of(keys, 300)
    kept = written(leaves[:200])[0].files["checkpoint"]
    honest, _ = written(leaves)
    forked, _ = written(leaves[:100] + leaves[101:] + leaves_of(keys, 1))
    assert verify_log(honest, TRUST, earlier=[kept]).holds
    found = verify_log(forked, TRUST, earlier=[kept])
    assert found.problems.first == ["the log did not grow from an earlier checkpoint of 200 leaves: two histories"]


def test_a_log_that_shrank_is_noticed(keys):
    leaves = leaves_of(keys, 5)
    kept = written(leaves)[0].files["checkpoint"]
    shorter, _ = written(leaves[:4])
    assert verify_log(shorter, TRUST, earlier=[kept]).problems.first == [
        "the log has 4 leaves, and an earlier checkpoint signs 5"
    ]


def test_an_earlier_checkpoint_of_another_key_is_not_compared(keys):
    disk, edge = written(leaves_of(keys, 2))
    other = sign_head(READS, TreeHead(2, edge.root), [Signer(READS.origin, b"x" * 32)]).raw
    assert verify_log(disk, TRUST, earlier=[other]).problems.first == [
        "an earlier checkpoint cannot be compared: signature: no known key signed this note. Check which key you trust."
    ]


def test_a_leaf_that_stands_twice_is_noticed(keys):
    leaves = leaves_of(keys, 3)
    disk, _ = written([*leaves, leaves[1]])
    assert verify_log(disk, TRUST).problems.first == [f"leaf {leaves[1].id} stands twice, at last at 3"]


def test_what_is_no_leaf_is_noticed(keys):
    disk = MemoryDisk()
    edge = write_growth(disk, Edge(), [b"content itself"])
    disk.replace("checkpoint", sign_head(READS, TreeHead(1, edge.root), [SIGNER]).raw)
    assert verify_log(disk, TRUST).problems.first == ["entry 0 is not a leaf: this is not JSON"]


def test_a_checkpoint_that_the_log_did_not_sign_is_all_that_is_told(keys):
    disk, _ = written(leaves_of(keys, 2))
    found = verify_log(disk, Trust(READS.origin, (Signer(READS.origin, b"x" * 32).key,)))
    assert (found.head, found.holds) == (None, False)
    assert found.problems.first == ["signature: no known key signed this note. Check which key you trust."]


def test_a_place_without_a_log_is_missing():
    with pytest.raises(Missing):
        verify_log(MemoryDisk(), TRUST)


def test_witnesses_are_counted(keys):
    disk, _ = written(leaves_of(keys, 2))
    witness = VerifierKey("witness.example", Algorithm.COSIGNATURE, Signer("x", WITNESS).key.public)
    trust = replace(TRUST, witnesses=(witness,), witnesses_min=1)
    assert verify_log(disk, trust).problems.first == [
        "checkpoint: 0 of 1 witnesses cosigned this checkpoint. Ask the witnesses what they saw."
    ]
    note = parse_note(disk.files["checkpoint"])
    line = cosign(note.text, name="witness.example", signing_key=WITNESS, at=START)
    disk.files["checkpoint"] = note.with_signatures([line]).raw
    found = verify_log(disk, trust)
    assert found.holds
    assert [(each.key, each.at) for each in found.head.cosigned] == [(witness, START)]
    bad = replace(line, content=line.content[:-1] + bytes([line.content[-1] ^ 1]))
    disk.files["checkpoint"] = note.with_signatures([bad]).raw
    assert verify_log(disk, trust).problems.first == ["signature: the cosignature of witness.example does not verify"]


def test_another_logs_checkpoint_is_refused(keys):
    _disk, edge = written(leaves_of(keys, 2))
    other = replace(READS, origin="example.org/other")
    note = Note(
        Checkpoint(other.origin, 2, edge.root).text, (SIGNER.sign(Checkpoint(other.origin, 2, edge.root).text),)
    )
    with pytest.raises(Refused, match="this checkpoint is of another log"):
        verify_head(note.raw, TRUST)


def test_the_keys_that_a_log_lists_are_the_first_trust(keys):
    disk, _ = written(leaves_of(keys, 2))
    assert trust_on_first_use(disk, now=START) == TRUST


def test_full_tiles_stand_in_for_partial_ones_that_are_gone(keys):
    leaves = leaves_of(keys, 300)
    disk, edge = written(leaves[:200])
    kept = disk.files["checkpoint"]
    disk, _ = written(leaves[200:], disk, edge)
    disk.drop([Tile(0, 0).partials, Tile(None, 0).partials])
    assert "tile/0/000.p/200" not in disk.files
    disk.files["checkpoint"] = kept
    assert verify_log(disk, TRUST).holds


def test_a_leaf_is_proven_by_one_text_and_every_change_of_it_fails(keys):
    leaves = leaves_of(keys, 300)
    disk, _ = written(leaves)
    proof = prove_leaf(disk, TRUST, leaves[270].id)
    assert (proof.index, parse_leaf(proof.entry)) == (270, leaves[270])
    assert parse_proof(proof.raw) == proof
    assert check_proof(proof, TRUST).checkpoint.size == 300
    for changed in (
        replace(proof, index=271),
        replace(proof, entry=leaves[271].entry),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=(proof.path[1], *proof.path[1:])),
    ):
        with pytest.raises(Refused, match="does not lead from the leaf to the signed root"):
            check_proof(changed, TRUST)


def test_a_leaf_that_is_not_there_has_no_proof(keys):
    disk, _ = written(leaves_of(keys, 3))
    with pytest.raises(Missing, match="no such leaf is in this log"):
        prove_leaf(disk, TRUST, leaves_of(keys, 1)[0].id)
