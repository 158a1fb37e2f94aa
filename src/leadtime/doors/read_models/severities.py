"""How severe a case's flaw is, by whose word: finders', verifiers' and maintainers' beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from leadtime.doors.read_models.names import Names
from leadtime.flow import merging
from leadtime.flow.intake import Report
from leadtime.flow.merging import Vulnerability
from leadtime.foundation.database import Transaction


@dataclass(frozen=True, slots=True)
class SeverityLine:
    """How severe the flaw is by one party's word: finder, verifier or maintainer; none stands for another's."""

    said_as: str
    severity: str
    who: str
    reason: str = ""


def severities_of(
    tx: Transaction, flaw: Vulnerability | None, reports: Iterable[Report], names: Names
) -> tuple[SeverityLine, ...]:
    """Return what finders claim, then the verifiers' and maintainers' words, the last first."""
    claimed = tuple(
        SeverityLine("finder", each.body.severity_claimed, names.of(each.organisation).text)
        for each in reports
        if each.body.severity_claimed
    )
    said = merging.list_severities(tx, flaw.id) if flaw else ()
    return claimed + tuple(
        SeverityLine(each.said_as.value, each.severity, names.of(each.organisation).text, each.reason) for each in said
    )
