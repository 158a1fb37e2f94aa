"""Merging does not depend on the order in which reports come (I7)."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.records import Evidence, LinkKind, VulnerabilityId
from leadtime.flow.merging.rules import NEAR_LINES_MAX, choose, compare, group, partition, place_of, suggest
from tests.flow.merging.factories import evidence, report

STACKS = st.lists(
    st.builds("{} {}.c:{}".format, st.sampled_from("fgh"), st.sampled_from("ab"), st.integers(1, 9)),
    min_size=1,
    max_size=8,
)


@st.composite
def evidences(draw: st.DrawFn) -> list[Evidence]:
    def one(number: int) -> Evidence:
        return evidence(
            number,
            *draw(STACKS),
            component=draw(st.sampled_from(["pkg:pypi/a", "pkg:npm/b"])),
            release=draw(st.sampled_from(["1.0.0", "1.1.0", "2.0.0", None])),
            fixed=draw(st.sampled_from(["1.1.0", "3.0.0", None])),
            crash_class=draw(st.sampled_from(["SEGV", "timeout", "stack-overflow"])),
            access=draw(st.sampled_from(["READ 1", "WRITE 4", ""])),
        )

    return [one(number) for number in range(1, draw(st.integers(1, 8)) + 1)]


PAIRS = st.sets(
    st.sets(st.integers(1, 8).map(report), min_size=2, max_size=2).map(frozenset),
    max_size=4,
)


@given(evidences(), PAIRS, st.randoms())
def test_any_order_gives_the_same_groups(found, apart, chance):
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert group(found, apart) == group(shuffled, apart)


@given(evidences(), PAIRS)
def test_no_report_is_lost_and_none_is_in_two_groups(found, apart):
    groups = group(found, apart)
    assert sorted(r.int for members in groups for r in members) == sorted(e.report.int for e in found)


@given(evidences(), PAIRS)
def test_what_a_person_set_apart_stays_apart(found, apart):
    for members in group(found, apart):
        assert not any(pair <= members for pair in apart)


@given(evidences())
def test_comparing_is_symmetric_and_linked_pairs_meet_in_one_place(found):
    for a, b in combinations(found, 2):
        assert compare(a, b) == compare(b, a)
        assert compare(a, b) is None or place_of(a) == place_of(b)


@given(evidences())
def test_one_more_report_only_ever_joins_groups(found):
    before, after = group(found[:-1]), group(found)
    assert all(any(members <= larger for larger in after) for members in before)


LINES = st.lists(
    st.tuples(st.integers(1, 30), st.sampled_from(["SEGV", "heap-buffer-overflow"])), min_size=1, max_size=10
)


def arrive(found: list[Evidence]) -> dict[ReportId, VulnerabilityId]:
    """Return who is held by what when reports come one by one, each looking at those before it."""
    held: dict[ReportId, VulnerabilityId] = {}
    for number, new in enumerate(found):
        before = found[:number]
        links = [link for one in before if (link := compare(new, one))]
        chosen, _ = choose(new.report, links, held)
        mine = min(chosen, default=VulnerabilityId(UUID(int=number + 1)))
        held = {report: mine if one in chosen else one for report, one in held.items()} | {new.report: mine}
    return held


@given(LINES, st.randoms())
def test_what_is_joined_or_suggested_is_the_same_whoever_comes_first(places, chance):
    found = [evidence(n, f"f a.c:{line}", "g a.c:1", crash_class=kind) for n, (line, kind) in enumerate(places, 1)]
    seen = []
    for _ in range(2):
        held = arrive(found)
        together = {}
        for one, vulnerability in held.items():
            together.setdefault(vulnerability, set()).add(one)
        suggested = [link for a, b in combinations(found, 2) if (link := compare(a, b))]
        chains = [link for link in suggested if link.kind is LinkKind.NEAR_FAULT]
        unchained = [replace(link, kind=LinkKind.SAME_PATH) for link in chains]
        seen.append(partition(together.values(), [*unchained, *(each for each in suggested if each not in chains)]))
        chance.shuffle(found)
    assert seen[0] == seen[1]


@given(LINES, st.randoms())
def test_in_any_order_nothing_far_from_a_line_that_was_there_first_is_joined(places, chance):
    found = [evidence(n, f"f a.c:{line}", "g a.c:1") for n, (line, _) in enumerate(places, 1)]
    line_of = {one.report: one.frames[0].line for one in found}
    chance.shuffle(found)
    held = arrive(found)
    for vulnerability in set(held.values()):
        lines = [line_of[one] for one, its in held.items() if its == vulnerability]
        assert max(lines) - min(lines) <= 2 * NEAR_LINES_MAX


@given(evidences())
def test_what_is_suggested_is_symmetric_and_holds_every_link(found):
    for a, b in combinations(found, 2):
        assert suggest(a, b) == suggest(b, a)
        assert compare(a, b) in {None, suggest(a, b)}
