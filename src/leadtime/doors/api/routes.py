"""Every router of the API, in the order of the flow."""

from __future__ import annotations

from fastapi import APIRouter

from leadtime.doors.api import parties, reports

ROUTERS: tuple[APIRouter, ...] = (parties.router, reports.router)
