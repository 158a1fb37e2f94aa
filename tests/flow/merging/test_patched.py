"""The same patch silences both: the strongest suggestion, and only a suggestion."""

from __future__ import annotations

import pytest

from leadtime.flow.merging import Alike, join, merge_in, note_patch_outcome, read_alike, split, vulnerability_of
from leadtime.flow.merging.records import LinkKind
from leadtime.flow.merging.rules import why_same_patch
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Malformed, Refused
from tests.flow.merging.factories import evidence, report
from tests.flow.merging.test_merge_in import COORDINATOR, FINDER

PATCH, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.fixture
def two(database):
    """Two reports that fail in different functions."""
    with database.transaction(SYSTEM) as tx:
        return tuple(merge_in(tx, one).vulnerability for one in (evidence(1, "f a.c:1"), evidence(2, "g b.c:1")))


def note(database, *said: tuple[int, str, bool]) -> None:
    with database.transaction(SYSTEM) as tx:
        for number, patch, silenced in said:
            note_patch_outcome(tx, report(number), patch, silenced=silenced)


def alike(database, vulnerability) -> tuple[Alike, ...]:
    with database.transaction(COORDINATOR) as tx:
        return read_alike(tx, vulnerability)


def test_what_one_patch_silences_is_suggested_to_both_and_joined_by_nobody(database, two):
    note(database, (1, PATCH, True), (2, PATCH, True))
    why = why_same_patch(PATCH)
    assert alike(database, two[0]) == (Alike(two[1], LinkKind.SAME_PATCH, why),)
    assert alike(database, two[1]) == (Alike(two[0], LinkKind.SAME_PATCH, why),)
    assert alike(database, two[0])[0].weight == LinkKind.SAME_PATCH.weight


@pytest.mark.parametrize("second", [(2, PATCH, False), (2, OTHER, True)])
def test_a_patch_that_fails_one_or_is_another_says_nothing(database, two, second):
    note(database, (1, PATCH, True), second)
    assert alike(database, two[0]) == alike(database, two[1]) == ()


def test_the_last_run_counts(database, two):
    note(database, (1, PATCH, True), (2, PATCH, True), (2, PATCH, False))
    assert alike(database, two[0]) == ()


def test_what_a_person_split_is_suggested_no_more(database, two):
    note(database, (1, PATCH, True), (2, PATCH, True))
    with database.transaction(COORDINATOR) as tx:
        one = join(tx, *two, reason="one fix").vulnerability
        assert read_alike(tx, one) == ()
        new = split(tx, one, [report(2)])
        assert vulnerability_of(tx, report(2)) == new
    assert alike(database, one) == alike(database, new) == ()


def test_the_same_patch_leads_weaker_links(database):
    stacks = ("f a.c:1", "g a.c:2"), ("f a.c:3", "g a.c:2")
    with database.transaction(SYSTEM) as tx:
        first = merge_in(tx, evidence(1, *stacks[0]))
        second = merge_in(tx, evidence(2, *stacks[1], crash_class="SEGV"))
        third = merge_in(tx, evidence(3, "z z.c:1"))
    assert first.vulnerability != second.vulnerability
    note(database, (1, PATCH, True), (3, PATCH, True))
    assert [one.vulnerability for one in alike(database, first.vulnerability)] == [third.vulnerability]


def test_only_a_digest_names_a_patch_and_no_finder_notes_one(database, two):
    with pytest.raises(Malformed, match=r"patch: this is no SHA-256 digest\. Write sha256: and 64 hex digits\."):
        note(database, (1, "sha256:zz", True))
    with database.transaction(FINDER) as tx, pytest.raises(Refused):
        note_patch_outcome(tx, report(1), PATCH, silenced=True)
