"""Sequencing every open log of an installation, as long as it serves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.foundation.errors import LeadtimeError
from leadtime.ledger.append import count_waiting, list_logs
from leadtime.ledger.records import Log, LogName, Round
from leadtime.ledger.sequence import Sequencer

IDLE_SECONDS = 0.25
"""Between two looks for new leaves: with a turn's own time well under the 2 s that I3 allows."""

AILING_SECONDS = 2.0
"""A log whose turn failed is left alone for so long."""

LOOK_SECONDS = 60
"""Every log is turned at least so often, so that a new signing key or witness is used without waiting for a leaf."""

LOGS_MAX = 10_000

Outcome = Round | LeadtimeError


class Keeper:
    """Turns every log that has something to do; ``make`` gives the sequencer of a log that is new."""

    def __init__(self, database: Database, make: Callable[[Log], Sequencer]) -> None:
        self._database = database
        self._make = make
        self._sequencers: dict[LogName, Sequencer] = {}
        self._turned: dict[LogName, datetime] = {}

    def turn_all(self) -> dict[LogName, Outcome]:
        """Make one turn of each log that is not settled or has leaves waiting; return what each did, errors too."""
        with self._database.transaction(SYSTEM) as tx:
            opened = list_logs(tx)[:LOGS_MAX]
            waiting = count_waiting(tx)
        outcomes: dict[LogName, Outcome] = {}
        for each in opened:
            sequencer = self._sequencers.get(each.log.name)
            if sequencer is None:
                sequencer = self._sequencers[each.log.name] = self._make(each.log)
            if not sequencer.settled or waiting.get(each.log.name) or self._is_due(each.log.name):
                outcomes[each.log.name] = _turn(sequencer)
                self._turned[each.log.name] = self._database.clock.now()
        return outcomes

    def _is_due(self, name: LogName) -> bool:
        last = self._turned.get(name)
        return last is None or self._database.clock.now() - last >= timedelta(seconds=LOOK_SECONDS)

    def keep_turning(self, stop: Event, tell: Callable[[LogName, Outcome], None]) -> None:
        """Turn until ``stop`` is set; ``tell`` hears of every turn. An error of the database itself is raised."""
        while not stop.is_set():
            outcomes = self.turn_all()
            for name, outcome in outcomes.items():
                tell(name, outcome)
            if any(isinstance(outcome, Round) and outcome.more for outcome in outcomes.values()):
                continue
            ailing = outcomes and all(isinstance(outcome, LeadtimeError) for outcome in outcomes.values())
            stop.wait(AILING_SECONDS if ailing else IDLE_SECONDS)


def _turn(sequencer: Sequencer) -> Outcome:
    try:
        return sequencer.turn()
    except LeadtimeError as problem:
        return problem
