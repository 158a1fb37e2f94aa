"""A finder's own reports: what became of each, and the receipt that proves it was received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.doors.read_models.pictures import Badge, Evidence, Step


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One report in the list."""

    href: str
    reference: str
    title: str
    component: str
    received_at: datetime
    status: Badge
    finder: str = ""
    example: bool = False


@dataclass(frozen=True, slots=True)
class ReportList:
    """The viewer's reports, newest first; ``more`` is the next page's address or empty."""

    rows: tuple[ReportRow, ...]
    everybodys: bool
    more: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """The signed receipt, as it can be checked offline."""

    digest: str
    key_id: str
    signature: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One report as its finder (or a coordinator) sees it."""

    id: str
    reference: str
    title: str
    component: str
    description: str
    cwe: str
    severity_claimed: str
    steps: tuple[Step, ...]
    status: Badge
    receipt: ReceiptLine
    evidence: Evidence | None
    case_number: str = ""
    case_href: str = ""
