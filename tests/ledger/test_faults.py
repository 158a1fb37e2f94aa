"""Writes that fail and are lost, and writes that fail and are kept, of the disk and of the witness."""

from __future__ import annotations

import shutil
from contextlib import suppress
from http import HTTPStatus
from threading import Event
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Refused, Unavailable
from leadtime.ledger.append import append_all, open_log
from leadtime.ledger.cosigning import Resting
from leadtime.ledger.homes import sequencer_of
from leadtime.ledger.leaves import new_leaf
from leadtime.ledger.records import Log, LogKind, LogName
from leadtime.ledger.sequence import Sequencer
from leadtime.ledger.signers import Signer
from leadtime.ledger.verify import Trust, verify_log
from leadtime.ledger.witness import Witness, WitnessAnswer
from tests.ledger.doomed import READS, signer_in
from tests.ledger.places import MemoryDisk, MemoryOfWitness

TRUST = Trust(READS.origin, (Signer(READS.origin, b"s" * 32).key,))


class FaultyWitness:
    """A witness whose answers are lost: before it remembers ("lost"), or after ("kept")."""

    def __init__(self, witness, faults):
        self.witness, self.key, self.faults, self.times = witness, witness.key, dict(faults), 0

    def add_checkpoint(self, request):
        self.times += 1
        fault = self.faults.pop(self.times, None)
        answer = None if fault == "lost" else self.witness.add_checkpoint(request)
        if fault:
            raise Unavailable("no answer came")
        return answer


def witness_of(clock):
    return Witness("witness.example", b"w" * 32, {READS.origin: TRUST.keys}, MemoryOfWitness(), clock)


def log_some(database, count):
    with database.transaction(SYSTEM) as tx:
        fresh = [new_leaf(tx.keys, READS.name, kind="read", at=tx.now, fields={}) for _ in range(count)]
        append_all(tx, READS.name, fresh)
    return [leaf.id for leaf in fresh]


def settle(sequencer, clock, turns_max=30):
    """Turn until nothing is left to do; return how many turns failed."""
    failed = 0
    for _ in range(turns_max):
        clock.advance(seconds=11)  # a witness that failed rests for ten
        try:
            done = sequencer.turn()
        except Unavailable:
            failed += 1
        else:
            if not done.more and not done.silent:
                return failed
    raise AssertionError("the log does not settle")


@pytest.mark.parametrize("fate", ["lost", "kept"])
@pytest.mark.parametrize("number", range(1, 16))
def test_a_write_that_fails_is_made_again(number, fate, place):
    disk = MemoryDisk({number: fate})
    sequencer = place.sequencer(disk, [witness_of(place.clock)])
    wanted = log_some(place.database, 3)
    failed = settle(sequencer, place.clock)
    wanted += log_some(place.database, 260)
    failed += settle(sequencer, place.clock)
    assert failed == (0 if disk.faults else 1)
    visited = []
    found = verify_log(disk, TRUST, visit=lambda _, leaf: visited.append(leaf.id))
    assert found.problems.first == []
    assert sorted(visited) == sorted(wanted)


@pytest.mark.parametrize("fate", ["lost", "kept"])
@pytest.mark.parametrize("number", range(1, 5))
def test_a_witness_that_does_not_answer_is_asked_again(number, fate, place):
    disk = MemoryDisk()
    witness = FaultyWitness(witness_of(place.clock), {number: fate})
    sequencer = place.sequencer(disk, [witness])
    log_some(place.database, 3)
    settle(sequencer, place.clock)
    log_some(place.database, 2)
    settle(sequencer, place.clock)
    found = verify_log(disk, Trust(READS.origin, TRUST.keys, (witness.key,), 1))
    assert (found.holds, found.head.checkpoint.size) == (True, 5)


def test_a_silent_witness_delays_no_checkpoint_once_another_answered(place):
    disk = MemoryDisk()
    silent = FaultyWitness(
        Witness("silent.example", b"q" * 32, {}, MemoryOfWitness(), place.clock), dict.fromkeys(range(1, 99), "lost")
    )
    sequencer = place.sequencer(disk, [silent, witness_of(place.clock)])
    log_some(place.database, 3)
    done = sequencer.turn()
    assert (done.head.size, done.cosigned, done.silent) == (3, 1, (silent.key.name,))
    assert silent.times == 1
    sequencer.turn()
    assert silent.times == 1  # it rests
    place.clock.advance(seconds=11)
    sequencer.turn()
    assert silent.times == 2


class Mute:
    """A witness that never says its last word: not before the test ends."""

    def __init__(self, ended):
        self.ended, self.key = ended, Signer("mute.example", b"q" * 32).key

    def add_checkpoint(self, _):
        self.ended.wait(60)
        raise Unavailable("it was never there")


def test_a_witness_that_does_not_finish_its_answer_is_waited_for_no_longer(place, monkeypatch):
    ended = Event()
    log_some(place.database, 1)
    sequencer = place.sequencer(MemoryDisk(), [Mute(ended)])
    monkeypatch.setattr("leadtime.ledger.cosigning.ANSWER_SECONDS_MAX", 0.0)
    try:
        with pytest.raises(Unavailable, match=r"no witness answers \(no answer came in time\)"):
            sequencer.turn()
    finally:
        ended.set()


def test_what_goes_wrong_within_a_witness_is_raised_by_the_turn(place):
    broken = SimpleNamespace(key=witness_of(place.clock).key)
    with pytest.raises(AttributeError, match="add_checkpoint"):
        place.sequencer(MemoryDisk(), [broken]).turn()


def test_a_silent_witness_rests_for_all_logs_and_one_that_refuses_a_log_for_that_log_alone(place, home):
    other = Log(LogName("m1"), "example.org/ledger/m1", LogKind.MODEL)
    with place.database.transaction(SYSTEM) as tx:
        open_log(tx, other)
    keys = {origin: (Signer(origin, b"s" * 32).key,) for origin in (READS.origin, other.origin)}
    shutil.copytree(home / "keys/ledger/reads", home / "keys/ledger/m1")
    good = Witness("good.example", b"g" * 32, keys, MemoryOfWitness(), place.clock)
    picky = FaultyWitness(witness_of(place.clock), {})  # watches one of the two logs
    falters = FaultyWitness(Witness("f.example", b"f" * 32, keys, MemoryOfWitness(), place.clock), {4: "lost"})
    resting, witnesses = Resting(), [good, picky, falters]
    first = place.sequencer(MemoryDisk(), witnesses, resting=resting)
    second = sequencer_of(place.database, other, home, witnesses, resting)
    log_some(place.database, 1)
    assert first.turn().silent == ()
    assert second.turn().silent == (picky.key.name, falters.key.name)
    assert (picky.times, falters.times) == (3, 4)
    log_some(place.database, 1)
    assert first.turn().silent == (falters.key.name,)
    assert (picky.times, falters.times) == (4, 4)
    place.clock.advance(seconds=10)
    assert first.turn().silent == ()
    assert second.turn().silent == (picky.key.name,)


def test_nothing_is_signed_at_the_start_while_no_witness_answers(place):
    disk = MemoryDisk()
    witness = FaultyWitness(witness_of(place.clock), {1: "lost"})
    sequencer = place.sequencer(disk, [witness])
    log_some(place.database, 1)
    with pytest.raises(
        Unavailable, match=r"no witness answers .*, so nothing is signed until one says what it saw last"
    ):
        sequencer.turn()
    assert set(disk.files) == {"keys"}  # what a witness needs before it can answer
    assert sequencer.turn().head.size == 1


def test_a_witness_that_saw_another_history_stops_the_log(place):
    witness = witness_of(place.clock)
    log_some(place.database, 3)
    place.sequencer(MemoryDisk(), []).turn()
    other = MemoryDisk()
    sequencer = place.sequencer(other, [witness])
    witness.memory.seen[READS.origin] = witness.memory.latest(READS.origin).__class__(3, b"x" * 32)
    with pytest.raises(Refused, match="the log is read-only until reconciled"):
        sequencer.turn()


class Doubting:
    """A witness that cosigns so many checkpoints and then disputes every one, in either of the two ways."""

    def __init__(self, witness, cosigns, disputes):
        self.witness, self.left, self.disputes = witness, cosigns, disputes

    @property
    def key(self):
        return self.witness.key

    def add_checkpoint(self, request):
        self.left -= 1
        return self.witness.add_checkpoint(request) if self.left >= 0 else self.disputes(request)


def inconsistent(_):
    return WitnessAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, b"the consistency proof does not verify\n")


def another_root(request):
    return WitnessAnswer(HTTPStatus.CONFLICT, request.partition(b"\n")[0].removeprefix(b"old ") + b"\n")


@pytest.mark.parametrize("disputes", [inconsistent, another_root])
@pytest.mark.parametrize("cosigns", [0, 1, 2])
def test_a_witness_that_disputes_what_it_cosigned_itself_stops_no_log(place, cosigns, disputes):
    logs = {READS.origin: TRUST.keys}
    doubting = Doubting(Witness("d.example", b"q" * 32, logs, MemoryOfWitness(), place.clock), cosigns, disputes)
    sequencer = place.sequencer(MemoryDisk(), [doubting, witness_of(place.clock)])
    for count in (3, 4):
        log_some(place.database, count)
        done = sequencer.turn()
    assert (done.head.size, done.silent) == (7, (doubting.key.name,))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_interleaving_of_appends_turns_and_faults_gives_one_history(data, place, going_on):
    disk, witness, wanted, kept = going_on
    sequencer = None
    for _ in range(data.draw(st.integers(1, 8), label="steps")):
        step = data.draw(st.sampled_from(["append", "turn", "restart", "lost", "kept", "open"]))
        if step == "append":
            wanted += log_some(place.database, data.draw(st.sampled_from([1, 2, 7, 255, 256])))
        elif step == "restart":
            sequencer = None
        elif step in {"lost", "kept"}:
            disk.faults[disk.writes + data.draw(st.integers(1, 6))] = step
        elif step == "open":
            with place.database.transaction(SYSTEM) as tx:
                late = new_leaf(tx.keys, READS.name, kind="read", at=tx.now, fields={})
                append_all(tx, READS.name, [late])
                sequencer = try_turn(place, disk, witness, sequencer)
            wanted.append(late.id)
        else:
            sequencer = try_turn(place, disk, witness, sequencer)
        kept += [disk.files[path] for path in ("checkpoint", "signed") if path in disk.files]
    disk.faults.clear()
    settle(place.sequencer(disk, [witness]), place.clock)
    visited = []
    found = verify_log(disk, TRUST, earlier=kept, visit=lambda _, leaf: visited.append(leaf.id))
    assert found.problems.first == []
    assert sorted(visited) == sorted(wanted)


def try_turn(place, disk, witness, sequencer):
    sequencer = sequencer or place.sequencer(disk, [witness])
    with suppress(Unavailable):
        sequencer.turn()
    return sequencer


@pytest.fixture
def place(database, clock, home, log, signing):
    """An installation without its disk and witnesses."""
    signer_in(home)

    def sequencer(disk, witnesses, resting=None):
        return Sequencer(database, log, disk=disk, keys=signing, witnesses=witnesses, resting=resting)

    return SimpleNamespace(database=database, clock=clock, sequencer=sequencer)


@pytest.fixture
def going_on(place):
    """One log for all examples; each goes on from where the last one ended, as logs do."""
    return MemoryDisk(), witness_of(place.clock), [], []
