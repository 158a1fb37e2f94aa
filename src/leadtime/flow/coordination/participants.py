"""Add organisations to a case."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping, delete, select
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow import parties
from leadtime.flow.coordination.history import hold_case, remember
from leadtime.flow.coordination.records import CaseId, EventKind
from leadtime.flow.coordination.tables import case_participants, case_reports
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act, Relation
from leadtime.foundation.database import Transaction


def add_participant(tx: Transaction, case: CaseId, organisation: OrganisationId) -> None:
    """Let an organisation take part in a case: read it, and be named to the others. Twice is as once."""
    tx.require(Act.COORDINATE_CASE, case)
    hold_case(tx, case)
    admit(tx, case, organisation)


def admit(tx: Transaction, case: CaseId, organisation: OrganisationId) -> None:
    """Add a participant to a case that is held, for a caller who has asked access."""
    found = parties.read_organisation(tx, organisation)
    tx.relate(case, organisation, Relation.PARTICIPANT)
    row = {"case_id": case, "organisation": organisation, "name": found.name, "added_at": tx.now}
    added = tx.connection.execute(
        insert_or_not(case_participants)
        .values(row)
        .on_conflict_do_nothing()
        .returning(case_participants.c.organisation)
    )
    if added.one_or_none() is not None:
        remember(tx, case, EventKind.PARTICIPANT_ADDED, found.name)


def dismiss(tx: Transaction, case: CaseId, organisations: Iterable[OrganisationId]) -> None:
    """Let organisations take part no more in a case that is held, for a caller who has asked access."""
    for organisation in organisations:
        tx.unrelate(case, organisation)
        name = tx.connection.scalar(
            delete(case_participants)
            .where(case_participants.c.case_id == case, case_participants.c.organisation == organisation)
            .returning(case_participants.c.name)
        )
        if name is not None:
            remember(tx, case, EventKind.PARTICIPANT_REMOVED, name)


def let_read(tx: Transaction, held: RowMapping, organisation: OrganisationId) -> None:
    """Relate a maintainer to all that a case is about, so that the access rule and the policies let it read."""
    tx.relate(held["vulnerability"], organisation, Relation.PARTICIPANT)
    for report in tx.connection.scalars(select(case_reports.c.report).where(case_reports.c.case_id == held["id"])):
        tx.relate(report, organisation, Relation.PARTICIPANT)
