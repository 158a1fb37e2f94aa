"""A bulk finder beside ninety-nine small ones: how long each waits from handing a report in to its verdict.

Run: ``.venv/bin/python benchmarks/farm.py``. One hundred finders send 50,000 reports; one of them sends 90 % of these,
all at once and first. Each of the others sends its fifty or so at one moment of the following day. Only the passing of
time and the runs themselves (30 to 90 s, drawn by lot, on eight workers) are simulated; receiving, queueing, turns,
beginning and absorbing are the product's own, in its database. Bar: each of the 99 waits, on average over its reports,
at most three times as long as without the bulk finder; also where that one says of all of its reports that they are
about what is exploited now. First come, first served stands beside it, with the same reports and runs. Exits with 1 if
the bar is missed.
"""

from __future__ import annotations

import heapq
import json
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from leadtime.flow import intake, parties, validation
from leadtime.flow.intake import ReportId
from leadtime.flow.validation import Outcome
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.database.opening import make_database, open_address
from leadtime.foundation.keys import create_keys
from leadtime.foundation.settings import read_settings

REPORTS, FINDERS, BULK_PERCENT = 50_000, 100, 90
WORKERS = 8
RUN_SECONDS = (30.0, 90.0)
DAY_SECONDS = 86_400.0
BATCH_REPORTS = 250
RATIO_MAX = 3.0
SEED = 20260803
START = datetime(2026, 8, 3, tzinfo=UTC)
OUTCOME = Outcome("inconclusive", None, b'{"crash":null}')


@dataclass
class SimulatedClock:
    """Stands where the simulation stands."""

    at: datetime = START

    def now(self) -> datetime:
        """Return the simulation's instant."""
        return self.at

    def move_to(self, seconds: float) -> None:
        """Let it be so many seconds after the start."""
        self.at = START + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Sent:
    """One finder's reports, all sent at one moment; ``takes`` are the seconds of each one's run."""

    finder: int
    at: float
    takes: tuple[float, ...]


class Farm(Protocol):
    """What the simulation asks of a queue."""

    def receive(self, sent: Sent) -> list[int]:
        """Return a number for each report that came in."""

    def take(self) -> int | None:
        """Begin the run of whichever report is next, and return its number; None if none waits."""

    def decide(self, report: int) -> None:
        """End a run."""


class FirstComeFirstServed:
    """What the turns are compared with."""

    def __init__(self) -> None:
        self.count, self.waiting = 0, deque[int]()

    def receive(self, sent: Sent) -> list[int]:
        """Let them stand in line."""
        new = list(range(self.count, self.count + len(sent.takes)))
        self.count += len(new)
        self.waiting.extend(new)
        return new

    def take(self) -> int | None:
        """Begin the oldest."""
        return self.waiting.popleft() if self.waiting else None

    def decide(self, report: int) -> None:
        """Nothing is counted."""


class Leadtime:
    """The product's own queue, in its database."""

    def __init__(self, database: Database, *, all_exploited: bool) -> None:
        self.database, self.all_exploited = database, all_exploited
        self.ids: list[ReportId] = []
        self.numbers: dict[ReportId, int] = {}
        self.begun: dict[int, validation.Begun] = {}
        self.turn_seconds: list[float] = []
        with database.transaction(SYSTEM) as tx:
            houses = [
                parties.enrol_organisation(tx, name=f"Example {number}", role=Role.FINDER, example=True)
                for number in range(FINDERS)
            ]
            people = [
                parties.enrol_person(tx, organisation=house.id, name="Ada Example", email="ada@example.org")
                for house in houses
            ]
        self.viewers = [
            Viewer(role=Role.FINDER, organisation=house.id, person=person.id)
            for house, person in zip(houses, people, strict=True)
        ]

    def receive(self, sent: Sent) -> list[int]:
        """Hand them in, many in one transaction."""
        first = len(self.ids)
        exploited = self.all_exploited and sent.finder == 0
        for start in range(0, len(sent.takes), BATCH_REPORTS):
            with self.database.transaction(self.viewers[sent.finder]) as tx:
                numbers = range(start, min(start + BATCH_REPORTS, len(sent.takes)))
                received = intake.receive_all(tx, [a_report(sent.finder, number) for number in numbers])
                new = [each.receipt.id for each in received if isinstance(each, intake.Received)]
                validation.queue_validations(tx, [validation.Waiting(one, exploited=exploited) for one in new])
                for report in new:
                    self.numbers[report] = len(self.ids)
                    self.ids.append(report)
        return list(range(first, len(self.ids)))

    def take(self) -> int | None:
        """Give a turn, and begin its run."""
        began = time.perf_counter()
        with self.database.transaction(SYSTEM) as tx:
            report = validation.call_next(tx)
        self.turn_seconds.append(time.perf_counter() - began)
        if report is None:
            return None
        with self.database.transaction(SYSTEM) as tx:
            begun = validation.begin_validation(tx, report)
        assert begun is not None
        number = self.numbers[report]
        self.begun[number] = begun
        return number

    def decide(self, report: int) -> None:
        """Absorb an outcome."""
        with self.database.transaction(SYSTEM) as tx:
            assert validation.absorb_validation(tx, self.begun.pop(report), OUTCOME)


def a_report(finder: int, number: int) -> bytes:
    """Return a small report, unlike any other."""
    return json.dumps(
        {
            "schema": "leadtime.report/1",
            "title": f"Report {number} of finder {finder}",
            "description": "As titled.",
            "component": "pkg:pypi/ujson@5.0.0",
            "found_by": {"tool": "example-fuzzer", "person_reviewed": False},
        }
    ).encode()


def plan(chance: random.Random) -> list[Sent]:
    """Return who sends how many reports when, the bulk finder first."""
    bulk = REPORTS * BULK_PERCENT // 100
    shares = [(REPORTS - bulk) // (FINDERS - 1)] * (FINDERS - 1)
    for number in range(REPORTS - bulk - sum(shares)):
        shares[number] += 1

    def draw(reports: int) -> tuple[float, ...]:
        return tuple(chance.uniform(*RUN_SECONDS) for _ in range(reports))

    small = [Sent(number, chance.uniform(0, DAY_SECONDS), draw(share)) for number, share in enumerate(shares, 1)]
    return [Sent(0, 0.0, draw(bulk)), *sorted(small, key=lambda sent: sent.at)]


def waits_of(farm: Farm, sent: list[Sent], move_to: Callable[[float], None]) -> dict[int, list[float]]:
    """Play until every report of the small finders is decided; return each finder's seconds from report to verdict."""
    left = sum(len(one.takes) for one in sent if one.finder != 0)
    coming, running = deque(sent), list[tuple[float, int]]()
    at: dict[int, tuple[int, float, float]] = {}
    waits: dict[int, list[float]] = defaultdict(list)
    now = 0.0
    while left:
        while coming and coming[0].at <= now:
            one = coming.popleft()
            at |= {new: (one.finder, now, takes) for new, takes in zip(farm.receive(one), one.takes, strict=True)}
        while len(running) < WORKERS and (taken := farm.take()) is not None:
            heapq.heappush(running, (now + at[taken][2], taken))
        now = min([running[0][0]] if running else [], default=coming[0].at if coming else now)
        now = min(now, coming[0].at) if coming else now
        move_to(now)
        while running and running[0][0] <= now:
            _, done = heapq.heappop(running)
            farm.decide(done)
            finder, since, _ = at[done]
            waits[finder].append(now - since)
            left -= finder != 0
    return waits


@contextmanager
def a_farm(clock: SimulatedClock, *, all_exploited: bool) -> Iterator[Leadtime]:
    """Make an installation of its own, gone afterwards."""
    clock.move_to(0.0)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place, "home")
        home.mkdir(mode=0o700)
        settings = read_settings({"LEADTIME_HOME": str(home)})
        address = make_database(settings)
        database = open_address(address, clock, create_keys(home / "keys"))
        try:
            yield Leadtime(database, all_exploited=all_exploited)
        finally:
            database.engine.dispose()
            if address.embedded is not None:
                address.embedded.release()


def tell(name: str, waits: dict[int, list[float]], alone: dict[int, list[float]]) -> float:
    """Print one row, and return the worst finder's ratio."""
    mean = {finder: statistics.fmean(found) for finder, found in waits.items() if finder}
    ratios = sorted(mean[finder] / statistics.fmean(alone[finder]) for finder in mean)
    longest = max(max(found) for finder, found in waits.items() if finder)
    print(
        f"| {name} | {statistics.median(mean.values()) / 60:,.1f} | {longest / 60:,.1f} |"
        f" {statistics.median(ratios):.2f} | {ratios[-1]:.2f} |",
        flush=True,
    )
    return ratios[-1]


def main() -> int:
    """Play the day four times, print the table, and tell whether the bar was met."""
    sent = plan(random.Random(SEED))
    clock = SimulatedClock()
    print("| the 99 others | median wait, minutes | longest | times alone, median | worst finder |")
    print("|---|---|---|---|---|")
    with a_farm(clock, all_exploited=False) as farm:
        alone = waits_of(farm, sent[1:], clock.move_to)
    tell("alone", alone, alone)
    worst, turns = [], list[float]()
    for name, all_exploited in (("beside the bulk finder", False), ("all of its reports called exploited", True)):
        with a_farm(clock, all_exploited=all_exploited) as farm:
            worst.append(tell(name, waits_of(farm, sent, clock.move_to), alone))
            turns += farm.turn_seconds
    tell("first come, first served", waits_of(FirstComeFirstServed(), sent, clock.move_to), alone)
    print(f"\nA turn, with 45,000 reports waiting: {statistics.median(turns) * 1000:.1f} ms (median).")
    return int(max(worst) > RATIO_MAX)


if __name__ == "__main__":
    sys.exit(main())
