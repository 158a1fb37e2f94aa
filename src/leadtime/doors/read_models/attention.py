"""Which cases ask for attention first, and whose move it is: read off a case's state and clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from leadtime.flow.coordination import Case, CaseState
from leadtime.foundation.access import Role

NEW_DAYS = 1
STUCK_DAYS = 14


class Attention(StrEnum):
    """Groups of a case list, the most urgent first."""

    OVERDUE = "Overdue"
    STUCK = "Stuck"
    NEW = "New"
    MOVING = "In motion"
    DONE = "Done"


HINTS: Mapping[Attention, str] = {
    Attention.OVERDUE: "The embargo has ended and nothing is published.",
    Attention.STUCK: f"Nobody has moved it for {STUCK_DAYS} days.",
    Attention.NEW: "Opened within a day.",
    Attention.MOVING: "Somebody is at it.",
    Attention.DONE: "Published or closed.",
}


@dataclass(frozen=True, slots=True)
class Next:
    """Who moves next (None: nobody), and what the move is."""

    role: Role | None
    move: str


NEXT: Mapping[CaseState, Next] = {
    CaseState.OPEN: Next(Role.COORDINATOR, "deliver it to its maintainer"),
    CaseState.DELIVERED: Next(Role.MAINTAINER, "acknowledge"),
    CaseState.ACKNOWLEDGED: Next(Role.MAINTAINER, "name the fixed version"),
    CaseState.FIX_NAMED: Next(Role.COORDINATOR, "publish the advisory"),
    CaseState.PUBLISHED: Next(Role.OPERATOR, "deploy the fix"),
    CaseState.CLOSED: Next(None, "nothing is left to do"),
}
"""Whose move it is in each state."""

DONE = frozenset({CaseState.PUBLISHED, CaseState.CLOSED})


def attention(case: Case, since: datetime, now: datetime) -> Attention:
    """Return the group that a case belongs to; ``since`` is when somebody last moved it."""
    if case.state in DONE:
        return Attention.DONE
    if case.embargo is not None and case.embargo.ends_at <= now:
        return Attention.OVERDUE
    if now - since >= timedelta(days=STUCK_DAYS):
        return Attention.STUCK
    if now - case.opened_at < timedelta(days=NEW_DAYS):
        return Attention.NEW
    return Attention.MOVING
