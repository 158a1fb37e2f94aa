from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from threading import Thread
from uuid import UUID

import pytest
from sqlalchemy import event, select, text

from leadtime.flow.merging import (
    Alike,
    Credit,
    Evidence,
    Frame,
    Merged,
    Vulnerability,
    VulnerabilityId,
    join,
    merge_in,
    read_alike,
    read_vulnerability,
    split,
    vulnerability_of,
)
from leadtime.flow.merging.records import LinkKind
from leadtime.flow.merging.rules import SENTENCES, why_joined, why_new
from leadtime.flow.merging.tables import kept_apart
from leadtime.foundation.access import SYSTEM, Relation, Role, Viewer
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused, Unavailable
from leadtime.foundation.explanation import Explanation, Fact
from tests.flow.merging.factories import evidence, report

NEAR = SENTENCES[LinkKind.NEAR_FAULT]
COORDINATOR = Viewer(Role.COORDINATOR, UUID(int=1), UUID(int=2))
FINDER = Viewer(Role.FINDER, UUID(int=1001), UUID(int=3))
MAINTAINER = Viewer(Role.MAINTAINER, UUID(int=5), UUID(int=6))


def merge(database: Database, *found) -> list[Merged]:
    """Each report in a transaction of its own, as the worker does it."""
    merged = []
    for one in found:
        with database.transaction(SYSTEM) as tx:
            merged.append(merge_in(tx, one))
    return merged


def read(database: Database, vulnerability: VulnerabilityId) -> Vulnerability:
    with database.transaction(COORDINATOR) as tx:
        return read_vulnerability(tx, vulnerability)


def test_a_first_report_begins_a_vulnerability(database, clock):
    (merged,) = merge(database, evidence(1, "f a.c:1", "g a.c:2"))
    source = f"reproduction of report {report(1)}"
    assert (merged.new, merged.absorbed) == (True, ())
    assert merged.why == Explanation(
        "a new vulnerability",
        "no earlier report of this component shares its root cause",
        (
            Fact("component", "pkg:pypi/thing", source),
            Fact("failed in", "1.0", source),
            Fact("class", "heap-buffer-overflow READ 1", source),
            Fact("frames", "f a.c:1 < g a.c:2", source),
        ),
    )
    assert read(database, merged.vulnerability) == Vulnerability(
        id=merged.vulnerability,
        component="pkg:pypi/thing",
        releases=("1.0",),
        fixed_releases=("2.0",),
        crash_class="heap-buffer-overflow",
        access="READ 1",
        frames=(Frame("f", "a.c", 1), Frame("g", "a.c", 2)),
        credits=(Credit(evidence(1).finder, report(1), clock.now()),),
        reasons=(merged.why,),
        absorbed_into=None,
    )


def test_a_second_finders_report_joins_it_and_both_keep_their_credit(database):
    first, second = merge(database, evidence(1), evidence(2, release="1.1", fixed=None))
    assert (second.new, second.vulnerability, second.absorbed) == (False, first.vulnerability, ())
    assert second.why.rule.startswith("same fault: ")
    held = read(database, first.vulnerability)
    assert held.reports == (report(1), report(2))
    assert [credit.organisation.int for credit in held.credits] == [1001, 1002]
    assert held.releases == ("1.0", "1.1")
    assert held.fixed_releases == ("2.0",)
    assert held.reasons == (first.why, second.why)


def test_another_flaw_of_the_component_stays_apart(database):
    a, b = merge(database, evidence(1, "f a.c:1", "g a.c:9"), evidence(2, "f a.c:100", "g a.c:9"))
    assert a.vulnerability != b.vulnerability
    assert b.new


def test_the_same_report_again_changes_nothing(database):
    first, second, again = merge(database, evidence(1), evidence(2), evidence(2))
    assert again == second
    assert read(database, first.vulnerability).reports == (report(1), report(2))


def test_a_report_between_two_vulnerabilities_joins_one_and_a_coordinator_joins_them_under_the_oldest(database, clock):
    low, clock.at = evidence(1, "f a.c:10", "g a.c:1"), clock.at
    (old,) = merge(database, low)
    clock.advance(seconds=1)
    (young,) = merge(database, evidence(2, "f a.c:16", "g a.c:1", release="1.0"))
    assert young.new
    (between,) = merge(database, evidence(3, "f a.c:13", "g a.c:1"))
    assert (between.vulnerability, between.absorbed) == (old.vulnerability, ())
    assert read(database, old.vulnerability).reports == (report(1), report(3))
    with database.transaction(COORDINATOR) as tx:
        (alike,) = read_alike(tx, old.vulnerability)
        assert read_alike(tx, young.vulnerability) == (Alike(old.vulnerability, alike.kind, alike.why),)
        assert (alike.vulnerability, alike.why.rule) == (young.vulnerability, f"near fault: {NEAR}")
        joined = join(tx, young.vulnerability, old.vulnerability, reason=" one loop ")
    assert joined == Merged(old.vulnerability, new=False, absorbed=(young.vulnerability,), why=why_joined("one loop"))
    assert read(database, old.vulnerability).reports == (report(1), report(2), report(3))
    assert why_joined("one loop") in read(database, old.vulnerability).reasons
    emptied = read(database, young.vulnerability)
    assert (emptied.absorbed_into, emptied.reports) == (old.vulnerability, ())
    with database.transaction(SYSTEM) as tx:
        assert vulnerability_of(tx, report(2)) == old.vulnerability
        assert vulnerability_of(tx, report(9)) is None


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (1, 3, 2)])
def test_what_is_joined_or_suggested_does_not_depend_on_the_order(database, order):
    found = {
        1: evidence(1, "f a.c:10", "g a.c:1"),
        2: evidence(2, "f a.c:16", "g a.c:1"),
        3: evidence(3, "f a.c:13", "g a.c:1"),
    }
    merge(database, *(found[number] for number in order), evidence(4, "z a.c:1"))
    with database.transaction(COORDINATOR) as tx:
        held = {number: vulnerability_of(tx, report(number)) for number in (1, 2, 3, 4)}
        alike = {one: {each.vulnerability for each in read_alike(tx, one)} for one in set(held.values())}
    assert held[1] != held[2]
    assert held[3] in {held[1], held[2]}
    assert (alike[held[1]], alike[held[2]], alike[held[4]]) == ({held[2]}, {held[1]}, set())


def test_a_chain_of_reports_does_not_join_two_flaws_of_one_function(database):
    honest = merge(database, evidence(1, "f a.c:100", "g a.c:9"), evidence(2, "f a.c:160", "g a.c:9"))
    chain = [evidence(10 + n, f"f a.c:{line}", "g a.c:9") for n, line in enumerate(range(103, 161, 3))]
    merged = merge(database, *chain, evidence(99, "f a.c:160", "g a.c:9", crash_class="SEGV"))
    with database.transaction(SYSTEM) as tx:
        held = [vulnerability_of(tx, report(number)) for number in (1, 2)]
    assert held == [one.vulnerability for one in honest]
    assert held[0] != held[1]
    assert [one.absorbed for one in merged] == [()] * len(merged)


def test_the_same_fault_joins_vulnerabilities_that_are_there(database, clock):
    a, b = evidence(1, release="1.5", fixed=None), evidence(2, release="1.0", fixed="1.5")
    (first,) = merge(database, a)
    clock.advance(seconds=1)
    (second,) = merge(database, b)
    assert first.vulnerability != second.vulnerability
    (between,) = merge(database, evidence(3, release="1.0", fixed=None))
    assert (between.vulnerability, between.absorbed) == (first.vulnerability, (second.vulnerability,))


def test_a_fix_that_somebody_claims_keeps_a_duplicate_apart_but_not_unseen(database):
    first, second = merge(database, evidence(1, fixed=None), evidence(2, release="0.8", fixed="0.9"))
    assert first.vulnerability != second.vulnerability
    with database.transaction(COORDINATOR) as tx:
        (alike,) = read_alike(tx, first.vulnerability)
    assert alike.vulnerability == second.vulnerability
    assert alike.why.rule.endswith("although one failed in or after the release that was seen to end the other")


class TestJoin:
    def test_what_was_split_is_neither_suggested_nor_joined(self, database):
        (first, _) = merge(database, evidence(1), evidence(2))
        with database.transaction(COORDINATOR) as tx:
            new = split(tx, first.vulnerability, [report(2)])
            assert read_alike(tx, first.vulnerability) == read_alike(tx, new) == ()
            with pytest.raises(Conflict, match="somebody split these two apart, for good"):
                join(tx, first.vulnerability, new, reason="r")

    def test_what_is_not_there_or_is_the_same_or_has_no_reason_is_refused(self, database):
        (first, other) = merge(database, evidence(1), evidence(2, "z z.c:1"))
        nobody = VulnerabilityId(UUID(int=99))
        with database.transaction(COORDINATOR) as tx:
            with pytest.raises(Missing, match="no such vulnerability, or it was absorbed"):
                join(tx, first.vulnerability, nobody, reason="r")
            with pytest.raises(Malformed, match="this is one vulnerability already"):
                join(tx, first.vulnerability, first.vulnerability, reason="r")
            with pytest.raises(Malformed, match="this is empty"):
                join(tx, first.vulnerability, other.vulnerability, reason=" ")

    def test_only_a_coordinator_looks_and_joins(self, database):
        (first, other) = merge(database, evidence(1), evidence(2, "z z.c:1"))
        for viewer in (FINDER, MAINTAINER):
            with database.transaction(viewer) as tx:
                with pytest.raises(Missing):
                    read_alike(tx, first.vulnerability)
                with pytest.raises(Missing):
                    join(tx, first.vulnerability, other.vulnerability, reason="r")


WAITING_FOR_ME = text(
    "select count(*) from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))"
)


def merge_while(tx: Transaction, database: Database, found: Evidence) -> tuple[Thread, list[Merged]]:
    """Let another transaction merge a report, and return once it waits for this one."""
    merged: list[Merged] = []
    other = Thread(target=lambda: merged.extend(merge(database, found)))
    other.start()
    while not tx.connection.scalar(WAITING_FOR_ME) and other.is_alive():
        pass
    assert merged == []
    return other, merged


def test_two_reports_at_once_meet(database):
    with database.transaction(SYSTEM) as tx:
        first = merge_in(tx, evidence(1))
        other, merged = merge_while(tx, database, evidence(2))
    other.join()
    assert merged[0].vulnerability == first.vulnerability


class TestTwoPlaces:
    """A vulnerability that a person joined is reached from two places, whose merges do not wait for each other."""

    PLACE = evidence(4, "p p.c:100")
    OTHER_PLACE = evidence(5, "q q.c:900", release="1.5", fixed="3.0")
    """Of both that fail there, which their fixes keep apart."""

    @pytest.fixture
    def old(self, database, clock) -> VulnerabilityId:
        (first,) = merge(database, evidence(1, "q q.c:900", release="2.0", fixed="3.0"))
        clock.advance(seconds=1)
        return first.vulnerability

    @pytest.fixture
    def young(self, database, old, clock) -> VulnerabilityId:
        one, other = merge(database, evidence(2, "p p.c:100"), evidence(3, "q q.c:900"))
        with database.transaction(COORDINATOR) as tx:
            return join(tx, one.vulnerability, other.vulnerability, reason="one").vulnerability

    def test_what_absorbs_it_at_one_waits_for_what_joins_it_at_the_other(self, database, old, young):
        with database.transaction(SYSTEM) as tx:
            assert merge_in(tx, self.PLACE).vulnerability == young
            other, merged = merge_while(tx, database, self.OTHER_PLACE)
        other.join()
        assert (merged[0].vulnerability, merged[0].absorbed) == (old, (young,))
        assert read(database, old).reports == tuple(report(number) for number in (1, 2, 3, 4, 5))
        assert read(database, young).reports == ()

    def test_what_would_join_it_at_one_follows_what_absorbs_it_at_the_other(self, database, old, young):
        with database.transaction(SYSTEM) as tx:
            assert merge_in(tx, self.OTHER_PLACE).absorbed == (young,)
            other, merged = merge_while(tx, database, self.PLACE)
        other.join()
        assert (merged[0].vulnerability, merged[0].absorbed) == (old, ())
        assert read(database, old).reports == tuple(report(number) for number in (1, 2, 3, 4, 5))
        assert read(database, young).reports == ()

    def test_a_vulnerability_that_never_stands_still_is_left_for_another_try(self, database, young, monkeypatch):
        monkeypatch.setattr(import_module("leadtime.flow.merging.merge_in"), "hold", lambda *_: False)
        with pytest.raises(Unavailable, match="being joined with others"):
            merge(database, self.PLACE)


class TestProvenSince:
    """A report that was held by a person's word alone, and that a run has shown since."""

    def unproven(self, number: int = 1) -> Evidence:
        return replace(evidence(number), release=None, fixed_release=None, crash_class="", access="", frames=())

    def test_its_evidence_counts_from_then_on(self, database, clock):
        (opened,) = merge(database, self.unproven())
        clock.advance(seconds=1)
        shown, again, later = merge(database, evidence(1), evidence(1), evidence(2))
        assert shown == Merged(opened.vulnerability, new=True, absorbed=(), why=why_new(evidence(1)))
        assert again == replace(shown, new=False)
        assert (later.vulnerability, later.new) == (opened.vulnerability, False)
        held = read(database, opened.vulnerability)
        assert (held.reports, held.releases, held.crash_class) == (
            (report(1), report(2)),
            ("1.0",),
            "heap-buffer-overflow",
        )
        assert held.frames == evidence(1).frames
        assert held.reasons[0] == why_new(evidence(1))

    def test_it_joins_what_was_merged_meanwhile_under_the_older(self, database, clock):
        (opened,) = merge(database, self.unproven())
        clock.advance(seconds=1)
        (known,) = merge(database, evidence(2, "f a.c:10"))
        clock.advance(seconds=1)
        (shown,) = merge(database, evidence(1, "f a.c:12"))
        assert (shown.vulnerability, shown.new) == (opened.vulnerability, False)
        assert shown.absorbed == (known.vulnerability,)
        assert shown.why.rule.startswith("near fault: ")
        held = read(database, opened.vulnerability)
        assert (held.reports, held.reasons) == ((report(1), report(2)), (known.why, shown.why))

    def test_it_goes_to_an_older_one(self, database, clock):
        (known,) = merge(database, evidence(2))
        clock.advance(seconds=1)
        (opened,) = merge(database, self.unproven())
        assert opened.new
        (shown,) = merge(database, evidence(1))
        assert (shown.vulnerability, shown.absorbed) == (known.vulnerability, (opened.vulnerability,))
        assert read(database, known.vulnerability).reports == (report(1), report(2))
        assert read(database, opened.vulnerability).absorbed_into == known.vulnerability

    def test_with_others_beside_it_only_the_same_fault_joins_and_the_persons_words_stay(self, database, clock):
        near, mine = merge(database, evidence(2, "f a.c:12"), evidence(3, "z z.c:1"))
        clock.advance(seconds=1)
        (others,) = merge(database, self.unproven())
        with database.transaction(COORDINATOR) as tx:
            joined = join(tx, mine.vulnerability, others.vulnerability, reason="one")
        (shown,) = merge(database, evidence(1, "f a.c:10"))
        assert (shown.vulnerability, shown.new, shown.absorbed) == (joined.vulnerability, True, ())
        assert shown.why == why_joined("one")
        assert read(database, joined.vulnerability).reasons == (mine.why, shown.why)
        with database.transaction(COORDINATOR) as tx:
            assert [one.vulnerability for one in read_alike(tx, joined.vulnerability)] == [near.vulnerability]
        (same,) = merge(database, evidence(4, "f a.c:10", release="1.1", fixed=None))
        assert same.vulnerability == joined.vulnerability

    def test_a_flaw_is_what_was_seen_of_it_also_where_the_first_report_showed_nothing(self, database, clock):
        (opened,) = merge(database, self.unproven())
        clock.advance(seconds=1)
        others = merge(database, evidence(2), evidence(3, "z z.c:1"))
        with database.transaction(COORDINATOR) as tx:
            for one in others:
                join(tx, opened.vulnerability, one.vulnerability, reason="one")
            before = read_vulnerability(tx, opened.vulnerability)
            split(tx, opened.vulnerability, [report(3)])
        after = read(database, opened.vulnerability)
        assert before.frames == after.frames == evidence(2).frames
        assert before.crash_class == after.crash_class == "heap-buffer-overflow"

    def test_what_was_split_stays_apart(self, database):
        (first, second) = merge(database, evidence(2), self.unproven())
        with database.transaction(COORDINATOR) as tx:
            joined = join(tx, first.vulnerability, second.vulnerability, reason="one").vulnerability
            left = split(tx, joined, [report(1)])
        (shown,) = merge(database, evidence(1))
        assert (shown.vulnerability, shown.new, shown.absorbed) == (left, True, ())
        assert read(database, joined).reports == (report(2),)


def test_reading_takes_as_many_statements_whatever_it_holds(database):
    counts = []
    for found in ([evidence(1), evidence(2)], [evidence(number) for number in range(3, 9)]):
        (merged, *_) = merge(database, *found)
        statements: list[str] = []
        with database.transaction(COORDINATOR) as tx:
            event.listen(tx.connection, "before_cursor_execute", lambda *told: statements.append(told[2]))  # noqa: B023
            read_vulnerability(tx, merged.vulnerability)
        counts.append(len(statements))
    assert counts[0] == counts[1]


class TestSplit:
    def test_reports_leave_with_their_credit_and_never_come_back(self, database, clock):
        (first, *_) = merge(database, evidence(1), evidence(2, release="1.1"), evidence(3))
        with database.transaction(COORDINATOR) as tx:
            new = split(tx, first.vulnerability, [report(2)])
        assert read(database, first.vulnerability).reports == (report(1), report(3))
        assert read(database, first.vulnerability).releases == ("1.0",)
        left = read(database, new)
        assert (left.reports, left.releases) == ((report(2),), ("1.1",))
        assert left.reasons[0].rule.startswith("same fault: ")
        with database.transaction(COORDINATOR) as tx:
            apart = tx.connection.execute(select(kept_apart).order_by(kept_apart.c.first)).all()
        assert apart == [
            (report(1), report(2), COORDINATOR.person, clock.now(), first.vulnerability, new),
            (report(2), report(3), COORDINATOR.person, clock.now(), first.vulnerability, new),
        ]

    def test_a_later_report_joins_one_side_and_joins_not_the_sides(self, database):
        (first, _) = merge(database, evidence(1), evidence(2))
        with database.transaction(COORDINATOR) as tx:
            new = split(tx, first.vulnerability, [report(2)])
        later, again = merge(database, evidence(3), evidence(4))
        assert (later.vulnerability, later.absorbed) == (first.vulnerability, ())
        assert again.vulnerability == first.vulnerability
        assert read(database, new).reports == (report(2),)

    def test_what_is_not_there_or_not_a_part_is_refused(self, database):
        (first,) = merge(database, evidence(1))
        with database.transaction(COORDINATOR) as tx:
            with pytest.raises(Malformed, match="at least one report on each side"):
                split(tx, first.vulnerability, [report(1)])
            with pytest.raises(Missing, match="no such vulnerability"):
                split(tx, VulnerabilityId(UUID(int=99)), [report(1)])


class TestAccess:
    def test_finders_and_strangers_see_nothing(self, database):
        (first,) = merge(database, evidence(1))
        for viewer in (FINDER, MAINTAINER):
            with database.transaction(viewer) as tx:
                assert vulnerability_of(tx, report(1)) is None
                with pytest.raises(Missing):
                    read_vulnerability(tx, first.vulnerability)
                with pytest.raises(Missing):
                    split(tx, first.vulnerability, [report(1)])
                with pytest.raises(Refused):
                    merge_in(tx, evidence(2))

    def test_a_participating_maintainer_reads_it_whole(self, database):
        (first, second) = merge(database, evidence(1), evidence(2))
        with database.transaction(SYSTEM) as tx:
            tx.relate(first.vulnerability, MAINTAINER.organisation, Relation.PARTICIPANT)
        with database.transaction(MAINTAINER) as tx:
            held = read_vulnerability(tx, first.vulnerability)
        assert held.reasons == (first.why, second.why)

    def test_nothing_that_arms_anyone_is_in_clear(self, database):
        merge(database, evidence(1, "canaryfunction canaryfile.c:7", component="pkg:pypi/canarycomponent"))
        with database.transaction(SYSTEM) as tx:
            for name in ("vulnerabilities", "merged_reports"):
                rows = tx.connection.execute(text(f"select * from {name}")).all()
                assert rows
                assert b"canary" not in repr(rows).encode()
                assert not any(
                    b"canary" in cell for row in rows for cell in row if isinstance(cell, bytes | memoryview)
                )


def test_a_vulnerability_that_is_not_there_is_missing(database):
    with database.transaction(COORDINATOR) as tx, pytest.raises(Missing, match="no such vulnerability"):
        read_vulnerability(tx, VulnerabilityId(UUID(int=99)))
