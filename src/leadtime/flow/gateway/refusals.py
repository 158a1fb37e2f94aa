"""How many refusals of a grant get a leaf of their own, so that nobody fills a log by being refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.flow.gateway.rules import leaves_refusal
from leadtime.flow.window import GrantId

MINUTE_SECONDS = 60
GRANTS_MAX = 20_000


@dataclass(slots=True)
class _Minute:
    number: int
    leaves: int
    uncounted: int


class RefusalCount:
    """Counts the refusals of each grant, minute by minute, in this process."""

    def __init__(self) -> None:
        self._minutes: dict[GrantId, _Minute] = {}
        self.all = 0

    def note(self, grant: GrantId, now: datetime) -> int | None:
        """Count a refusal; return how many before it got no leaf, or None if it gets none itself."""
        self.all += 1
        number = int(now.timestamp()) // MINUTE_SECONDS
        minute = self._minutes.get(grant)
        if minute is None or minute.number != number:
            uncounted = minute.uncounted if minute else 0
            if minute is None and len(self._minutes) >= GRANTS_MAX:
                self._minutes.pop(next(iter(self._minutes)))
            minute = self._minutes[grant] = _Minute(number, 0, uncounted)
        if not leaves_refusal(minute.leaves):
            minute.uncounted += 1
            return None
        minute.leaves += 1
        uncounted, minute.uncounted = minute.uncounted, 0
        return uncounted
