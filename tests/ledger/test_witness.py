"""A witness cosigns one history, as c2sp.org/tlog-witness says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.ledger.checkpoints import parse_checkpoint
from leadtime.ledger.cosignatures import cosigned_by
from leadtime.ledger.growth import Edge, grow
from leadtime.ledger.notes import Note, parse_signatures
from leadtime.ledger.records import TreeHead
from leadtime.ledger.sequence import sign_head, write_growth
from leadtime.ledger.signers import Signer
from leadtime.ledger.tiles import TileTree
from leadtime.ledger.tree import prove_consistency
from leadtime.ledger.witness import REQUEST_BYTES_MAX, Seen, Submission, Witness, parse_submission
from tests.conftest import SettableClock
from tests.ledger.conftest import READS
from tests.ledger.places import MemoryDisk, MemoryOfWitness

SIGNER = Signer(READS.origin, b"s" * 32)
OTHER = Signer(READS.origin, b"o" * 32)


class History:
    """A log of some entries, with submissions of any of its sizes."""

    def __init__(self, *entries):
        self.disk = MemoryDisk()
        write_growth(self.disk, Edge(), entries)
        self.entries, self.tree = entries, TileTree(self.disk, len(entries))

    def head(self, size):
        return TreeHead(size, grow(Edge(), self.entries[:size]).edge.root)

    def note(self, size, signer=SIGNER):
        return sign_head(READS, self.head(size), [signer])

    def submission(self, old, size, signer=SIGNER):
        return Submission(old, prove_consistency(self.tree, min(old, size), size), self.note(size, signer))


HONEST = History(*(f"{number}".encode() for number in range(12)))
FORKED = History(b"0", b"1", b"another", *(f"{number}".encode() for number in range(9)))


@pytest.fixture
def witness():
    return Witness("w.example", b"w" * 32, {READS.origin: [SIGNER.key]}, MemoryOfWitness(), SettableClock())


def ask(witness, submission):
    answer = witness.add_checkpoint(submission.raw)
    return int(answer.status), answer.body.decode()


def test_what_grew_is_cosigned_and_remembered(witness):
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 12)):
        submission = HONEST.submission(old, size)
        status, body = ask(witness, submission)
        assert status == 200
        (found,) = cosigned_by(Note(submission.note.text, parse_signatures(body)), [witness.key])
        assert found.at == witness.clock.now()
        assert witness.memory.latest(READS.origin) == Seen(size, HONEST.head(size).root)


def test_the_empty_log_is_cosigned_too(witness):
    assert ask(witness, HONEST.submission(0, 0))[0] == 200
    assert ask(witness, HONEST.submission(0, 5))[0] == 200


def test_another_old_size_than_it_knows_is_told_the_right_one(witness):
    ask(witness, HONEST.submission(0, 5))
    for old, size in ((0, 8), (4, 8), (6, 8), (0, 3), (3, 3)):
        answer = witness.add_checkpoint(HONEST.submission(old, size).raw)
        assert (answer.status, answer.body, answer.content_type) == (409, b"5\n", "text/x.tlog.size")
    assert witness.memory.latest(READS.origin).size == 5


def test_a_fork_is_not_cosigned(witness):
    ask(witness, HONEST.submission(0, 5))
    assert ask(witness, FORKED.submission(5, 8)) == (422, "the consistency proof does not verify\n")
    assert ask(witness, FORKED.submission(5, 5)) == (409, "5\n")
    assert witness.memory.latest(READS.origin) == Seen(5, HONEST.head(5).root)


def test_a_proof_too_many_is_not_cosigned(witness):
    first = HONEST.submission(0, 5)
    assert ask(witness, Submission(0, (b"x" * 32,), first.note))[0] == 422
    ask(witness, first)
    assert ask(witness, Submission(5, (b"x" * 32,), first.note))[0] == 422


def test_a_smaller_checkpoint_than_its_old_size_is_wrong(witness):
    assert ask(witness, Submission(4, (), HONEST.note(3))) == (400, "the old size is above the checkpoint's\n")


def test_an_unknown_log_is_not_found_and_an_unknown_key_forbidden(witness):
    other = Witness("w.example", b"w" * 32, {"example.org/other": [SIGNER.key]}, MemoryOfWitness(), witness.clock)
    assert ask(other, HONEST.submission(0, 3)) == (404, "this witness does not watch that log\n")
    assert ask(witness, HONEST.submission(0, 3, OTHER)) == (403, "no known key signed this note\n")
    assert witness.memory.seen == {}


def test_both_keys_of_a_rotation_are_known(witness):
    both = Witness("w.example", b"w" * 32, {READS.origin: [OTHER.key, SIGNER.key]}, MemoryOfWitness(), witness.clock)
    assert ask(both, HONEST.submission(0, 3))[0] == 200
    assert ask(both, HONEST.submission(3, 5, OTHER))[0] == 200


def test_a_race_that_was_lost_is_told_the_winners_size(witness):
    class Racing(MemoryOfWitness):
        def latest(self, origin):
            known = super().latest(origin)
            if not self.seen:
                self.seen[origin] = Seen(9, HONEST.head(9).root)
            return known

    racing = Witness("w.example", b"w" * 32, {READS.origin: [SIGNER.key]}, Racing(), witness.clock)
    assert ask(racing, HONEST.submission(0, 3)) == (409, "9\n")
    assert racing.memory.seen[READS.origin].size == 9


def test_a_submission_is_read_as_it_is_written():
    submission = HONEST.submission(5, 12)
    assert parse_submission(submission.raw) == submission
    assert parse_checkpoint(submission.note.text).size == 12


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "its first line is not an old size"),
        (b"old 5", "its first line is not an old size"),
        (b"old 05\n\nx\n", "its first line is not an old size"),
        (b"new 5\n\nx\n", "its first line is not an old size"),
        (b"old 5\nAAAA\n\nx\n", "a line of its proof is not a hash"),
        (b"old 5\n\xff\n\nx\n", "a line of its proof is not a hash"),
        (b"old 5\n" + b"x\n" * 64 + b"\nx\n", "its proof is longer than 63 lines"),
        (b"x" * (REQUEST_BYTES_MAX + 1), f"it is larger than {REQUEST_BYTES_MAX} bytes"),
    ],
)
def test_what_is_no_submission_is_refused(witness, raw, why):
    with pytest.raises(Malformed) as refused:
        parse_submission(raw)
    assert refused.value.what == f"this is not a submission: {why}"
    answer = witness.add_checkpoint(raw)
    assert (answer.status, answer.body.decode()) == (400, f"this is not a submission: {why}\n")


@given(st.binary(max_size=400))
def test_a_witness_answers_whatever_it_is_sent(raw):
    witness = Witness("w.example", b"w" * 32, {}, MemoryOfWitness(), SettableClock())
    assert witness.add_checkpoint(raw).status in {400, 404}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 12)), max_size=12))
def test_however_it_is_asked_it_cosigns_one_growing_history(asks):
    witness = Witness("w.example", b"w" * 32, {READS.origin: [SIGNER.key]}, MemoryOfWitness(), SettableClock())
    cosigned = []
    for forked, old, size in asks:
        history = FORKED if forked else HONEST
        if ask(witness, history.submission(old, size))[0] == 200:
            cosigned.append(history.head(size))
    assert [head.size for head in cosigned] == sorted(head.size for head in cosigned)
    histories = [history for history in (HONEST, FORKED) if all(history.head(head.size) == head for head in cosigned)]
    assert histories
