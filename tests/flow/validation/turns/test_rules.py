"""Whose turn it is: who was given least, nobody ahead of their time, and what is exploited every other time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.turns.rules import (
    ATTEMPT_SECONDS_MAX,
    SECONDS_AHEAD_MAX,
    SECONDS_EXPECTED,
    SECONDS_MIN,
    SECONDS_SAVED_MAX,
    Now,
    Turn,
    Waiting,
    correction,
    doubt_of,
    held_seconds,
    next_turn,
)
from leadtime.workflows.proving import RUN_SECONDS_MAX

EARLY = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
TOLERANCE_SECONDS = 0.01
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def waits(organisation: UUID, served: float = 0.0, *, urgent: bool = False, later: int = 0, doubt: float = 0.0):
    return Waiting(organisation, served, EARLY + timedelta(seconds=later), urgent, doubt)


def test_nobodys_turn_comes_where_nobody_waits():
    assert next_turn([], Now(7.0, 0)) is None


@pytest.mark.parametrize(
    ("waiting", "now", "turn"),
    [
        ([waits(A)], Now(), Turn(A, 60.0, Now(0.0))),
        ([waits(A, 60.0), waits(B)], Now(0.0, 0), Turn(B, 60.0, Now(0.0, 1))),
        ([waits(A, 61.0), waits(B, 60.0, later=9, doubt=1.0)], Now(0.0, 2), Turn(B, 120.0, Now(60.0, 3))),
        # Who was away has saved up two hours at most.
        ([waits(A, 5.0)], Now(7_206.0), Turn(A, 66.0, Now(7_206.0))),
        ([waits(A, 7.0)], Now(7_206.0), Turn(A, 67.0, Now(7_206.0))),
        ([waits(A, 400.0), waits(B, 5.0, later=1)], Now(7_500.0), Turn(B, 360.0, Now(7_500.0))),
        ([waits(A, 400.0), waits(B, 5.0, later=1)], Now(7_700.0), Turn(A, 560.0, Now(7_700.0))),
        # Equal times: doubt, age, id.
        ([waits(A, doubt=0.5), waits(B, doubt=0.4, later=9)], Now(), Turn(B, 60.0, Now(0.0))),
        ([waits(A, later=2), waits(B, later=1)], Now(), Turn(B, 60.0, Now(0.0))),
        ([waits(B), waits(A)], Now(), Turn(A, 60.0, Now(0.0))),
        # What is exploited: ahead of its finder's time, every fourth turn, ten minutes at most; the farm's time stands.
        ([waits(A), waits(B, 600.0, urgent=True)], Now(), Turn(B, 660.0, Now(0.0, 0))),
        ([waits(A), waits(B, 601.0, urgent=True)], Now(), Turn(A, 60.0, Now(0.0))),
        ([waits(A), waits(B, 601.0, urgent=True)], Now(1.0), Turn(B, 661.0, Now(1.0, 0))),
        ([waits(A), waits(B, 600.0, urgent=True)], Now(0.0, 2), Turn(A, 60.0, Now(0.0, 3))),
        ([waits(B, 900.0, urgent=True)], Now(0.0, 0), Turn(B, 960.0, Now(900.0, 1))),
        ([waits(A, 70.0, urgent=True), waits(B, 60.0, urgent=True), waits(C)], Now(3.0), Turn(B, 120.0, Now(3.0, 0))),
    ],
)
def test_the_turn_of_who_was_given_least(waiting, now, turn):
    assert next_turn(waiting, now) == turn


def test_a_run_counts_what_it_took_and_never_nothing():
    assert (SECONDS_EXPECTED, SECONDS_MIN) == (60.0, 1.0)
    assert [correction(seconds) for seconds in (-5.0, 0.0, 1.0, 1.5, 60.0, 3600.0)] == [-59, -59, -59, -58.5, 0, 3540]


def test_an_attempt_holds_the_farm_from_its_beginning_for_as_long_as_a_run_may_take():
    assert ATTEMPT_SECONDS_MAX == RUN_SECONDS_MAX
    later = [-5.0, 0.0, 1.5, ATTEMPT_SECONDS_MAX, ATTEMPT_SECONDS_MAX + 1]
    held = [held_seconds(EARLY, EARLY + timedelta(seconds=seconds)) for seconds in later]
    assert held == [0.0, 0.0, 1.5, ATTEMPT_SECONDS_MAX, ATTEMPT_SECONDS_MAX]
    assert held_seconds(None, EARLY) == 0.0


def test_doubt_is_the_share_that_was_refuted():
    assert [doubt_of(0, 0), doubt_of(0, 4), doubt_of(1, 4), doubt_of(4, 4)] == [0.0, 0.0, 0.25, 1.0]


NONE_LOST: Mapping[UUID, list[float]] = {}


class Farm:
    """Finders with reports, given turns one after another."""

    def __init__(self, queues: list[tuple[int, bool, float]], lost: Mapping[UUID, list[float]] = NONE_LOST) -> None:
        """Each finder: how many reports, whether all are urgent, and the seconds that each takes.

        ``lost``: the seconds that each attempt held which came to nothing, before one of its reports was decided.
        """
        self.lost = lost
        self.left = {UUID(int=number): reports for number, (reports, _, _) in enumerate(queues, 1)}
        self.urgent = {UUID(int=number): urgent for number, (_, urgent, _) in enumerate(queues, 1)}
        self.takes = {UUID(int=number): takes for number, (_, _, takes) in enumerate(queues, 1)}
        self.served = dict.fromkeys(self.left, 0.0)
        self.used = dict.fromkeys(self.left, 0.0)
        self.now = Now()

    def turn(self) -> UUID | None:
        waiting = [
            waits(one, self.served[one], urgent=self.urgent[one], later=one.int)
            for one, left in self.left.items()
            if left
        ]
        turn = next_turn(waiting, self.now)
        if turn is None:
            return None
        one = turn.organisation
        assert self.left[one]
        assert turn.now.virtual_seconds >= self.now.virtual_seconds
        self.left[one] -= 1
        nothing = sum(held_seconds(EARLY, EARLY + timedelta(seconds=held)) for held in self.lost.get(one, ()))
        self.served[one] = turn.served_seconds + nothing + correction(self.takes[one])
        self.used[one] += sum(self.lost.get(one, ())) + max(self.takes[one], SECONDS_MIN)
        self.now = turn.now
        return one


queues = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.sampled_from([0.0, 1.0, 30.0, 60.0, 600.0])), min_size=1, max_size=6
)


@given(queues)
def test_no_turn_is_left_unused_while_somebody_waits(given_queues):
    farm = Farm(given_queues)
    for _ in range(sum(reports for reports, _, _ in given_queues)):
        assert farm.turn() is not None
    assert farm.turn() is None


@given(st.lists(st.sampled_from([0.0, 1.0, 30.0, 60.0, 600.0]), min_size=2, max_size=5))
def test_finders_who_all_wait_are_given_the_same_time_to_within_one_run(takes):
    farm = Farm([(200, False, seconds) for seconds in takes])
    for _ in range(150):
        farm.turn()
        longest = max(max(seconds, SECONDS_MIN) for seconds in takes)
        assert max(farm.used.values()) - min(farm.used.values()) <= longest


takings = st.tuples(st.sampled_from([0.0, 60.0, 600.0]), st.lists(st.floats(0, ATTEMPT_SECONDS_MAX), max_size=4))


@given(st.lists(takings, min_size=2, max_size=5))
def test_who_crashes_the_workers_is_given_no_more_of_their_time(finders):
    lost = {UUID(int=number): held for number, (_, held) in enumerate(finders, 1)}
    farm = Farm([(200, False, takes) for takes, _ in finders], lost)
    longest = max(sum(held) + max(takes, SECONDS_MIN) for takes, held in finders)
    for _ in range(150):
        farm.turn()
        assert max(farm.used.values()) - min(farm.used.values()) <= longest + TOLERANCE_SECONDS


@given(queues, st.integers(0, 30))
def test_whoever_comes_waits_for_two_turns_of_each_other_finder_at_most(given_queues, turns_before):
    """However many reports they sent, however urgent they call them, and whatever they were owed before."""
    farm = Farm([(reports + 200, urgent, takes) for reports, urgent, takes in given_queues])
    for _ in range(turns_before):
        farm.turn()
    new = UUID(int=99)
    farm.left[new], farm.urgent[new], farm.takes[new] = 1, False, 60.0
    farm.served[new] = farm.used[new] = 0.0
    turns = [farm.turn() for _ in range(2 * len(given_queues) + 2)]
    assert new in turns


@given(queues)
def test_the_order_in_which_finders_are_listed_does_not_matter(given_queues):
    waiting = [waits(UUID(int=n), served, urgent=urgent) for n, (_, urgent, served) in enumerate(given_queues)]
    for now in (Now(), Now(30.0, 1)):
        assert next_turn(waiting, now) == next_turn(waiting[::-1], now)


def test_a_pause_saves_up_two_hours_at_most():
    farm = Farm([(1000, False, 60.0), (0, False, 60.0)])
    for _ in range(500):
        farm.turn()
    farm.left[B] = 200
    saved = [farm.turn() for _ in range(120)]
    after = [farm.turn() for _ in range(40)]
    assert saved.count(B) == 120 == SECONDS_SAVED_MAX / 60
    assert 19 <= after.count(A) <= 21


def test_whoever_calls_everything_urgent_gets_ten_minutes_ahead_at_most():
    farm = Farm([(1000, False, 60.0)] * 7 + [(1000, True, 60.0)])
    for _ in range(800):
        farm.turn()
        *others, urgent = farm.used.values()
        assert urgent - min(others) <= SECONDS_AHEAD_MAX + 2 * SECONDS_EXPECTED
    assert urgent - max(others) >= SECONDS_AHEAD_MAX - SECONDS_EXPECTED
