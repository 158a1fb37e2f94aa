"""Run one step, and decide what becomes of its job where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job
from sqlalchemy import text

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Unavailable
from leadtime.workflows.engine.asides import lay_aside
from leadtime.workflows.engine.plan import PutAside, Station, Step
from leadtime.workflows.records import Kind, SetAside
from leadtime.workflows.rules import PAUSE_SECONDS_FIRST, Again, Aside, cause_of, decide_after
from leadtime.workflows.tries import count_try

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of job with its step, and what is done for each kind that is set aside."""

    kind: Kind
    step: Step
    asides: Mapping[Kind, PutAside]


class StepFailed(Exception):
    """A step ended with an error; carries what becomes of it, and no content into the library's log."""

    def __init__(self, outcome: Again | None) -> None:
        super().__init__("again" if outcome else "set aside")
        self.outcome = outcome


_STILL_MINE = text("""select id from procrastinate_jobs
    where id = :job and status = 'doing' and attempts = :attempts for update""")


class Decided(BaseRetryStrategy):
    """Does what `perform` has decided."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002
        """Return when the job is tried again, None if it is set aside; what was cut short is tried again at once."""
        outcome = exception.outcome if isinstance(exception, StepFailed) else Again(0)
        if outcome is None:
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=outcome.after_seconds))


def perform(station: Station, work_of: Work, job: Job, entity: str) -> None:
    """Run one step; what it raises becomes a retry or a row in `set_aside`."""
    try:
        work_of.step(station, UUID(entity))
    except Exception as error:  # noqa: BLE001  # the outermost loop of every step
        outcome = _decide_if_possible(station, work_of, job, UUID(entity), error)
        told = {"step": work_of.kind.name, "entity": entity, "attempt": job.attempts + 1}
        log.warning("step failed", **told, outcome=str(outcome))
        raise StepFailed(outcome if isinstance(outcome, Again) else None) from None


def _decide_if_possible(station: Station, work_of: Work, job: Job, entity: UUID, error: Exception) -> Again | Aside:
    """Return what becomes of a job that failed; nothing is counted or set aside while that cannot be written down."""
    try:
        return _decide(station, work_of, job, entity, error)
    except Unavailable:
        return Again(PAUSE_SECONDS_FIRST)


def _decide(station: Station, work_of: Work, job: Job, entity: UUID, error: Exception) -> Again | Aside:
    """Count a failed try and return what becomes of its job; a taking that is not the last one decides nothing."""
    number = job.id or 0
    with station.database.transaction(SYSTEM) as tx:
        if tx.connection.execute(_STILL_MINE, {"job": number, "attempts": job.attempts}).one_or_none() is None:
            return Again(0)
        outcome = decide_after(error, count_try(tx, number, cause_of(error)))
        if isinstance(outcome, Aside):
            aside = SetAside(number, work_of.kind, entity, job.attempts + 1, outcome.reason, tx.now)
            lay_aside(tx, aside, work_of.asides)
        return outcome
