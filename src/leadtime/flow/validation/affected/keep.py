"""Keep what was found out of a package's other releases beside the validation that it goes on from."""

from __future__ import annotations

from sqlalchemy import update

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.affected.records import Survey
from leadtime.flow.validation.affected.spelling import survey_as_json
from leadtime.flow.validation.tables import SURVEY, validations
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Refused


def keep_survey(tx: Transaction, report: ReportId, found: Survey) -> None:
    """Seal a survey under the report's key; a later one takes an earlier one's place. Only our own workers may."""
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker keeps what it ran", next_step="Run leadtime worker.")
    sealed = tx.seal(report, SURVEY, canonical_json(survey_as_json(found)))
    tx.connection.execute(
        update(validations).where(validations.c.report == report).values(survey=sealed, surveyed_at=tx.now)
    )
