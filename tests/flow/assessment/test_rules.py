from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from leadtime.flow.assessment.records import DesignationMove, DesignationState
from leadtime.flow.assessment.rules import DESIGNATION_MOVES, check_day, move_designation
from leadtime.foundation.errors import Conflict, Malformed

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
DAY = date(2026, 8, 3)


def test_an_authority_decides_once_and_may_set_its_designation_aside():
    told = {(state, move): after for state, moves in DESIGNATION_MOVES.items() for move, after in moves.items()}
    assert told == {
        (DesignationState.REQUESTED, DesignationMove.DESIGNATE): DesignationState.DESIGNATED,
        (DesignationState.REQUESTED, DesignationMove.FIND_OTHERWISE): DesignationState.NOT_DESIGNATED,
        (DesignationState.DESIGNATED, DesignationMove.SET_ASIDE): DesignationState.SET_ASIDE,
    }
    for (state, move), after in told.items():
        assert move_designation(state, move) is after
    with pytest.raises(Conflict) as caught:
        move_designation(DesignationState.NOT_DESIGNATED, DesignationMove.DESIGNATE)
    assert str(caught.value) == (
        "designation: a designation that is not designated has no outcome to designate. Note a request of its own."
    )


def test_a_day_has_come_somewhere_and_is_not_before_the_request():
    assert check_day(DAY, not_before=None, now=NOW, where="x") == DAY
    assert check_day(DAY, not_before=DAY, now=NOW, where="x") == DAY
    with pytest.raises(Malformed) as caught:
        check_day(date(2026, 8, 4), not_before=None, now=NOW, where="x")
    assert str(caught.value) == "x: this day has not come. Note what has happened."
    assert check_day(date(2026, 8, 4), not_before=None, now=NOW.replace(hour=10), where="x") == date(2026, 8, 4)
    with pytest.raises(Malformed) as caught:
        check_day(DAY, not_before=date(2026, 8, 4), now=NOW, where="x")
    assert str(caught.value) == "x: an outcome is not before its request. Check both days."
