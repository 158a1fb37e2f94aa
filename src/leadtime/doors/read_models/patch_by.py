"""One operator's short list: what to patch, where, by when, and why then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from leadtime.doors.read_models.pictures import Badge
from leadtime.foundation.explanation import Explanation


@dataclass(frozen=True, slots=True)
class PatchByLine:
    """One component on one asset: ``due`` is None when no date can be told, and ``label`` then says why."""

    exposure: str
    component: str
    asset: str
    advisory: str
    advisory_href: str
    title: str
    fixed: str
    row: str
    due: date | None
    due_badge: Badge
    labels: tuple[str, ...]
    why: Explanation | None
    deployed: bool


@dataclass(frozen=True, slots=True)
class InventoryLine:
    """One list of components that the operator gave, and when."""

    asset: str
    exposed: str
    components: int
    unmatchable: int
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class PatchByPage:
    """The operator's page: what is to do, what is done, and what the answer rests on."""

    open: tuple[PatchByLine, ...]
    deployed: tuple[PatchByLine, ...]
    inventories: tuple[InventoryLine, ...]
