from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from leadtime.foundation.errors import Malformed, Missing, Refused
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.notes import parse_note, signed_by
from leadtime.ledger.signers import (
    DatedKey,
    counting_at,
    make_signers,
    parse_keys,
    publish_keys,
    read_signers,
    rotate,
    signers_home,
    signing_at,
)
from leadtime.ledger.verify import Trust, trust_on_first_use, verify_log
from tests.conftest import START
from tests.ledger.conftest import READS
from tests.ledger.test_sequence import log_one

HOUR = timedelta(hours=1)


@pytest.fixture
def keys_disk(tmp_path):
    return FileDisk(tmp_path / "keys", mode=0o600)


def test_the_first_key_is_made_once_and_is_secret(home):
    disk = signers_home(home, READS)
    with pytest.raises(Missing):
        read_signers(disk, READS)
    (signer,) = make_signers(disk, READS)
    assert make_signers(disk, READS) == read_signers(disk, READS) == (signer,)
    assert (signer.origin, signer.until, len(signer.signing_key)) == (READS.origin, None, 32)
    path = home / "keys/ledger/reads/signers.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert signer.signing_key.hex() not in repr(signer)


def test_for_a_while_old_and_new_key_both_sign(keys_disk):
    (old,) = make_signers(keys_disk, READS)
    new, dated = rotate(keys_disk, READS, now=START, until=START + HOUR)
    assert (dated.signing_key, dated.until, new.until) == (old.signing_key, START + HOUR, None)
    assert read_signers(keys_disk, READS) == (new, dated)
    assert signing_at((new, dated), START + HOUR - timedelta(seconds=1)) == (new, dated)
    assert signing_at((new, dated), START + HOUR) == (new,)


def test_a_second_rotation_keeps_the_first_ones_end_and_forgets_what_has_ended(keys_disk):
    (first,) = make_signers(keys_disk, READS)
    second, _ = rotate(keys_disk, READS, now=START, until=START + HOUR)
    third, *old = rotate(keys_disk, READS, now=START, until=START + 2 * HOUR)
    assert [(each.signing_key, each.until) for each in old] == [
        (second.signing_key, START + 2 * HOUR),
        (first.signing_key, START + HOUR),
    ]
    fourth, *old = rotate(keys_disk, READS, now=START + HOUR, until=START + 3 * HOUR)
    assert [each.signing_key for each in old] == [third.signing_key, second.signing_key]
    assert read_signers(keys_disk, READS)[0] == fourth


@pytest.mark.parametrize("late", [timedelta(0), -HOUR])
def test_a_rotation_needs_a_time_of_both(keys_disk, late):
    with pytest.raises(Refused, match="both keys have to sign for a while"):
        rotate(keys_disk, READS, now=START, until=START + late)


def test_eight_keys_sign_at_once_and_no_more(keys_disk):
    for _ in range(7):
        signers = rotate(keys_disk, READS, now=START, until=START + HOUR)
    assert len(signers) == 8
    with pytest.raises(Refused, match="8 keys sign this log already"):
        rotate(keys_disk, READS, now=START, until=START + HOUR)


SEED = base64.b64encode(b"s" * 32)


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"{}",
        b'[{"seed": "AA==", "until": null}]',
        b'[{"seed": 5, "until": null}]',
        # An instant without its zone is none.
        b'[{"seed": "%b", "until": null}, {"seed": "%b", "until": "2026-08-03T09:00:00"}]' % (SEED, SEED),
        b"x",
    ],
)
def test_damaged_keys_are_not_replaced_by_new_ones(keys_disk, raw):
    keys_disk.replace("signers.json", raw)
    with pytest.raises(Malformed):
        make_signers(keys_disk, READS)
    assert keys_disk.read("signers.json") == raw


def test_the_list_of_keys_says_until_when_an_old_one_counts(keys_disk):
    make_signers(keys_disk, READS)
    new, old = rotate(keys_disk, READS, now=START, until=START + HOUR)
    raw = publish_keys((new, old))
    assert raw.decode() == f"{new.key}\n{old.key} until 2026-08-03T10:00:00+00:00\n"
    listed = parse_keys(raw)
    assert listed == (DatedKey(new.key, None), DatedKey(old.key, START + HOUR))
    assert counting_at(listed, START + HOUR - timedelta(seconds=1)) == (new.key, old.key)
    assert counting_at(listed, START + HOUR) == (new.key,)


@pytest.mark.parametrize("raw", [b"", b"\n", b"nothing\n", b"x\xff\n", b"x" * 16_385])
def test_what_is_no_list_of_keys_is_refused(raw):
    with pytest.raises(Malformed):
        parse_keys(raw)


def test_a_key_with_a_time_that_is_none_is_refused(keys_disk):
    (signer,) = make_signers(keys_disk, READS)
    with pytest.raises(Malformed, match="a key's last instant is not one"):
        parse_keys(f"{signer.key} until soon\n".encode())


def test_a_log_goes_on_through_a_rotation_and_an_ended_key_counts_no_more(database, log, disk, signing, sequencer):
    clock = database.clock
    log_one(database, log)
    sequencer.turn()
    (old,) = read_signers(signing, log)
    pinned = Trust(log.origin, (old.key,))
    assert verify_log(disk, pinned).holds
    rotate(signing, log, now=clock.now(), until=clock.now() + HOUR)
    new, _ = read_signers(signing, log)
    sequencer.turn()
    assert set(signed_by(parse_note(disk.read("checkpoint")), [old.key, new.key])) == {old.key, new.key}
    assert verify_log(disk, pinned).holds
    assert verify_log(disk, Trust(log.origin, (new.key,))).holds
    clock.advance(hours=1)
    log_one(database, log)
    sequencer.turn()
    assert not verify_log(disk, pinned).holds
    assert trust_on_first_use(disk, now=clock.now()).keys == (new.key,)
    # Who holds the old key after its time can sign what it likes: nobody who reads the list counts it.
    forged = old.sign(parse_note(disk.read("checkpoint")).text)
    assert forged.key_id == old.key.key_id
    assert old.key not in trust_on_first_use(disk, now=clock.now()).keys
