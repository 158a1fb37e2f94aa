"""How severe a flaw is, by whose word: finder's, verifier's and maintainer's are kept apart, and none replaces another.

About a third of true findings were measured to be less severe than their finder said; only words that are kept apart
can show that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, func, select

from leadtime.flow.merging.outcomes import REASON_CHARS_MAX, SEVERITY_CHARS_MAX
from leadtime.flow.merging.records import VulnerabilityId
from leadtime.flow.merging.tables import SEVERITY, severities
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Refused
from leadtime.foundation.lines import check_line, check_prose

SEVERITIES_MAX = 200


class SaidAs(StrEnum):
    """In which part somebody says how severe a flaw is; a finder says it in its report."""

    VERIFIER = "verifier"
    MAINTAINER = "maintainer"


@dataclass(frozen=True, slots=True)
class Severity:
    """How severe a flaw is by somebody's word, and why, in their own words and scale; the first is number 1."""

    number: int
    said_as: SaidAs
    severity: str
    reason: str
    organisation: OrganisationId
    person: PersonId | None
    at: datetime


def state_severity(tx: Transaction, vulnerability: VulnerabilityId, *, severity: str, reason: str) -> Severity:
    """Record how severe a flaw is by the viewer's word: a coordinator's as verifier, a maintainer's as maintainer."""
    tx.require(Act.STATE_SEVERITY, vulnerability)
    organisation = tx.viewer.organisation
    if organisation is None:
        raise Refused("only a named organisation says how severe a flaw is", where="severity", next_step="Sign in.")
    words = {
        "severity": check_line(severity, where="severity", chars_max=SEVERITY_CHARS_MAX),
        "reason": check_prose(reason, where="reason", chars_max=REASON_CHARS_MAX),
    }
    tx.lock("merging.severity", str(vulnerability))
    mine = severities.c.vulnerability == vulnerability
    row = {
        "vulnerability": vulnerability,
        "number": 1 + (tx.connection.scalar(select(func.max(severities.c.number)).where(mine)) or 0),
        "said_as": (SaidAs.MAINTAINER if tx.viewer.role is Role.MAINTAINER else SaidAs.VERIFIER).value,
        "organisation": organisation,
        "person": tx.viewer.person,
        "at": tx.now,
        "words": tx.seal(vulnerability, SEVERITY, canonical_json(words)),
    }
    tx.connection.execute(severities.insert().values(row))
    return _severity(tx, row)


def list_severities(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[Severity, ...]:
    """Return how severe a flaw is by verifiers' and maintainers' words, the last first, at most `SEVERITIES_MAX`."""
    tx.require(Act.READ_VULNERABILITY, vulnerability)
    mine = select(severities).where(severities.c.vulnerability == vulnerability)
    rows = tx.connection.execute(mine.order_by(severities.c.number.desc()).limit(SEVERITIES_MAX)).mappings().all()
    return tuple(_severity(tx, row) for row in rows)


def _severity(tx: Transaction, row: Mapping[str, Any] | RowMapping) -> Severity:
    words = json.loads(tx.unseal(row["vulnerability"], SEVERITY, row["words"]))
    return Severity(
        number=row["number"],
        said_as=SaidAs(row["said_as"]),
        severity=words["severity"],
        reason=words["reason"],
        organisation=row["organisation"],
        person=row["person"],
        at=row["at"],
    )
