"""The access log as a page shows it: one line a call, and its hours as bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from leadtime.flow.gateway import Amount, CallSeen

HOURS_SHOWN = 48


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call, without content: sizes, times, who; its id is its leaf's, and travelled upstream in a header."""

    leaf: UUID
    at: datetime
    who: str
    organisation: str
    variant: str
    address: str
    ended: str
    tokens: int
    sent_bytes: int
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of calls as a bar of a chart, ``height`` in percent of the tallest."""

    at: datetime
    calls: int
    height: float


def line_of(found: CallSeen, people: Mapping[UUID, str], houses: Mapping[UUID, str]) -> CallLine:
    """Return a call as a line; ``people`` and ``houses`` are names."""
    return CallLine(
        leaf=found.id,
        at=found.at,
        who=people.get(found.person, "a person who was removed"),
        organisation=houses.get(found.organisation, ""),
        variant=found.variant,
        address=found.address,
        ended=found.ended.value if found.settled_at else "running",
        tokens=found.charged.tokens if found.settled_at else found.reserved.tokens,
        sent_bytes=found.request_bytes,
        answer_bytes=found.answer_bytes,
    )


def bars_of(hours: Iterable[tuple[datetime, Amount]], now: datetime) -> tuple[Bar, ...]:
    """Return one bar for each of the last hours, those without a call too; nothing if there was none at all."""
    counted = {at: amount.requests for at, amount in hours}
    if not counted:
        return ()
    last = now.replace(minute=0, second=0, microsecond=0)
    shown = [last - timedelta(hours=ago) for ago in reversed(range(HOURS_SHOWN))]
    tallest = max(counted.values())
    return tuple(Bar(at, counted.get(at, 0), round(100 * counted.get(at, 0) / tallest, 1)) for at in shown)
