"""Published advisories, for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.doors.read_models.pictures import Badge, Runs


@dataclass(frozen=True, slots=True)
class AdvisoryRow:
    """One advisory in the list."""

    href: str
    number: str
    title: str
    component: str
    fixed: str
    aliases: tuple[str, ...]
    published_at: datetime | None
    state: Badge


@dataclass(frozen=True, slots=True)
class AdvisoryList:
    """Advisories, newest first; ``more`` is the next page's address or empty."""

    rows: tuple[AdvisoryRow, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class AffectedLine:
    """What is affected, and on whose word: the run that showed it, or the person's source."""

    component: str
    versions: str
    fixed: str
    because: str


@dataclass(frozen=True, slots=True)
class AdvisoryPage:
    """One advisory; ``osv_href`` and ``csaf_href`` are the same record for machines."""

    number: str
    title: str
    summary: str
    state: Badge
    tlp: str
    published_at: datetime | None
    modified_at: datetime | None
    aliases: tuple[str, ...]
    cwe: str
    affected: tuple[AffectedLine, ...]
    remediation: str
    proof: tuple[Runs, ...]
    credits: tuple[str, ...]
    references: tuple[str, ...]
    osv_href: str
    csaf_href: str
