"""The first page: where everything stands, from a report to a deployed fix."""

from __future__ import annotations

from dataclasses import dataclass

from leadtime.doors.read_models.pictures import Ages


@dataclass(frozen=True, slots=True)
class StageCount:
    """One step of the flow: ``count`` is a number, or words where a small number would tell too much (I6)."""

    name: str
    what: str
    count: str
    group: str
    exact: bool
    href: str = ""
    ages: Ages | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """The first page; ``exact`` counts are for coordinators, everybody else reads the weekly rounded ones."""

    stages: tuple[StageCount, ...]
    exact: bool
