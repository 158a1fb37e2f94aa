"""How the record of a designation moves, and which dates can be meant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from leadtime.flow.assessment.records import DesignationMove, DesignationState
from leadtime.foundation.errors import Conflict, Malformed

DESIGNATION_MOVES: Mapping[DesignationState, Mapping[DesignationMove, DesignationState]] = {
    DesignationState.REQUESTED: {
        DesignationMove.DESIGNATE: DesignationState.DESIGNATED,
        DesignationMove.FIND_OTHERWISE: DesignationState.NOT_DESIGNATED,
    },
    DesignationState.DESIGNATED: {DesignationMove.SET_ASIDE: DesignationState.SET_ASIDE},
    DesignationState.NOT_DESIGNATED: {},
    DesignationState.SET_ASIDE: {},
}
"""State -> move -> next state, as an outside authority decides; nothing else in Leadtime reads it."""

ZONES_AHEAD = timedelta(hours=14)
"""It is a day later in the eastmost time zone."""


def move_designation(state: DesignationState, move: DesignationMove) -> DesignationState:
    """Return the state that an outcome leads to; raises `Conflict` where the table has none."""
    if move not in DESIGNATION_MOVES[state]:
        raise Conflict(
            f"a designation that is {state} has no outcome to {move}",
            where="designation",
            next_step="Note a request of its own.",
        )
    return DESIGNATION_MOVES[state][move]


def check_day(day: date, *, not_before: date | None, now: datetime, where: str) -> date:
    """Return a day that has come, and is not before another; raises `Malformed`."""
    if day > (now + ZONES_AHEAD).date():
        raise Malformed("this day has not come", where=where, next_step="Note what has happened.")
    if not_before is not None and day < not_before:
        raise Malformed("an outcome is not before its request", where=where, next_step="Check both days.")
    return day
