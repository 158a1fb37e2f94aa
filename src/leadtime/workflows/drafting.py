"""Begin a case's advisory: a person's words, and what the case already proves.

Releases are called affected because they were run here and failed, or because the person entered a range with its
source; finders are credited from the reports. Nothing is invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from leadtime.flow import advisory, coordination, intake, merging, parties, validation
from leadtime.flow.advisory import Advisory, DraftFacts, affected_package
from leadtime.flow.coordination import CaseFile, CaseId
from leadtime.flow.intake import Report
from leadtime.formats.advisories import AffectedSpan, Credit, CreditKind, Outcome, Publisher, Reference, Run
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.labels import Tlp
from leadtime.packages.purls import parse_purl

REPORTS_READ_MAX = 200
"""Reports of one case whose runs and credits a draft names."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a person writes and answers for; ``spans`` are ranges with the source that the person has them from."""

    title: str
    summary: str
    remedy: str
    cve: str | None
    cwes: tuple[str, ...]
    spans: tuple[AffectedSpan, ...]
    references: tuple[Reference, ...]


def draft_advisory(tx: Transaction, case: CaseId, words: Words, *, namespace: str) -> Advisory:
    """Return the case's advisory, drafted from ``words`` and the case; as long as it is a draft, drafted anew.

    ``namespace`` is an address under the publisher's control. Raises as `advisory.draft` and `advisory.edit`.
    """
    file = coordination.read_case(tx, case)
    facts = _facts(tx, file, words)
    if (held := advisory.find_advisory(tx, case)) is not None:
        return advisory.edit(tx, held.id, facts)
    return advisory.draft(tx, case=case, facts=facts, publisher=_publisher(tx, namespace))


def _facts(tx: Transaction, file: CaseFile, words: Words) -> DraftFacts:
    component = merging.read_vulnerability(tx, file.case.vulnerability).component
    reports = tuple(intake.read_report(tx, report) for report in file.reports[:REPORTS_READ_MAX])
    runs = {(run.version, run.outcome): run for report in reversed(reports) for run in _runs(tx, report)}
    ordered = tuple(runs[key] for key in sorted(runs, key=lambda key: (key[1] is Outcome.FIXED, key[0])))
    return DraftFacts(
        title=words.title,
        summary=words.summary,
        remedy=words.remedy,
        cve=words.cve,
        cwes=words.cwes,
        packages=(affected_package(component, runs=ordered, spans=words.spans),) if component else (),
        credits=_credits(tx, file, reports),
        references=words.references,
        tlp=Tlp.CLEAR,
    )


def _runs(tx: Transaction, report: Report) -> Iterator[Run]:
    """Yield what a report's validation showed for each release that it ran."""
    kept = validation.read_validation(tx, report.id)
    if kept.outcome is None or kept.outcome.verdict != "reproduced" or report.body.reproducer is None:
        return
    subject = json.loads(report.body.reproducer.recipe)["subject"]
    shown = json.loads(kept.outcome.result)
    yield Run(_version(subject["vulnerable"]), Outcome.AFFECTED, str(kept.id))
    if subject.get("fixed") and (shown.get("fixed") or {}).get("verdict") == "clean":
        yield Run(_version(subject["fixed"]), Outcome.FIXED, str(kept.id))


def _version(purl: str) -> str:
    return parse_purl(purl, where="recipe.subject").version or ""


def _credits(tx: Transaction, file: CaseFile, reports: tuple[Report, ...]) -> tuple[Credit, ...]:
    names = {each.organisation: each.name for each in file.participants}
    finders = [text for report in reports for text in (report.body.credit or (names[report.organisation],))]
    fixers = [names[each.organisation] for each in file.deliveries if each.fixed]
    credited = [Credit(name, CreditKind.FINDER) for name in finders]
    credited += [Credit(name, CreditKind.MAINTAINER) for name in fixers]
    credited.append(Credit(_own(tx).name, CreditKind.COORDINATOR))
    return tuple(dict.fromkeys(credited))


def _publisher(tx: Transaction, namespace: str) -> Publisher:
    return Publisher(name=_own(tx).name, namespace=namespace)


def _own(tx: Transaction) -> parties.Organisation:
    if tx.viewer.organisation is None:
        raise Missing("an advisory is drafted by a named coordinator", next_step="Sign in as one.")
    return parties.read_organisation(tx, parties.OrganisationId(tx.viewer.organisation))
