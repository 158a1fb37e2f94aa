"""What a maintainer opens by signed link, without an account: one report that reproduces on the first try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.doors.read_models.pictures import Badge, Credit, EmbargoClock, Evidence


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One delivery: ``base`` is its address, ``command`` the one line that reproduces the flaw."""

    base: str
    number: str
    title: str
    organisation: str
    component: str
    state: Badge
    embargo: EmbargoClock | None
    description: str
    severity_claimed: str
    locations: tuple[str, ...]
    cwe: str
    recipe: str
    command: str
    has_reproducer: bool
    evidence: tuple[Evidence, ...]
    credits: tuple[Credit, ...]
    reason: str
    can_acknowledge: bool
    can_name_fix: bool
    fixed_version: str
    acknowledged_at: datetime | None
