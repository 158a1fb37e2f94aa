"""The coordinator's list: what is overdue, stuck, new, and whose move it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.doors.read_models.pictures import Badge, EmbargoClock


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in the list; ``mover`` is who must act next, ``yours`` whether that is the viewer."""

    href: str
    number: str
    title: str
    component: str
    state: str
    mover: str
    move: str
    yours: bool
    priority: Badge | None
    since: datetime
    embargo: EmbargoClock | None
    finders: int
    overdue: bool


@dataclass(frozen=True, slots=True)
class CaseGroup:
    """Cases that ask for the same kind of attention."""

    name: str
    hint: str
    rows: tuple[CaseRow, ...]


@dataclass(frozen=True, slots=True)
class CaseList:
    """All cases the viewer may see, the most urgent group first; ``more`` is the next page's address or empty."""

    groups: tuple[CaseGroup, ...]
    more: str = ""

    @property
    def total(self) -> int:
        """Return how many rows are shown."""
        return sum(len(group.rows) for group in self.groups)
