"""The table of moves, whole: what is in it happens, all else is refused, and late runs do not count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.states import MOVES, Move, State, apply, check_retry, counts, may
from leadtime.foundation.errors import Conflict, Refused

TABLE = {
    (State.QUEUED, Move.BEGIN): State.RUNNING,
    (State.RUNNING, Move.BEGIN): State.RUNNING,
    (State.RUNNING, Move.ABSORB): State.DECIDED,
    (State.QUEUED, Move.SET_ASIDE): State.SET_ASIDE,
    (State.RUNNING, Move.SET_ASIDE): State.SET_ASIDE,
    (State.SET_ASIDE, Move.BEGIN): State.RUNNING,
    (State.SET_ASIDE, Move.RETRY): State.QUEUED,
    (State.DECIDED, Move.RETRY): State.QUEUED,
}


@pytest.mark.parametrize(("state", "move"), list(itertools.product(State, Move)))
def test_every_pair_of_state_and_move(state, move):
    assert may(state, move) is ((state, move) in TABLE)
    if (state, move) in TABLE:
        assert apply(state, move) is TABLE[state, move]
        return
    with pytest.raises(Conflict) as refusal:
        apply(state, move)
    assert str(refusal.value) == f"a validation that is {state} cannot {move}. Read the validation again."


@given(st.lists(st.sampled_from(Move), max_size=30))
def test_whatever_happens_a_validation_is_decided_once_until_it_is_run_again(moves):
    state, decided = State.QUEUED, 0
    for move in moves:
        if may(state, move):
            state = apply(state, move)
            decided = 0 if move is Move.RETRY else decided + (state is State.DECIDED)
    assert decided == (state is State.DECIDED)
    assert set(MOVES) == set(State)


def test_only_what_came_to_nothing_is_run_again():
    check_retry(State.DECIDED, "inconclusive")
    check_retry(State.SET_ASIDE, None)
    for verdict in ("reproduced", "not_reproduced", "harness_fault"):
        with pytest.raises(Refused) as refusal:
            check_retry(State.DECIDED, verdict)
        assert str(refusal.value) == (
            f"validation: a validation that came to {verdict} is not run again. "
            "Ask the finder for a report that differs, or open a case with a reason."
        )
    with pytest.raises(Refused) as refusal:
        check_retry(State.DECIDED, "inconclusive", runnable=False)
    assert str(refusal.value) == (
        "validation: a report without a reproducer is not run. "
        "Ask its finder for a report with one, have two people examine it, or open a case with a reason."
    )


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("attempt", "of"), [(1, 1), (2, 1), (1, 2)])
def test_only_the_last_taking_of_a_running_validation_counts(state, attempt, of):
    assert counts(state, attempt, of=of) is (state is State.RUNNING and attempt == of)
