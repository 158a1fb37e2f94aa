"""Said once: what was decided of a root cause answers every later report of it, and no person is asked again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, select

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.read import vulnerability_of
from leadtime.flow.merging.records import VulnerabilityId
from leadtime.flow.merging.tables import OUTCOME, root_outcomes
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Conflict, Malformed, Refused
from leadtime.foundation.lines import check_line, check_prose

REASON_CHARS_MAX = 2_000
SEVERITY_CHARS_MAX = 100
OUTCOMES_MAX = 200


class OutcomeKind(StrEnum):
    """What was decided of a root cause."""

    REJECTED = "rejected"
    RE_RATED = "re-rated"
    REOPENED = "reopened"
    """New evidence: nothing that was decided before answers any more."""


FOLLOWING: Mapping[OutcomeKind | None, AbstractSet[OutcomeKind]] = {
    None: {OutcomeKind.REJECTED, OutcomeKind.RE_RATED},
    OutcomeKind.REJECTED: {OutcomeKind.REOPENED},
    OutcomeKind.RE_RATED: {OutcomeKind.REJECTED, OutcomeKind.RE_RATED, OutcomeKind.REOPENED},
    OutcomeKind.REOPENED: {OutcomeKind.REJECTED, OutcomeKind.RE_RATED},
}
"""What holds (None: nothing yet) -> what may be decided next."""


@dataclass(frozen=True, slots=True)
class RootOutcome:
    """What was decided of a root cause, why, when, and by whom (None: Leadtime itself); ``severity`` of a re-rating.

    ``number`` counts a root cause's decisions from 1.
    """

    number: int
    kind: OutcomeKind
    severity: str
    reason: str
    organisation: OrganisationId | None
    person: PersonId | None
    at: datetime


def note_outcome(
    tx: Transaction, vulnerability: VulnerabilityId, kind: OutcomeKind, *, reason: str, severity: str = ""
) -> RootOutcome:
    """Record what was decided of a vulnerability; from now on it answers every report of it, those to come too.

    A named coordinator decides; any other one may reopen. Raises `Conflict` where it does not follow what holds, and
    `Malformed` for a re-rating without a severity or anything else with one.
    """
    tx.require(Act.COORDINATE_CASE, vulnerability)
    if tx.viewer.person is None and tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a named person decides", where="outcome", next_step="Sign in as a coordinator.")
    words = {"reason": check_prose(reason, where="reason", chars_max=REASON_CHARS_MAX), "severity": ""}
    if (kind is OutcomeKind.RE_RATED) != bool(severity.strip()):
        raise Malformed(
            "a re-rating names a severity, and nothing else does", where="severity", next_step="Correct it."
        )
    if severity:
        words["severity"] = check_line(severity, where="severity", chars_max=SEVERITY_CHARS_MAX)
    tx.lock("merging.outcome", str(vulnerability))
    held = _rows(tx, vulnerability, outcomes_max=1)
    _check_follows(OutcomeKind(held[0]["kind"]) if held else None, kind)
    row = {
        "vulnerability": vulnerability,
        "number": held[0]["number"] + 1 if held else 1,
        "kind": kind.value,
        "organisation": tx.viewer.organisation,
        "person": tx.viewer.person,
        "at": tx.now,
        "words": tx.seal(vulnerability, OUTCOME, canonical_json(words)),
    }
    tx.connection.execute(root_outcomes.insert().values(row))
    return _outcome(tx, row)


def list_outcomes(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[RootOutcome, ...]:
    """Return everything that was decided of a vulnerability, the last first, at most `OUTCOMES_MAX`."""
    tx.require(Act.READ_VULNERABILITY, vulnerability)
    return tuple(_outcome(tx, row) for row in _rows(tx, vulnerability, outcomes_max=OUTCOMES_MAX))


def outcome_of(tx: Transaction, vulnerability: VulnerabilityId) -> RootOutcome | None:
    """Return what was decided last of a vulnerability, None if nothing was."""
    tx.require(Act.READ_VULNERABILITY, vulnerability)
    return next((_outcome(tx, row) for row in _rows(tx, vulnerability, outcomes_max=1)), None)


def answer_to(tx: Transaction, report: ReportId) -> RootOutcome | None:
    """Return what answers a report that the viewer may read: what holds of its root cause; None if nothing does.

    It is of the flaw that holds the report now, whoever else reported that and whenever it was decided.
    """
    tx.require(Act.READ_REPORT, report)
    with tx.as_system() as eyes:
        known = vulnerability_of(eyes, report)
        found = outcome_of(eyes, known) if known is not None else None
    return None if found is None or found.kind is OutcomeKind.REOPENED else found


def _rows(tx: Transaction, vulnerability: VulnerabilityId, *, outcomes_max: int) -> Sequence[RowMapping]:
    mine = select(root_outcomes).where(root_outcomes.c.vulnerability == vulnerability)
    last_first = mine.order_by(root_outcomes.c.number.desc()).limit(outcomes_max)
    return tx.connection.execute(last_first).mappings().all()


def _check_follows(before: OutcomeKind | None, kind: OutcomeKind) -> None:
    if kind not in FOLLOWING[before]:
        raise Conflict(
            f"a root cause that is {before} cannot be {kind}"
            if before
            else f"nothing was decided that could be {kind}",
            where="outcome",
            next_step="Read its outcomes again.",
        )


def _outcome(tx: Transaction, row: Mapping[str, Any] | RowMapping) -> RootOutcome:
    words = json.loads(tx.unseal(row["vulnerability"], OUTCOME, row["words"]))
    return RootOutcome(
        number=row["number"],
        kind=OutcomeKind(row["kind"]),
        severity=words["severity"],
        reason=words["reason"],
        organisation=row["organisation"],
        person=row["person"],
        at=row["at"],
    )
