"""Find reports by their reference, or by the text of their component."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from leadtime.flow.intake import limits
from leadtime.flow.intake.read import list_reports
from leadtime.flow.intake.records import ReportId, ReportPage, ReportSummary
from leadtime.flow.intake.rules import identity_of
from leadtime.flow.intake.tables import reports
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest

SEARCHED_REPORTS_MAX = 500
"""Reports that are opened for one page of what is found: their text is sealed, and no index holds it."""


def find_reports(
    tx: Transaction, asked: str, *, after: ReportId | None = None, page_reports: int = limits.PAGE_REPORTS_MAX
) -> ReportPage:
    """Return the viewer's reports, newest first, whose reference or component's text holds ``asked``, case aside.

    The very reference of one of the viewer's own gives that alone. A page may hold few or none and still go on
    ``after`` what was looked through, at most `SEARCHED_REPORTS_MAX`.
    """
    tx.require(Act.READ_REPORT)
    own = _own(tx, asked) if after is None else None
    if own is not None:
        return list_reports(tx, among=[own])
    size = max(1, min(page_reports, limits.PAGE_REPORTS_MAX))
    found: list[ReportSummary] = []
    for _ in range(SEARCHED_REPORTS_MAX // limits.PAGE_REPORTS_MAX):
        page = list_reports(tx, after=after)
        found += _holding(page.reports, asked.casefold())
        if len(found) > size:
            return ReportPage(tuple(found[:size]), found[size - 1].id)
        after = page.after
        if after is None:
            break
    return ReportPage(tuple(found), after)


def _own(tx: Transaction, reference: str) -> ReportId | None:
    """Return the report that the viewer's organisation handed in under this very reference."""
    identity = tx.keys.blind("report.identity", identity_of(reference, Digest("")))
    mine = (reports.c.organisation == tx.viewer.organisation) & (reports.c.identity == identity)
    found = tx.connection.scalar(select(reports.c.id).where(mine))
    return None if found is None else ReportId(found)


def _holding(several: Sequence[ReportSummary], asked: str) -> list[ReportSummary]:
    return [each for each in several if asked in f"{each.reference or ''}\n{each.component}".casefold()]
