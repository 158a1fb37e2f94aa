"""Every router of the API, in the order of the flow, and which part of an installation has it."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import APIRouter

from leadtime.doors.api import (
    acts,
    advisories,
    calls,
    cases,
    deliveries,
    exposures,
    flags,
    held,
    models,
    outcomes,
    own,
    parties,
    patches,
    priorities,
    reads,
    reports,
    totals,
    validations,
    vulnerabilities,
    windows,
)
from leadtime.doors.site import Part

EVERYWHERE = frozenset(Part)
EARLY_ACCESS = frozenset({Part.GATEWAY})
CLEARINGHOUSE = frozenset({Part.SITE})

ROUTERS: tuple[tuple[APIRouter, frozenset[Part]], ...] = (
    (parties.router, EVERYWHERE),
    (acts.router, CLEARINGHOUSE),
    (own.router, EVERYWHERE),
    (flags.router, EVERYWHERE),
    (models.router, EARLY_ACCESS),
    (windows.router, EARLY_ACCESS),
    (calls.router, EARLY_ACCESS),
    (reports.router, CLEARINGHOUSE),
    (held.router, CLEARINGHOUSE),
    (validations.router, CLEARINGHOUSE),
    (vulnerabilities.router, CLEARINGHOUSE),
    (outcomes.router, CLEARINGHOUSE),
    (priorities.router, CLEARINGHOUSE),
    (cases.router, CLEARINGHOUSE),
    (deliveries.router, CLEARINGHOUSE),
    (patches.router, CLEARINGHOUSE),
    (advisories.router, CLEARINGHOUSE),
    (exposures.router, CLEARINGHOUSE),
    (reads.router, EVERYWHERE),
    (totals.router, CLEARINGHOUSE),
)
"""Each router, and the parts of an installation that have it."""


def routers_of(parts: Collection[Part]) -> tuple[APIRouter, ...]:
    """Return the routers of an installation that serves ``parts``; what it does not serve does not exist there."""
    return tuple(router for router, having in ROUTERS if having.intersection(parts))
