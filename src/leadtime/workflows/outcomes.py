"""What a coordinator decides of a root cause; with it its case closes (rejected) or opens again (reopened)."""

from __future__ import annotations

from leadtime.flow import coordination, merging
from leadtime.flow.coordination import CaseId, CaseState
from leadtime.flow.merging import Merged, OutcomeKind, RootOutcome, VulnerabilityId
from leadtime.foundation.database import Transaction

JOINED = "another flaw, of which this was not decided, turned out to be the same"


def decide(
    tx: Transaction, vulnerability: VulnerabilityId, kind: OutcomeKind, *, reason: str, severity: str = ""
) -> RootOutcome:
    """Record what was decided of a root cause, and close or open its case with it; raises as `merging.note_outcome`.

    A re-rating is the verifier's word on the severity, beside the finders' and the maintainer's.
    """
    decided = merging.note_outcome(tx, vulnerability, kind, reason=reason, severity=severity)
    if kind is OutcomeKind.RE_RATED:
        merging.state_severity(tx, vulnerability, severity=severity, reason=reason)
    case = coordination.find_case(tx, vulnerability)
    if case is not None and kind is OutcomeKind.REJECTED:
        coordination.close_case(tx, case.id, reason=decided.reason)
    if case is not None and kind is OutcomeKind.REOPENED and case.state is CaseState.CLOSED:
        coordination.reopen_case(tx, case.id, reason=decided.reason)
    return decided


def reopen_case(tx: Transaction, case: CaseId, *, reason: str) -> None:
    """Open a case again, and with it what was decided of its root cause; raises as `coordination.reopen_case`."""
    coordination.reopen_case(tx, case, reason=reason)
    vulnerability = coordination.read_case(tx, case).case.vulnerability
    held = merging.outcome_of(tx, vulnerability)
    if held is not None and held.kind is OutcomeKind.REJECTED:
        merging.note_outcome(tx, vulnerability, OutcomeKind.REOPENED, reason=reason)


def doubt(tx: Transaction, merged: Merged) -> None:
    """Reopen what was decided of a root cause that took in others of which something else, or nothing, was decided."""
    held = merging.outcome_of(tx, merged.vulnerability)
    if held is None or held.kind is OutcomeKind.REOPENED:
        return
    taken_in = [merging.outcome_of(tx, each) for each in merged.absorbed]
    if any(each is None or (each.kind, each.severity) != (held.kind, held.severity) for each in taken_in):
        decide(tx, merged.vulnerability, OutcomeKind.REOPENED, reason=JOINED)
