"""Read a report's validation."""

from __future__ import annotations

import json

from sqlalchemy import select

from leadtime.flow.intake import ReportId
from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation.affected.spelling import read_survey
from leadtime.flow.validation.kept import KeptSurvey, KeptValidation, Outcome, ValidationId
from leadtime.flow.validation.states import INCONCLUSIVE, State
from leadtime.flow.validation.tables import RESULT, SURVEY, validations
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Missing

NO_REPRODUCER = "the report carries no reproducer"
NOTHING_TO_RUN = canonical_json(
    {"verdict": INCONCLUSIVE, "reason": NO_REPRODUCER, "crash": None, "fixed": None, "evidence": []}
)
"""What the validation of such a report came to when it was received."""


def read_validation(tx: Transaction, report: ReportId) -> KeptValidation:
    """Return the report's validation, with its outcome once it is decided; raises `Missing` as the access rule does."""
    tx.require(Act.READ_VALIDATION, report)
    row = tx.connection.execute(select(validations).where(validations.c.report == report)).one_or_none()
    if row is None:
        raise Missing("this report has no validation", where=str(report), next_step="Check the report's id.")
    outcome = None
    if row.verdict is not None:
        result = NOTHING_TO_RUN if row.claimed else tx.unseal(row.report, RESULT, row.result)
        crash = json.loads(result).get("crash") or {}
        outcome = Outcome(row.verdict, crash.get("signature"), result)
    survey = None
    if row.survey is not None:
        survey = KeptSurvey(read_survey(tx.unseal(row.report, SURVEY, row.survey)), row.surveyed_at)
    return KeptValidation(
        id=ValidationId(row.id),
        report=ReportId(row.report),
        organisation=OrganisationId(row.organisation),
        state=State(row.state),
        attempt=row.attempt,
        queued_at=row.queued_at,
        begun_at=row.begun_at,
        decided_at=row.decided_at,
        outcome=outcome,
        survey=survey,
        runnable=row.claimed is None,
    )
