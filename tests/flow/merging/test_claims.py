"""What finders claim alike is suggested to a coordinator, and joins nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import text

from leadtime.flow.intake import read_finding, receive
from leadtime.flow.merging import (
    Alike,
    LinkKind,
    join,
    merge_in,
    note_claims,
    note_patch_outcome,
    read_alike,
    read_claimed,
    split,
)
from leadtime.flow.merging.fingerprints import CLAIMED_PLACES_MAX
from leadtime.flow.merging.records import Evidence, Frame
from leadtime.flow.merging.rules import why_claimed
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import Refused
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes
from tests.flow.merging.test_merge_in import COORDINATOR

FINDER = Viewer(Role.FINDER, UUID(int=1001), UUID(int=3))
PLACE = {"cwe": "CWE-122", "locations": [{"file": "a/table.c", "function": "read_row", "line": 30}]}
NEAR = {"cwe": "CWE-787", "locations": [{"file": "table.c", "line": 40}]}
WORDS = {"description": "A deep document with a large indent writes far past the end of a small buffer."}
INPUT = {"reproducer": a_reproducer()}


def seen(name: str, report, component: str = "pkg:pypi/ujson") -> Evidence:
    """Evidence of a crash in a function of its own, which nothing links."""
    return Evidence(
        report, FINDER.organisation, component, "1", None, "heap-buffer-overflow", "", (Frame(name, f"{name}.c", 1),)
    )


def merge(database, *said, component: str = "pkg:pypi/ujson"):
    """Hand in reports that say so, merge each, and return reports and vulnerabilities."""
    reports, flaws = [], []
    for number, one in enumerate(said):
        body = {"description": "d", "title": f"t{number}", **one}
        with database.transaction(FINDER) as tx:
            reports.append(receive(tx, as_bytes(a_report(**body))).id)
        with database.transaction(SYSTEM) as tx:
            evidence = seen(f"f{number}", reports[-1], component)
            note_claims(tx, read_finding(tx, reports[-1]), evidence)
            flaws.append(merge_in(tx, evidence).vulnerability)
    return reports, flaws


def alike(database, flaw):
    with database.transaction(COORDINATOR) as tx:
        return [(one.vulnerability, one.kind, one.why) for one in read_alike(tx, flaw)]


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (INPUT, INPUT, LinkKind.SAME_INPUT),
        (PLACE, NEAR, LinkKind.SAME_PLACE),
        (WORDS, WORDS, LinkKind.LIKE_WORDS),
        ({**WORDS, **PLACE}, {**WORDS, **NEAR}, LinkKind.SAME_PLACE),
    ],
)
def test_two_that_claim_the_same_are_suggested_to_each_other_by_the_strongest(database, one, other, kind):
    reports, flaws = merge(database, one, other)
    assert flaws[0] != flaws[1]
    assert alike(database, flaws[0]) == [(flaws[1], kind, why_claimed(kind, reports[1]))]
    assert alike(database, flaws[1]) == [(flaws[0], kind, why_claimed(kind, reports[0]))]


@pytest.mark.parametrize("other", [{}, {**NEAR, "cwe": "CWE-416"}, {**NEAR, "cwe": None}])
def test_what_differs_in_place_weakness_and_words_is_not(database, other):
    _, flaws = merge(database, {**PLACE, **WORDS}, other)
    assert alike(database, flaws[0]) == alike(database, flaws[1]) == []


def test_one_claim_on_two_components_is_none(database):
    _, (one,) = merge(database, {**PLACE, **WORDS, **INPUT})
    _, (other,) = merge(database, {**PLACE, **WORDS, **INPUT}, component="pkg:pypi/other")
    assert all(found != other for found, _, _ in alike(database, one))


def test_every_claim_leads_whatever_the_order_and_joins_nothing(database):
    said = {"a": {**PLACE, **INPUT}, "b": {**NEAR, **WORDS}, "c": {**WORDS, **INPUT}}
    shown = set()
    for number, order in enumerate(permutations(said)):
        component = f"pkg:pypi/thing{number}"
        _, flaws = merge(database, *({**said[name], "component": component} for name in order), component=component)
        name_of = dict(zip(flaws, order, strict=True))
        assert len(name_of) == len(said)
        shown.add(frozenset((name_of[f], name_of[o], kind) for f in flaws for o, kind, _ in alike(database, f)))
    (links,) = shown
    assert links == {
        *(("a", "c", LinkKind.SAME_INPUT), ("c", "a", LinkKind.SAME_INPUT)),
        *(("a", "b", LinkKind.SAME_PLACE), ("b", "a", LinkKind.SAME_PLACE)),
        *(("b", "c", LinkKind.LIKE_WORDS), ("c", "b", LinkKind.LIKE_WORDS)),
    }


def test_where_one_was_seen_to_fail_meets_what_another_claims(database):
    _, flaws = merge(database, {}, {"cwe": "CWE-787", "locations": [{"file": "src/f0.c", "function": "f0"}]})
    assert [(found, kind) for found, kind, _ in alike(database, flaws[0])] == [(flaws[1], LinkKind.SAME_PLACE)]


def test_what_was_split_is_suggested_no_more_and_a_patch_leads_claims(database):
    reports, flaws = merge(database, {**PLACE, **INPUT}, {**NEAR, **INPUT}, NEAR)
    with database.transaction(SYSTEM) as tx:
        for report in (reports[0], reports[2]):
            note_patch_outcome(tx, report, f"sha256:{'a' * 64}", silenced=True)
    kinds = [(found, kind) for found, kind, _ in alike(database, flaws[0])]
    assert kinds == [(flaws[2], LinkKind.SAME_PATCH), (flaws[1], LinkKind.SAME_INPUT)]
    with database.transaction(COORDINATOR) as tx:
        kept = join(tx, flaws[0], flaws[1], reason="one bug").vulnerability
        new = split(tx, kept, [reports[1]])
    assert [found for found, _, _ in alike(database, kept)] == [flaws[2]]
    assert [found for found, _, _ in alike(database, new)] == [flaws[2]]


def test_of_many_that_say_the_same_only_so_many_are_looked_at(database, monkeypatch):
    monkeypatch.setattr("leadtime.flow.merging.claims.SAYING_READ_MAX", 2)
    _, flaws = merge(database, *[INPUT] * 4)
    found = [flaw for flaw, _, _ in alike(database, flaws[3])]
    assert len(found) == 2
    assert set(found) < set(flaws[:3])


def test_a_report_that_is_in_no_case_is_led_to_those_that_claim_the_same(database):
    said = {**NEAR, **WORDS, "title": "t"}
    reports, flaws = merge(database, {**PLACE, **WORDS, "title": "t"}, {**WORDS, "title": "t"}, {})
    with database.transaction(FINDER) as tx:
        waiting = receive(tx, as_bytes(a_report(**said))).id
    with database.transaction(COORDINATOR) as tx:
        finding = read_finding(tx, waiting)
        evidence = replace(seen("f", waiting), crash_class="", frames=())
        assert read_claimed(tx, finding, evidence) == tuple(
            Alike(flaws[number], kind, why_claimed(kind, reports[number]))
            for number, kind in enumerate((LinkKind.SAME_PLACE, LinkKind.LIKE_WORDS))
        )
        assert read_claimed(tx, finding, replace(evidence, component="pkg:pypi/other")) == ()
        assert tx.connection.scalar(text("select count(*) from claims where report = :r"), {"r": waiting}) == 0
    with database.transaction(FINDER) as tx, pytest.raises(Refused):
        read_claimed(tx, finding, evidence)


def test_only_the_first_places_of_a_report_count(database):
    many = [{"file": f"p{number}.c", "function": "f"} for number in range(CLAIMED_PLACES_MAX + 1)]
    said = ({"cwe": "CWE-122", "locations": places} for places in (many, many[-1:], many[-2:-1]))
    _, flaws = merge(database, *said)
    assert [found for found, _, _ in alike(database, flaws[0])] == [flaws[2]]


def test_again_changes_nothing_and_no_word_is_in_clear(database):
    reports, _ = merge(database, {**PLACE, **WORDS, **INPUT})
    with database.transaction(SYSTEM) as tx:
        stored = tx.connection.execute(text("select * from claims order by mark")).all()
        note_claims(tx, read_finding(tx, reports[0]), seen("f0", reports[0]))
        assert tx.connection.execute(text("select * from claims order by mark")).all() == stored
    assert sorted(row.kind for row in stored) == ["like words"] * 4 + ["same input"] + ["same place"] * 6
    assert all(len(bytes(row.mark)) == 32 for row in stored)
    with database.transaction(FINDER) as tx:
        assert tx.connection.scalar(text("select count(*) from claims")) == 0


def test_no_finder_notes_a_claim(database):
    reports, _ = merge(database, PLACE)
    with database.transaction(SYSTEM) as tx:
        finding = read_finding(tx, reports[0])
    with database.transaction(FINDER) as tx, pytest.raises(Refused):
        note_claims(tx, finding, seen("f0", reports[0]))
