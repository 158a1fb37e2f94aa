"""What finders wrote, for those who may read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from leadtime.doors.read_models.names import Names
from leadtime.flow import intake
from leadtime.flow.intake import Report, ReportBody, ReportId
from leadtime.foundation.access import Act, Relation, Role, may


@dataclass(frozen=True, slots=True)
class Account:
    """One report in its finder's words; ``href`` is its own page, empty for those who have none of it."""

    href: str
    finder: str
    example: bool
    title: str
    description: str
    cwe: str
    severity_claimed: str
    locations: tuple[str, ...]
    other_software: str


def accounts_of(reports: Iterable[Report], names: Names, role: Role) -> tuple[Account, ...]:
    """Return what the reports say, to a viewer of ``role`` who may read them."""
    return tuple(
        Account(
            href=_href(report.id, role),
            finder=names.of(report.organisation).text,
            example=names.of(report.organisation).example,
            title=report.body.title,
            description=report.body.description,
            cwe=report.body.cwe or "",
            severity_claimed=report.body.severity_claimed or "",
            locations=locations_of(report.body),
            other_software=intake.other_software_run(report.body),
        )
        for report in reports
    )


def locations_of(body: ReportBody) -> tuple[str, ...]:
    """Return where in the source a report says the flaw is: ``file:line function``."""
    return tuple(
        " ".join(part for part in (f"{each.file}:{each.line}" if each.line else each.file, each.function) if part)
        for each in body.locations
    )


def claims_of(body: ReportBody) -> tuple[tuple[str, str], ...]:
    """Return all that a report claims beside its description, each with its name; what it does not say is left out."""
    found, disclosure = body.found_by, body.disclosure
    by = [found.tool, *(part for part in (found.model, found.run) if part)]
    counted = f", counted from {disclosure.counted_from}" if disclosure and disclosure.counted_from else ""
    told = (
        ("Weakness", body.cwe),
        ("Severity, as claimed", body.severity_claimed),
        *(("Location", place) for place in locations_of(body)),
        ("Affected, as claimed", ", ".join(body.affected)),
        ("Trust boundary", body.trust_boundary),
        ("Found by", ", ".join(by)),
        ("Read by a person first", "yes" if found.person_reviewed else "no"),
        ("Told before", ", ".join(body.told)),
        ("Its finder tells the public on", f"{disclosure.on.isoformat()}{counted}" if disclosure else ""),
        ("Credit", ", ".join(body.credit)),
    )
    return tuple((name, value) for name, value in told if value)


def _href(report: ReportId, role: Role) -> str:
    relation = Relation.OWN if role is Role.FINDER else Relation.STRANGER
    return f"/reports/{report}" if may(role, Act.READ_REPORT, relation) else ""
