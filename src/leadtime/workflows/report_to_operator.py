"""From a report to a patched operator, top to bottom.

hand_in (a finder) -> validate -> merge -> open_case -> deliver, draft, publish (people) -> match -> patch-by lists.

Each step is a job that names one entity. It reads the entity's state, does nothing if its move has been made, and
writes the new state and the next job in one transaction; so a step may be killed anywhere and run twice. What people
do in between are verbs of the stages; those that make work for others are in `publishing`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from leadtime.flow import coordination, intake, merging, priority, validation
from leadtime.flow.intake import Finding, Receipt, ReportId
from leadtime.flow.merging import Evidence, Merged, VulnerabilityId
from leadtime.flow.validation import Begun, KeptValidation, Outcome, Unprovable, Word
from leadtime.foundation.access import SYSTEM, Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import LeadtimeError, Missing, Refused
from leadtime.foundation.lines import check_prose, one_line
from leadtime.workflows import outcomes
from leadtime.workflows.engine import Plan, PutAside, Station, Step, enqueue, enqueue_all
from leadtime.workflows.evidence import evidence_of, unproven_evidence_of
from leadtime.workflows.exploited import cves_in
from leadtime.workflows.judging import JUDGE_PATCH, Judge, judge_newest, judge_over, judge_patch
from leadtime.workflows.publishing import MATCH_ADVISORY, MATCH_INVENTORY, match_advisory, match_inventory
from leadtime.workflows.records import Kind, Queue
from leadtime.workflows.surveying import FIND_RANGE, Look, find_range, look_over

VALIDATE = Kind("validate", Queue.VALIDATION)
MERGE = Kind("merge", Queue.FLOW)
OPEN_CASE = Kind("open_case", Queue.FLOW)

UNTITLED = "A flaw without a title"
"""Of a case whose first report's title holds nothing that can be shown."""

Prove = Callable[[Begun, threading.Event], Outcome]
"""Runs a report's reproducer in a child process, away from database and keys; gives up when the event is set."""


def hand_in(tx: Transaction, raw: bytes) -> Receipt:
    """Receive a report and let it be validated if there is anything to run; the receipt may leave after the commit."""
    (received,) = hand_in_all(tx, (raw,))
    if isinstance(received, LeadtimeError):
        raise received
    return received


def hand_in_all(tx: Transaction, raws: Sequence[bytes]) -> tuple[Receipt | LeadtimeError, ...]:
    """Receive reports as `hand_in` does one, in as many statements, and return what became of each in its order."""
    received = intake.receive_all(tx, raws)
    named = {
        each.receipt.id: cves_in(raw)
        for each, raw in zip(received, raws, strict=True)
        if isinstance(each, intake.Received) and each.fresh
    }
    claimed = {
        each.receipt.id: intake.place_claimed(each.body)
        for each in received
        if isinstance(each, intake.Received) and each.body.reproducer is None
    }
    exploited = priority.read_exploited(tx, {cve for cves in named.values() for cve in cves})
    waiting = [
        validation.Waiting(report, cves, not exploited.isdisjoint(cves), claimed.get(report, ""))
        for report, cves in named.items()
    ]
    enqueue_all(tx, VALIDATE, validation.queue_validations(tx, waiting))
    return tuple(each.receipt if isinstance(each, intake.Received) else each for each in received)


def validate_again(tx: Transaction, report: ReportId) -> None:
    """Let an inconclusive validation be run again, by a coordinator's word; raises as `validation.retry_validation`."""
    if validation.retry_validation(tx, report):
        enqueue(tx, VALIDATE, report)


def open_unproven(tx: Transaction, report: ReportId, *, reason: str) -> coordination.CaseId:
    """Open a case for a report that was not reproduced, because of a coordinator's reason that its history keeps (I5).

    Nothing of it says that a release is affected: that takes a run, or a person who enters a range with its source. A
    report that is in a case already stays there. Raises `Refused` without a person or while the validation waits.
    """
    tx.require(Act.COORDINATE_CASE)
    because = check_prose(reason, where="reason", chars_max=coordination.NOTE_CHARS_MAX)
    if tx.viewer.person is None:
        raise Refused("only a named person gives a reason", where="reason", next_step="Sign in as a coordinator.")
    known = merging.vulnerability_of(tx, report)
    if known is None:
        kept, finding = validation.read_validation(tx, report), intake.read_finding(tx, report)
        known = _merge_in(tx, finding, unproven_evidence_of(finding, kept), kept).vulnerability
    case = _open_case(tx, known, because=because)
    if case is None:
        raise Missing("this report has no case", where=str(report), next_step="Read the report again.")
    return case


def examine(tx: Transaction, report: ReportId, kind: Unprovable, answers: Mapping[str, str]) -> bool:
    """Record a person's answers for what no machine can prove; True once two have answered: its case opens (I5)."""
    examined = validation.examine(tx, report, kind, answers)
    if examined:
        open_unproven(tx, report, reason=f"Examined by two people: {kind}.")
    return examined


def validate(prove: Prove, station: Station, report: UUID) -> None:
    """Run the report's reproducer, outside of any transaction; what was reproduced goes on to be merged.

    What fails has cost its finder the time that it took.
    """
    with station.database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, ReportId(report))
    if begun is None:
        return
    try:
        outcome = prove(begun, station.stopping)
    except Exception:
        with station.database.transaction(SYSTEM) as tx:
            validation.give_back(tx, begun)
        raise
    with station.database.transaction(SYSTEM) as tx:
        if validation.absorb_validation(tx, begun, outcome) and outcome.verdict == Word.REPRODUCED:
            enqueue(tx, MERGE, report)


def merge(station: Station, report: UUID) -> None:
    """Give the report to the vulnerability that its evidence shows, new or known; that one's case is next.

    A report that is in a case by a person's word, and was reproduced since, is merged like any other. Of one that no
    link led into the affected releases are looked for, too, if this installation looks for any.
    """
    with station.database.transaction(SYSTEM) as tx:
        if merging.is_proven(tx, ReportId(report)):
            return
        finding, kept = intake.read_finding(tx, ReportId(report)), validation.read_validation(tx, ReportId(report))
        merged = _merge_in(tx, finding, evidence_of(finding, kept), kept)
        if merged.absorbed:
            _take_in(tx, merged)
        else:
            enqueue(tx, OPEN_CASE, merged.vulnerability)
        if merged.new and station.settings.range_releases:
            enqueue(tx, FIND_RANGE, report)


def _merge_in(tx: Transaction, finding: Finding, evidence: Evidence, kept: KeptValidation) -> Merged:
    """Merge a report, and keep from now on what it claims and where its flaw lies, for whoever asks."""
    signature = (kept.outcome and kept.outcome.signature) or ""
    clues = merging.clues_of(finding, evidence, signature)
    merging.note_claims(tx, finding, evidence)
    merging.note_held(tx, kept.report, kept.organisation, merging.fingerprints_of_all(clues))
    return merging.merge_in(tx, evidence)


def open_case(station: Station, vulnerability: UUID) -> None:
    """Open the vulnerability's case, named after its first report, or join new reports to it."""
    with station.database.transaction(SYSTEM) as tx:
        _open_case(tx, VulnerabilityId(vulnerability))


def split(tx: Transaction, vulnerability: VulnerabilityId, leaving: Iterable[ReportId]) -> VulnerabilityId:
    """Split reports off a vulnerability, and bring both cases up to date at once; raises as `merging.split`.

    Who took part for the reports that left reads their new case instead, and what was promised them holds there too.
    """
    new = merging.split(tx, vulnerability, leaving)
    case, other = _open_case(tx, vulnerability), _open_case(tx, new)
    if case is not None and other is not None:
        coordination.share_promises(tx, other, of=case)
    return new


def join(tx: Transaction, vulnerability: VulnerabilityId, other: VulnerabilityId, *, reason: str) -> VulnerabilityId:
    """Make two vulnerabilities one, and their cases with them, at once; raises as `merging.join`."""
    merged = merging.join(tx, vulnerability, other, reason=reason)
    _take_in(tx, merged)
    return merged.vulnerability


def _take_in(tx: Transaction, merged: Merged) -> None:
    """Let the survivor's case take in those of the absorbed, in the merge's transaction: no promise lapses between."""
    case = _open_case(tx, merged.vulnerability)
    for absorbed in merged.absorbed:
        if case is not None:
            coordination.absorb_case(tx, absorbed, into=case)
    outcomes.doubt(tx, merged)


def _open_case(tx: Transaction, vulnerability: VulnerabilityId, *, because: str = "") -> coordination.CaseId | None:
    """Return the vulnerability's case, up to date; None if it holds no reports any more (absorbed, or split away)."""
    first = merging.first_report_of(tx, vulnerability)
    if first is None:
        return None
    title = one_line(intake.read_finding(tx, first).title, chars_max=coordination.TITLE_CHARS_MAX)
    case = coordination.open_case(tx, vulnerability, title=title or UNTITLED, because=because).id
    judge_newest(tx, case)
    return case


def _put_validation_aside(tx: Transaction, report: UUID) -> None:
    """Let a validation whose job was set aside say so, instead of being run for ever."""
    validation.put_aside(tx, ReportId(report))


ASIDES: Mapping[Kind, PutAside] = {VALIDATE: _put_validation_aside}
"""What is done for an entity whose job is set aside; what other steps wait for is told by what is not there yet."""


def plan(prove: Prove, look: Look = look_over, judge: Judge = judge_over) -> Plan:
    """Return every step of the story by the kind of its job, and how the farm's turns are kept."""
    steps: Mapping[Kind, Step] = {
        VALIDATE: partial(validate, prove),
        FIND_RANGE: partial(find_range, look),
        JUDGE_PATCH: partial(judge_patch, judge),
        MERGE: merge,
        OPEN_CASE: open_case,
        MATCH_ADVISORY: match_advisory,
        MATCH_INVENTORY: match_inventory,
    }
    return Plan(steps, ASIDES, {Queue.VALIDATION: validation.call_next})
