"""What holds for every decision, whatever comes in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.priority.records import Answer, Impact, Inputs, Row
from leadtime.flow.priority.rules import decide, lookup, urgency

DATES = st.none() | st.dates(date(2020, 1, 1), date(2030, 12, 31))

INPUTS = st.builds(
    Inputs,
    exposed=st.sampled_from(Answer),
    kev=st.sampled_from(Answer),
    automatable=st.sampled_from(Answer),
    impact=st.none() | st.sampled_from(Impact),
    kev_added=DATES,
    kev_due=DATES,
    kev_forensic=st.none() | st.booleans(),
    exploited_since=DATES,
    enumerated=DATES,
    binding=st.booleans(),
)


@given(INPUTS)
def test_there_is_a_row_exactly_when_nothing_is_missing(found):
    decision = decide(found)
    assert (decision.row is None) == bool(decision.missing)
    if decision.row is None:
        assert decision.due is None
        assert decision.readings == ()


@given(INPUTS)
def test_the_date_is_the_earliest_reading_and_every_reading_counts_the_rows_days(found):
    decision = decide(found)
    assert decision.due == min((reading.due for reading in decision.readings), default=None)
    assert all((reading.due - reading.start).days == decision.row.days for reading in decision.readings)


@given(INPUTS)
def test_what_is_or_may_be_in_kev_is_never_defaulted(found):
    decision = decide(found)
    if found.kev is not Answer.NO:
        known = found.kev is Answer.YES and found.automatable is not Answer.UNKNOWN and found.impact is not None
        assert (decision.row is not None) == known


@given(INPUTS, DATES)
def test_kevs_own_date_changes_no_other(found, due):
    one, other = decide(found), decide(replace(found, kev_due=due))
    assert (one.row, one.due, one.readings) == (other.row, other.due, other.readings)


@given(st.lists(INPUTS, max_size=6), st.randoms())
def test_a_list_is_ordered_the_same_from_any_order(found, chance):
    decisions = [decide(one) for one in found]
    shuffled = list(decisions)
    chance.shuffle(shuffled)
    assert sorted(map(urgency, decisions)) == sorted(map(urgency, shuffled))


def test_a_worse_answer_never_gives_more_time():
    def days(row: Row) -> float:
        return float("inf") if row.days is None else row.days

    for exposed, in_kev, automatable in product((True, False), repeat=3):
        worst = lookup(exposed=exposed, in_kev=in_kev, automatable=automatable, impact=Impact.TOTAL)
        assert days(worst) <= days(
            lookup(exposed=exposed, in_kev=in_kev, automatable=automatable, impact=Impact.PARTIAL)
        )
        for impact in Impact:
            row = lookup(exposed=exposed, in_kev=in_kev, automatable=automatable, impact=impact)
            assert days(lookup(exposed=True, in_kev=in_kev, automatable=automatable, impact=impact)) <= days(row)
            assert days(lookup(exposed=exposed, in_kev=True, automatable=automatable, impact=impact)) <= days(row)
            assert days(lookup(exposed=exposed, in_kev=in_kev, automatable=True, impact=impact)) <= days(row)
