"""Merging does not depend on the order in which reports come (I7)."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.merging.records import Evidence
from leadtime.flow.merging.rules import compare, group, place_of
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
