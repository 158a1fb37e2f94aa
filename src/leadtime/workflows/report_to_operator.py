"""From a report to a patched operator, top to bottom.

hand_in (a finder) -> validate -> merge -> open_case -> deliver, draft, publish (people) -> match -> patch-by lists.

Each step is a job that names one entity. It reads the entity's state, does nothing if its move has been made, and
writes the new state and the next job in one transaction; so a step may be killed anywhere and run twice. What people
do in between are verbs of the stages; those that make work for others are in `publishing`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from leadtime.flow import coordination, intake, merging, validation
from leadtime.flow.intake import Receipt, ReportId
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.validation import Begun, Outcome
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.workflows.engine import Station, Step, enqueue
from leadtime.workflows.evidence import evidence_of
from leadtime.workflows.publishing import MATCH_ADVISORY, MATCH_INVENTORY, match_advisory, match_inventory
from leadtime.workflows.records import Kind, Queue

VALIDATE = Kind("validate", Queue.VALIDATION)
MERGE = Kind("merge", Queue.FLOW)
OPEN_CASE = Kind("open_case", Queue.FLOW)
CLOSE_ABSORBED = Kind("close_absorbed", Queue.FLOW)

REPRODUCED = "reproduced"

Prove = Callable[[Begun, threading.Event], Outcome]
"""Runs a report's reproducer in a child process, away from database and keys; gives up when the event is set."""


def hand_in(tx: Transaction, raw: bytes) -> Receipt:
    """Receive a report and let it be validated; the receipt may leave once the transaction has committed."""
    receipt = intake.receive(tx, raw)
    if validation.queue_validation(tx, receipt.id):
        enqueue(tx, VALIDATE, receipt.id)
    return receipt


def validate(prove: Prove, station: Station, report: UUID) -> None:
    """Run the report's reproducer, outside of any transaction; what was reproduced goes on to be merged."""
    with station.database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, ReportId(report))
    if begun is None:
        return
    outcome = prove(begun, station.stopping)
    with station.database.transaction(SYSTEM) as tx:
        if validation.absorb_validation(tx, begun, outcome) and outcome.verdict == REPRODUCED:
            enqueue(tx, MERGE, report)


def merge(station: Station, report: UUID) -> None:
    """Give the report to the vulnerability that its evidence shows, new or known; that one's case is next."""
    with station.database.transaction(SYSTEM) as tx:
        if merging.vulnerability_of(tx, ReportId(report)) is not None:
            return
        finding = intake.read_finding(tx, ReportId(report))
        merged = merging.merge_in(tx, evidence_of(finding, validation.read_validation(tx, ReportId(report))))
        enqueue(tx, OPEN_CASE, merged.vulnerability)
        for absorbed in merged.absorbed:
            enqueue(tx, CLOSE_ABSORBED, absorbed)


def open_case(station: Station, vulnerability: UUID) -> None:
    """Open the vulnerability's case, named after its first report, or join new reports to it."""
    with station.database.transaction(SYSTEM) as tx:
        _open_case(tx, VulnerabilityId(vulnerability))


def close_absorbed(station: Station, vulnerability: UUID) -> None:
    """Close the case of a vulnerability that turned out to be another's flaw; its reports are in that one's case."""
    with station.database.transaction(SYSTEM) as tx:
        survivor = merging.read_vulnerability(tx, VulnerabilityId(vulnerability)).absorbed_into
        case = _open_case(tx, survivor) if survivor else None
        if case is not None:
            coordination.absorb_case(tx, VulnerabilityId(vulnerability), into=case)


def _open_case(tx: Transaction, vulnerability: VulnerabilityId) -> coordination.CaseId | None:
    """Return the vulnerability's case, up to date; None if it holds no reports any more (absorbed, or split away)."""
    found = merging.read_vulnerability(tx, vulnerability)
    if not found.reports:
        return None
    title = intake.read_finding(tx, found.reports[0]).title
    return coordination.open_case(tx, vulnerability, title=title).id


def steps(prove: Prove) -> Mapping[Kind, Step]:
    """Return every step of the story by the kind of its job."""
    return {
        VALIDATE: partial(validate, prove),
        MERGE: merge,
        OPEN_CASE: open_case,
        CLOSE_ABSORBED: close_absorbed,
        MATCH_ADVISORY: match_advisory,
        MATCH_INVENTORY: match_inventory,
    }
