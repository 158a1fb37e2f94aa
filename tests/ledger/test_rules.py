from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.ledger.records import TreeHead
from leadtime.ledger.rules import Places, Standing, explain, judge

ROOT, OTHER = b"r" * 32, b"x" * 32
GOOD = Places(
    numbered=7,
    published=TreeHead(5, ROOT),
    published_root_on_disk=ROOT,
    signed=TreeHead(5, ROOT),
    root_on_disk=ROOT,
    same_tail=True,
    witnessed=5,
    disputed=False,
)

CASES = [
    ({}, Standing.IN_LINE),
    ({"numbered": 5}, Standing.IN_LINE),
    ({"numbered": 4}, Standing.DATABASE_BEHIND),
    ({"published": TreeHead(4, ROOT)}, Standing.IN_LINE),
    ({"published": TreeHead(6, ROOT)}, Standing.DISK_BEHIND),
    ({"root_on_disk": None, "published_root_on_disk": None}, Standing.DISK_BEHIND),
    ({"witnessed": 4}, Standing.IN_LINE),
    ({"witnessed": 6}, Standing.WITNESS_AHEAD),
    ({"root_on_disk": OTHER}, Standing.DIVERGED),
    ({"published_root_on_disk": OTHER}, Standing.DIVERGED),
    ({"same_tail": False}, Standing.DIVERGED),
    ({"disputed": True}, Standing.DIVERGED),
    # What a restored backup explains is told first.
    ({"numbered": 4, "same_tail": False, "witnessed": 6}, Standing.DATABASE_BEHIND),
    ({"published": TreeHead(6, ROOT), "published_root_on_disk": OTHER, "witnessed": 6}, Standing.DISK_BEHIND),
    ({"witnessed": 6, "disputed": True}, Standing.WITNESS_AHEAD),
    ({"numbered": 4, "published": TreeHead(6, ROOT)}, Standing.DATABASE_BEHIND),
]


@pytest.mark.parametrize(("change", "standing"), CASES)
def test_a_log_may_sign_only_while_all_places_tell_one_history(change, standing):
    assert judge(replace(GOOD, **change)) is standing


@pytest.mark.parametrize(
    ("standing", "sentence"),
    [
        (Standing.IN_LINE, "database, disk and witnesses agree on 5 leaves"),
        (
            Standing.DATABASE_BEHIND,
            (
                "the database ends at 7 leaves, and a checkpoint of 5 was signed: an older backup of the database was "
                "restored, and the log is read-only until reconciled"
            ),
        ),
        (
            Standing.DISK_BEHIND,
            (
                "the disk ends before the 6 leaves that were published: an older copy of it was restored, "
                "and the log is read-only until reconciled"
            ),
        ),
        (
            Standing.WITNESS_AHEAD,
            (
                "a witness cosigned 9 leaves, and database and disk end at 5: older backups were restored, "
                "and the log is read-only until reconciled"
            ),
        ),
        (
            Standing.DIVERGED,
            (
                "database, disk and witnesses tell different histories of the first 5 leaves: "
                "the log is read-only until reconciled"
            ),
        ),
    ],
)
def test_every_standing_is_one_sentence(standing, sentence):
    assert explain(standing, replace(GOOD, published=TreeHead(6, ROOT), witnessed=9)) == sentence


def test_a_disk_that_lost_its_tiles_is_told_by_what_was_signed():
    places = replace(GOOD, published=TreeHead(3, ROOT), root_on_disk=None)
    assert explain(Standing.DISK_BEHIND, places).startswith("the disk ends before the 5 leaves that were published")
