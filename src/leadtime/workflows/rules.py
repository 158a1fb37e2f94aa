"""What becomes of a step that failed: again after a growing pause, or set aside with a reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from traceback import extract_tb

from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable

ATTEMPTS_MAX = 5
"""Tries of a step that fails for a reason of its own; then a person looks."""

OUTAGE_ATTEMPTS_MAX = 40
"""Tries while something outside does not answer: about three hours."""

PAUSE_SECONDS_FIRST = 2
PAUSE_SECONDS_MAX = 300
PAUSE_DOUBLINGS_MAX = 8


@dataclass(frozen=True, slots=True)
class Again:
    """Try the step again after a pause."""

    after_seconds: int


@dataclass(frozen=True, slots=True)
class Aside:
    """Set the job aside for a person, with a sentence that says why."""

    reason: str


class Cause(StrEnum):
    """What ended a try: the step's own fault, something outside that did not answer, or its worker's death."""

    FAULT = "fault"
    OUTAGE = "outage"
    DEATH = "death"


@dataclass(frozen=True, slots=True)
class Tries:
    """How often each cause has ended a try of one job before."""

    faults: int = 0
    outages: int = 0
    deaths: int = 0


def cause_of(error: Exception) -> Cause:
    """Return what an error that ended a try counts as."""
    return Cause.OUTAGE if isinstance(error, Unavailable) else Cause.FAULT


def decide_after(error: Exception, before: Tries) -> Again | Aside:
    """Return what becomes of a step that ended with ``error``; tries of each cause are counted apart.

    What is wrong with the input stays wrong, so it is set aside at once. The reason never quotes an error that is not
    Leadtime's own, since that may carry content: it names the error and the line.
    """
    reason = describe(error)
    if isinstance(error, Malformed | Missing | Refused):
        return Aside(reason)
    outage = cause_of(error) is Cause.OUTAGE
    earlier, tries_max = (before.outages, OUTAGE_ATTEMPTS_MAX) if outage else (before.faults, ATTEMPTS_MAX)
    if earlier + 1 >= tries_max:
        return Aside(f"{reason} (tried {earlier + 1} times)")
    return Again(min(PAUSE_SECONDS_FIRST << min(earlier, PAUSE_DOUBLINGS_MAX), PAUSE_SECONDS_MAX))


def decide_after_death(before: Tries) -> Again | Aside:
    """Return what becomes of a job whose worker died while it had it; a job that kills workers is set aside."""
    deaths = before.deaths + 1
    if deaths >= ATTEMPTS_MAX:
        return Aside(f"its worker died or stopped answering (tried {deaths} times)")
    return Again(0)


def describe(error: Exception) -> str:
    """Return a sentence on ``error`` that carries no content: Leadtime's own words, or the error's name and line."""
    if isinstance(error, LeadtimeError):
        return str(error)
    frames = extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"an unexpected {type(error).__name__}{place}"
