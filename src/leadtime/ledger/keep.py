"""Sequencing every open log of an installation, as long as it serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.ledger.append import count_waiting, list_logs
from leadtime.ledger.cosigning import REST_SECONDS
from leadtime.ledger.records import Log, LogName, Round
from leadtime.ledger.sequence import Sequencer

IDLE_SECONDS = 0.25
"""Between two looks for new leaves: with a turn's own time well under the 2 s that I3 allows."""

AILING_SECONDS = 2.0
"""A log whose turn failed is left alone for so long, whatever waits."""

LOOK_SECONDS = 60
"""Every log is turned at least so often, so that a new signing key or witness is used without waiting for a leaf."""

LOGS_MAX = 10_000

Outcome = Round | Exception
"""What a turn did, or the error that ended it."""


@dataclass(frozen=True, slots=True)
class _Next:
    """When a log is turned next; before that if leaves wait, unless its last turn failed."""

    at: datetime
    ailing: bool


class Keeper:
    """Turns every log that has something to do; ``make`` gives the sequencer of a log that is new."""

    def __init__(self, database: Database, make: Callable[[Log], Sequencer]) -> None:
        self._database = database
        self._make = make
        self._sequencers: dict[LogName, Sequencer] = {}
        self._next: dict[LogName, _Next] = {}

    def turn_all(self) -> dict[LogName, Outcome]:
        """Make one turn of each log that is due or has leaves waiting; return what each did, errors of every kind too.

        Raised is an error of the database alone, if it does not tell which logs there are.
        """
        with self._database.transaction(SYSTEM) as tx:
            opened = list_logs(tx)[:LOGS_MAX]
            waiting = count_waiting(tx)
        outcomes: dict[LogName, Outcome] = {}
        for each in opened:
            name = each.log.name
            if self._is_due(name, waits=name in waiting):
                outcome = outcomes[name] = self._turn(each.log)
                self._next[name] = _next_after(outcome, self._database.clock.now())
        return outcomes

    def _is_due(self, name: LogName, *, waits: bool) -> bool:
        known = self._next.get(name)
        return known is None or known.at <= self._database.clock.now() or (waits and not known.ailing)

    def _turn(self, log: Log) -> Outcome:
        try:
            if log.name not in self._sequencers:
                self._sequencers[log.name] = self._make(log)
            return self._sequencers[log.name].turn()
        except Exception as problem:  # noqa: BLE001  # whatever ails one log, the others are turned
            return problem

    def keep_turning(self, stop: Event, tell: Callable[[LogName, Outcome], None]) -> None:
        """Turn until ``stop`` is set; ``tell`` hears of every turn. An error of the database itself is raised."""
        while not stop.is_set():
            outcomes = self.turn_all()
            for name, outcome in outcomes.items():
                tell(name, outcome)
            if not any(isinstance(outcome, Round) and outcome.more for outcome in outcomes.values()):
                stop.wait(IDLE_SECONDS)


def _next_after(outcome: Outcome, now: datetime) -> _Next:
    """Return when a log is turned next, at the latest."""
    if not isinstance(outcome, Round):
        return _Next(now + timedelta(seconds=AILING_SECONDS), ailing=True)
    if outcome.more:
        return _Next(now, ailing=False)
    return _Next(now + timedelta(seconds=REST_SECONDS if outcome.silent else LOOK_SECONDS), ailing=False)
