"""Read cases and deliveries: participants theirs, coordinators all."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import RowMapping, select

from leadtime.flow.coordination.history import history_of
from leadtime.flow.coordination.records import (
    Case,
    CaseFile,
    CaseId,
    CasePage,
    CaseState,
    Delivery,
    DeliveryId,
    DeliveryState,
    Embargo,
    FixedVersion,
    Participant,
)
from leadtime.flow.coordination.rules import case_for_finder, file_for_finder
from leadtime.flow.coordination.tables import TITLE, case_participants, case_reports, cases, deliveries, fixed_column
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act, Relation, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.database.schema import relations
from leadtime.foundation.errors import Missing
from leadtime.foundation.labels import Tlp

PAGE_CASES_MAX = 100
PARTS_MAX = 10_000
"""Reports, participants or deliveries of one case."""


def list_cases(
    tx: Transaction,
    *,
    after: CaseId | None = None,
    page_cases: int = PAGE_CASES_MAX,
    state: CaseState | None = None,
    among: Collection[CaseId] | None = None,
) -> CasePage:
    """Return the cases that the viewer takes part in (a coordinator: all), newest first, from behind ``after`` on.

    ``among``: no others than these.
    """
    tx.require(Act.LIST_CASES)
    size = max(1, min(page_cases, PAGE_CASES_MAX))
    query = select(cases).order_by(cases.c.id.desc()).limit(size + 1)
    if after is not None:
        query = query.where(cases.c.id < after)
    if among is not None:
        query = query.where(cases.c.id.in_(among))
    if state is not None:
        query = query.where(cases.c.state == state.value)
    rows = tx.connection.execute(query).mappings().all()
    found = tuple(case_from(tx, row) for row in rows[:size])
    return CasePage(cases=found, after=found[-1].id if len(rows) > size else None)


def read_case(tx: Transaction, case: CaseId) -> CaseFile:
    """Return a case with its reports, participants, deliveries and history; raises `Missing`.

    A finder's is `rules.file_for_finder`.
    """
    tx.require(Act.READ_CASE, case)
    row = tx.connection.execute(select(cases).where(cases.c.id == case)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such case", where=str(case), next_step="Check the id.")
    file = CaseFile(
        case=case_from(tx, row),
        reports=_reports_of(tx, case),
        participants=_participants_of(tx, case),
        deliveries=deliveries_of(tx, case),
        history=history_of(tx, case),
    )
    if tx.viewer.role is not Role.FINDER or tx.viewer.organisation is None:
        return file
    return file_for_finder(file, _own_reports(tx, case), OrganisationId(tx.viewer.organisation))


def find_case(tx: Transaction, vulnerability: VulnerabilityId) -> Case | None:
    """Return the case of a vulnerability, None if there is none that the viewer takes part in."""
    tx.require(Act.LIST_CASES)
    row = tx.connection.execute(select(cases).where(cases.c.vulnerability == vulnerability)).mappings().one_or_none()
    return None if row is None else case_from(tx, row)


def read_delivery(tx: Transaction, delivery: DeliveryId) -> Delivery:
    """Return a delivery of a case that the viewer takes part in; raises `Missing`."""
    row = tx.connection.execute(select(deliveries).where(deliveries.c.id == delivery)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such delivery", where=str(delivery), next_step="Check the id.")
    tx.require(Act.READ_CASE, row["case_id"])
    return delivery_from(tx, row)


def deliveries_of(tx: Transaction, case: CaseId) -> tuple[Delivery, ...]:
    """Return a case's deliveries, oldest first, to a caller who has asked access."""
    query = select(deliveries).where(deliveries.c.case_id == case).order_by(deliveries.c.id).limit(PARTS_MAX)
    return tuple(delivery_from(tx, row) for row in tx.connection.execute(query).mappings())


def case_from(tx: Transaction, row: RowMapping) -> Case:
    """Return the case that a row holds."""
    ends_at = row["embargo_ends_at"]
    case = Case(
        id=CaseId(row["id"]),
        number=row["number"],
        vulnerability=VulnerabilityId(row["vulnerability"]),
        state=CaseState(row["state"]),
        opened_at=row["opened_at"],
        embargo=None if ends_at is None else Embargo(ends_at=ends_at, zone=row["embargo_zone"]),
        title=tx.unseal(row["id"], TITLE, row["title"]).decode(),
        tlp=Tlp(row["tlp"]),
        reach=row["reach"],
    )
    return case_for_finder(case) if tx.viewer.role is Role.FINDER else case


def delivery_from(tx: Transaction, row: RowMapping) -> Delivery:
    """Return the delivery that a row holds."""
    return Delivery(
        id=DeliveryId(row["id"]),
        case=CaseId(row["case_id"]),
        organisation=OrganisationId(row["organisation"]),
        state=DeliveryState(row["state"]),
        sent_at=row["sent_at"],
        link_expires_at=row["link_expires_at"],
        acknowledged_at=row["acknowledged_at"],
        fixed=_fixed_from(tx, row),
    )


def _fixed_from(tx: Transaction, row: RowMapping) -> FixedVersion | None:
    if row["fixed"] is None:
        return None
    said = json.loads(tx.unseal(row["case_id"], fixed_column(row["id"]), row["fixed"]))
    return FixedVersion(version=said["version"], source=said["source"], named_at=row["fix_named_at"])


def _reports_of(tx: Transaction, case: CaseId) -> tuple[ReportId, ...]:
    query = (
        select(case_reports.c.report)
        .where(case_reports.c.case_id == case)
        .order_by(case_reports.c.report)
        .limit(PARTS_MAX)
    )
    return tuple(ReportId(report) for report in tx.connection.scalars(query))


def _own_reports(tx: Transaction, case: CaseId) -> frozenset[ReportId]:
    """Return which of a case's reports the viewer's organisation handed in."""
    mine = relations.c
    query = (
        select(case_reports.c.report)
        .join(relations, mine.entity == case_reports.c.report)
        .where(case_reports.c.case_id == case, mine.organisation == tx.viewer.organisation)
        .where(mine.relation == Relation.OWN.value)
        .limit(PARTS_MAX)
    )
    return frozenset(ReportId(report) for report in tx.connection.scalars(query))


def _participants_of(tx: Transaction, case: CaseId) -> tuple[Participant, ...]:
    query = (
        select(case_participants)
        .where(case_participants.c.case_id == case)
        .order_by(case_participants.c.added_at, case_participants.c.name)
        .limit(PARTS_MAX)
    )
    return tuple(
        Participant(organisation=OrganisationId(row["organisation"]), name=row["name"], added_at=row["added_at"])
        for row in tx.connection.execute(query).mappings()
    )
