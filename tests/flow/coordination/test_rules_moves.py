from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.coordination.records import CaseMove, CaseState, DeliveryMove, DeliveryState
from leadtime.flow.coordination.rules import (
    CASE_MOVES,
    DELIVERY_MOVES,
    OPEN_DELIVERIES,
    move_case,
    move_delivery,
)
from leadtime.foundation.errors import Conflict

# Written by hand: each state with what every move leads to, in the order of the moves; "-": refused.
CASES = """
open:         deliver=delivered acknowledge=- name a fix=fix named publish=published close=closed reopen=-
delivered:    deliver=delivered acknowledge=acknowledged name a fix=fix named publish=published close=closed reopen=-
acknowledged: deliver=acknowledged acknowledge=acknowledged name a fix=fix named publish=published close=closed reopen=-
fix named:    deliver=fix named acknowledge=fix named name a fix=fix named publish=published close=closed reopen=-
published:    deliver=published acknowledge=published name a fix=published publish=published close=closed reopen=open
closed:       deliver=- acknowledge=- name a fix=- publish=- close=- reopen=open
"""
DELIVERIES = """
sent:         send=sent acknowledge=acknowledged name a fix=fix named close=closed
acknowledged: send=acknowledged acknowledge=acknowledged name a fix=fix named close=closed
fix named:    send=fix named acknowledge=fix named name a fix=fix named close=closed
closed:       send=sent acknowledge=- name a fix=- close=closed
"""


def written(moves: dict, all_moves: type) -> str:
    lines = [""]
    for state, steps in moves.items():
        told = " ".join(f"{move}={steps.get(move, '-')}" for move in all_moves)
        lines.append(f"{state + ':':13} {told}")
    return "\n".join([*lines, ""])


def test_the_tables_say_what_was_reviewed() -> None:
    assert written(CASE_MOVES, CaseMove) == CASES
    assert written(DELIVERY_MOVES, DeliveryMove) == DELIVERIES
    assert set(CASE_MOVES) == set(CaseState)
    assert set(DELIVERY_MOVES) == set(DeliveryState)


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("move", CaseMove)
def test_a_case_moves_by_its_table_and_not_otherwise(state: CaseState, move: CaseMove) -> None:
    if move in CASE_MOVES[state]:
        assert move_case(state, move) is CASE_MOVES[state][move]
        return
    with pytest.raises(Conflict) as caught:
        move_case(state, move)
    assert str(caught.value) == f"case: a case that is {state} cannot {move}. Read the case again."


@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize("move", DeliveryMove)
def test_a_delivery_moves_by_its_table_and_not_otherwise(state: DeliveryState, move: DeliveryMove) -> None:
    if move in DELIVERY_MOVES[state]:
        assert move_delivery(state, move) is DELIVERY_MOVES[state][move]
        return
    with pytest.raises(Conflict) as caught:
        move_delivery(state, move)
    assert str(caught.value) == f"delivery: a delivery that is {state} cannot {move}. Read the delivery again."


@given(st.lists(st.sampled_from(CaseMove), max_size=30))
def test_whatever_happens_a_case_can_be_published_or_opened_again(history: list[CaseMove]) -> None:
    state = CaseState.OPEN
    for move in history:
        state = CASE_MOVES[state].get(move, state)
    assert CaseMove.PUBLISH in CASE_MOVES[state] or CaseMove.REOPEN in CASE_MOVES[state]
    assert (CaseMove.CLOSE in CASE_MOVES[state]) is (state is not CaseState.CLOSED)


@given(st.lists(st.sampled_from(DeliveryMove), max_size=30))
def test_whatever_happens_a_delivery_can_be_sent_and_closed(history: list[DeliveryMove]) -> None:
    state = DeliveryState.SENT
    for move in history:
        state = DELIVERY_MOVES[state].get(move, state)
    assert {DeliveryMove.SEND, DeliveryMove.CLOSE} <= set(DELIVERY_MOVES[state])


def test_deliveries_without_a_fix_count_as_open() -> None:
    assert {DeliveryState.SENT, DeliveryState.ACKNOWLEDGED} == OPEN_DELIVERIES
