"""Sums up who tried the network over builds and runs, pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from leadtime.flow.validation.network.records import During, NetworkAttempt, NetworkUse
from leadtime.flow.validation.records import SeenSide

USES_MAX = 100
"""How many different ones a verdict tells; the evidence holds them all."""


def network_of(sides: Iterable[SeenSide]) -> tuple[NetworkUse, ...]:
    """Return who tried the network in all of these builds and runs, each way once, with how often it was tried."""
    times: dict[NetworkUse, int] = {}
    for side in sides:
        runs = [run for run in (side.control, *side.runs) if run is not None]
        seen = [_uses(During.BUILD, side.network), *(_uses(During.RUN, run.network) for run in runs)]
        for use, attempt in (pair for uses in seen for pair in uses):
            times[use] = times.get(use, 0) + attempt.times
    summed = [NetworkUse(use.during, replace(use.attempt, times=count)) for use, count in times.items()]
    return tuple(summed[:USES_MAX])


def _uses(during: During, attempts: Iterable[NetworkAttempt]) -> list[tuple[NetworkUse, NetworkAttempt]]:
    return [(NetworkUse(during, replace(attempt, times=0)), attempt) for attempt in attempts]
