"""Whose turn it is: start-time fair queueing over finders, by the seconds that their reports take. Pure.

Each finder has a virtual time: the seconds that its reports were given so far. Whoever has been given least is next, so
one that sends ninety reports in a hundred waits behind itself and before nobody. Whoever comes back after a pause has
saved up two hours and no more: a small finder's batch goes before a bulk finder's next thousand. Every fourth turn goes
to what is exploited now, if such a report waits; it counts like any other, and gets no finder further ahead than ten
minutes, since that it is urgent is at first its finder's word. What an attempt held counts in full, whatever it came
to: who crashes the workers or lets every run time out pays for that time.
(Goyal, Vin, Cheng: Start-time Fair Queueing, 1996.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from leadtime.flow.parties import OrganisationId

SECONDS_EXPECTED = 60.0
"""What a run is counted as while it lasts; corrected by what it took."""

SECONDS_SAVED_MAX = 7_200.0
"""By which whoever comes back is ahead of those who have waited all along."""

SECONDS_AHEAD_MAX = 600.0
"""By which the urgent lane lets a finder get ahead of the farm's virtual time."""

ORDINARY_TURNS = 3
"""Between two of the urgent lane."""

SECONDS_MIN = 1.0
"""What a run counts at least, so that a flood of empty ones moves its finder on, too."""

ATTEMPT_SECONDS_MAX = 14_400.0
"""What one attempt counts at most, as long as a run may take: longer than that nobody worked at all."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A finder whose reports wait: its virtual time, since when the oldest waits, and whether an urgent one does.

    ``doubt``: how many of its reports were not reproduced, as a share of those decided.
    """

    organisation: OrganisationId
    served_seconds: float
    since: datetime
    urgent: bool
    doubt: float


@dataclass(frozen=True, slots=True)
class Now:
    """Where the farm stands: its virtual time, and how many ordinary turns it gave since the urgent lane's last."""

    virtual_seconds: float = 0.0
    ordinary: int = ORDINARY_TURNS


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, what that finder's virtual time is from now on, and where the farm then stands."""

    organisation: OrganisationId
    served_seconds: float
    now: Now


def next_turn(waiting: Sequence[Waiting], now: Now) -> Turn | None:
    """Return whose turn it is, None if nobody waits.

    Equal virtual times are told apart by doubt, then by age, then by id.
    """
    if not waiting:
        return None
    urgent = [one for one in waiting if one.urgent and _may_hurry(one, now)]
    lane = urgent or waiting
    chosen = min(lane, key=lambda one: (_start(one, now), one.doubt, one.since, one.organisation))
    start = _start(chosen, now)
    # The urgent lane may reach far ahead; the farm's own time is that of those who wait in order.
    then = Now(now.virtual_seconds, 0)
    if not urgent:
        then = Now(max(now.virtual_seconds, start), min(now.ordinary + 1, ORDINARY_TURNS))
    return Turn(chosen.organisation, start + SECONDS_EXPECTED, then)


def held_seconds(begun_at: datetime | None, now: datetime) -> float:
    """Return for how long an attempt that was begun then has held the farm; 0 where none is under way."""
    if begun_at is None:
        return 0.0
    return min(max((now - begun_at).total_seconds(), 0.0), ATTEMPT_SECONDS_MAX)


def correction(seconds_used: float) -> float:
    """Return by how much a finder's virtual time is corrected once a run has taken ``seconds_used``."""
    return max(seconds_used, SECONDS_MIN) - SECONDS_EXPECTED


def doubt_of(refuted: int, decided: int) -> float:
    """Return the share of a finder's decided reports that were not reproduced or not the subject's fault; 0 if none."""
    return refuted / decided if decided else 0.0


def _may_hurry(one: Waiting, now: Now) -> bool:
    return now.ordinary >= ORDINARY_TURNS and one.served_seconds <= now.virtual_seconds + SECONDS_AHEAD_MAX


def _start(one: Waiting, now: Now) -> float:
    return max(one.served_seconds, now.virtual_seconds - SECONDS_SAVED_MAX)
