"""Every router of the API, in the order of the flow."""

from __future__ import annotations

from fastapi import APIRouter

from leadtime.doors.api import (
    acts,
    advisories,
    cases,
    deliveries,
    exposures,
    flags,
    models,
    own,
    parties,
    priorities,
    reads,
    reports,
    totals,
    validations,
    vulnerabilities,
    windows,
)

ROUTERS: tuple[APIRouter, ...] = (
    parties.router,
    acts.router,
    own.router,
    flags.router,
    models.router,
    windows.router,
    reports.router,
    validations.router,
    vulnerabilities.router,
    priorities.router,
    cases.router,
    deliveries.router,
    advisories.router,
    exposures.router,
    reads.router,
    totals.router,
)
