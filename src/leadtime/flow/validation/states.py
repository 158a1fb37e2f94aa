"""Where a validation stands, as a table of moves: waiting, run (by the last who took it), decided, set aside."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from leadtime.foundation.errors import Conflict, Refused

INCONCLUSIVE = "inconclusive"
"""The one verdict that says nothing either way."""


class State(StrEnum):
    """Where a validation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DECIDED = "decided"
    SET_ASIDE = "set aside"


class Move(StrEnum):
    """What can happen to a validation."""

    BEGIN = "begin"
    ABSORB = "absorb"
    SET_ASIDE = "be set aside"
    RETRY = "be run again"


MOVES: Mapping[State, Mapping[Move, State]] = {
    State.QUEUED: {Move.BEGIN: State.RUNNING, Move.SET_ASIDE: State.SET_ASIDE},
    # Begun again: the worker that had it died; its attempt no longer counts.
    State.RUNNING: {
        Move.BEGIN: State.RUNNING,
        Move.ABSORB: State.DECIDED,
        Move.SET_ASIDE: State.SET_ASIDE,
    },
    # Only one that was inconclusive: see `check_retry`.
    State.DECIDED: {Move.RETRY: State.QUEUED},
    # No further try would mend it; a person lets it be tried again.
    State.SET_ASIDE: {Move.BEGIN: State.RUNNING, Move.RETRY: State.QUEUED},
}
"""State -> move -> next state; what is not here is refused."""


def apply(state: State, move: Move) -> State:
    """Return the state after ``move``; raises `Conflict` if the table does not have it."""
    try:
        return MOVES[state][move]
    except KeyError:
        raise Conflict(f"a validation that is {state} cannot {move}", next_step="Read the validation again.") from None


def may(state: State, move: Move) -> bool:
    """Tell whether the table has ``move`` from ``state``."""
    return move in MOVES[state]


def check_retry(state: State, verdict: str | None, *, runnable: bool = True) -> None:
    """Return if a validation may be run again: set aside, or inconclusive; raises `Refused` for any other verdict.

    And for one whose report has nothing to run.
    """
    if not runnable:
        raise Refused(
            "a report without a reproducer is not run",
            where="validation",
            next_step="Ask its finder for a report with one, have two people examine it, or open a case with a reason.",
        )
    if state is State.DECIDED and verdict != INCONCLUSIVE:
        raise Refused(
            f"a validation that came to {verdict} is not run again",
            where="validation",
            next_step="Ask the finder for a report that differs, or open a case with a reason.",
        )


def counts(state: State, attempt: int, *, of: int) -> bool:
    """Tell whether what attempt ``of`` brings back is still wanted: the validation runs, and nobody took it since."""
    return may(state, Move.ABSORB) and of == attempt
