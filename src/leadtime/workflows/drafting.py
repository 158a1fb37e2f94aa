"""Begin, renew and correct a case's advisory: a person's words, and what the case proves by now.

Releases are called affected because they were run here and failed, or because the person entered a range with its
source; finders are credited from the reports. Nothing is invented, and no report can stand in the way of publication.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from leadtime.flow import advisory, coordination, intake, merging, parties, validation
from leadtime.flow.advisory import Advisory, DraftFacts, FinderShare, affected_package, credits_of, runs_of
from leadtime.flow.coordination import CaseFile, CaseId
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import Vulnerability
from leadtime.flow.validation import AffectedRange, Bound, KeptValidation, ReleaseWord
from leadtime.formats.advisories import (
    AdvisoryDocument,
    AffectedSpan,
    Credit,
    CreditKind,
    Outcome,
    Publisher,
    Reference,
    Run,
)
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.labels import Tlp

NAMED_REPORTS_MAX = 5_000
"""Reports, oldest first, whose people are credited by name; for all others their organisation is."""


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
    facts = facts_of(tx, coordination.read_case(tx, case), words)
    if (held := advisory.find_advisory(tx, case)) is not None:
        return advisory.edit(tx, held.id, facts)
    return advisory.draft(tx, case=case, facts=facts, publisher=Publisher(name=_own(tx).name, namespace=namespace))


def facts_of(tx: Transaction, file: CaseFile, words: Words, *, coordinators: tuple[str, ...] = ()) -> DraftFacts:
    """Return what an advisory of a case says in ``words``, with its runs and credits as they are now.

    ``coordinators``: organisations thanked for coordinating besides the viewer's own.
    """
    tx.require(Act.PUBLISH_ADVISORY, file.case.id)
    found = merging.read_vulnerability(tx, file.case.vulnerability)
    runs = runs_of(_runs(tx, found))
    return DraftFacts(
        title=words.title,
        summary=words.summary,
        remedy=words.remedy,
        cve=words.cve,
        cwes=words.cwes,
        packages=(affected_package(found.component, runs=runs, spans=words.spans),) if found.component else (),
        credits=_credits(tx, file, found, (*coordinators, _own(tx).name)),
        references=words.references,
        tlp=Tlp.CLEAR,
    )


def renewed_facts(tx: Transaction, held: Advisory) -> DraftFacts:
    """Return a draft in its own words with the case's runs and credits as they are now: a report may have joined since.

    A range that the person entered stays as it is, and so does who coordinated.
    """
    document = held.document
    coordinators = tuple(each.name for each in document.credits if each.kind is CreditKind.COORDINATOR)
    return facts_of(tx, coordination.read_case(tx, held.case), words_of(document), coordinators=coordinators)


def words_of(document: AdvisoryDocument) -> Words:
    """Return the words of an advisory, so that a correction begins with them."""
    return Words(
        title=document.title,
        summary=document.summary,
        remedy=document.remedy,
        cve=document.cve,
        cwes=document.cwes,
        spans=tuple(span for package in document.packages for span in package.spans),
        references=document.references,
    )


def offered_spans(validations: Iterable[KeptValidation]) -> tuple[AffectedSpan, ...]:
    """Return the ranges that the first surveyed of a case's validations found, for a person to take over or not."""
    for kept in validations:
        if kept.survey is not None and kept.survey.found.affected is not None:
            return _spans(kept.survey.found.affected, kept.survey.at)
    return ()


def _spans(affected: AffectedRange, at: datetime) -> tuple[AffectedSpan, ...]:
    """Return events as spans, each from where the flaw came to where it went."""
    told = f"run by this installation on {len(affected.tried)} of {len(affected.releases)} releases"
    undecided = f", {len(affected.undecided)} not decided" if affected.undecided else ""
    source = f"{told}{undecided} ({at.date().isoformat()})"
    starts = [event.release for event in affected.events if event.bound is Bound.INTRODUCED]
    ends = [event.release for event in affected.events if event.bound is Bound.FIXED]
    return tuple(AffectedSpan(start, end, None, source) for start, end in zip_longest(starts, ends))


def _runs(tx: Transaction, found: Vulnerability) -> Iterator[Run]:
    """Yield what was shown of each release that ran, one run a release and outcome, by the oldest report."""
    shown: dict[tuple[str, Outcome], ReportId] = {}
    for evidence in merging.read_evidence_of(tx, found.id):
        for release, outcome in ((evidence.release, Outcome.AFFECTED), (evidence.fixed_release, Outcome.FIXED)):
            if release is not None:
                shown.setdefault((release, outcome), evidence.report)
    runs: dict[tuple[str, Outcome], Run] = {}
    surveyed: dict[tuple[str, Outcome], Run] = {}
    for (release, outcome), report in shown.items():
        kept = validation.read_validation(tx, report)
        runs[release, outcome] = Run(release, outcome, str(kept.id))
        for other in _seen_failing(kept):
            surveyed.setdefault((other, Outcome.AFFECTED), Run(other, Outcome.AFFECTED, str(kept.id)))
    yield from (surveyed | runs).values()


def _seen_failing(kept: KeptValidation) -> Iterator[str]:
    """Yield the releases of its survey that showed the flaw; of a clean one nobody knows that it was fixed there."""
    if kept.survey is not None and kept.survey.found.affected is not None:
        yield from (one.release for one in kept.survey.found.affected.tried if one.word is ReleaseWord.FAILS)


def _credits(
    tx: Transaction, file: CaseFile, found: Vulnerability, coordinators: tuple[str, ...]
) -> tuple[Credit, ...]:
    names = {each.organisation: each.name for each in file.participants}
    for organisation in {credit.organisation for credit in found.credits} - names.keys():
        names[organisation] = parties.read_organisation(tx, organisation).name
    named = intake.read_credits(tx, found.reports[:NAMED_REPORTS_MAX])
    return credits_of(
        (FinderShare(names[credit.organisation], named.get(credit.report, ())) for credit in found.credits),
        maintainers=[names[each.organisation] for each in file.deliveries if each.fixed],
        coordinators=coordinators,
    )


def _own(tx: Transaction) -> parties.Organisation:
    if tx.viewer.organisation is None:
        raise Missing("an advisory is drafted by a named coordinator", next_step="Sign in as one.")
    return parties.read_organisation(tx, parties.OrganisationId(tx.viewer.organisation))
