"""Totals by stage, and receipts without a verdict by age: weekly and rounded for everybody."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from leadtime.doors.api.asking import AskingAnyone
from leadtime.doors.read_models.home import read_home
from leadtime.doors.read_models.undecided import Undecided, read_undecided

router = APIRouter(tags=["totals"])


class StageShape(BaseModel):
    """One step of the flow; ``count`` is text, since a small number is only said to be small."""

    name: str
    count: str
    exact: bool


@router.get("/totals", summary="Read how many things are at each stage")
def read_totals(ask: AskingAnyone) -> tuple[StageShape, ...]:
    """Return the totals from a report to a deployed fix, left to right."""
    home = read_home(ask.site.database, ask.viewer)
    return tuple(StageShape(name=stage.name, count=stage.count, exact=stage.exact) for stage in home.stages)


@router.get("/totals/undecided", summary="Read how many receipts have no verdict yet, by age")
def read_receipts(ask: AskingAnyone) -> Undecided:
    """Return how many reports that were acknowledged wait for their verdict, and how long."""
    return read_undecided(ask.site.database, ask.viewer)
