"""Vendors with an end, and what keeps somebody away: conflicts of interest, marks for foreign access."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit, Second
from leadtime.doors.api.shapes import Input, Line, Page, page_of
from leadtime.flow import parties
from leadtime.flow.parties import ConflictId, ConflictOfInterest, Employer, EmployerId, OrganisationId, PersonId

router = APIRouter(tags=["parties"])


class EmployerWanted(Input):
    """A vendor of an organisation; none of its people does anything from ``engaged_until`` on."""

    organisation: UUID
    name: Line
    engaged_until: datetime


class ConflictWanted(Input):
    """Who has the conflict (``person`` null: everybody of the organisation), about which developer, and why."""

    organisation: UUID
    person: UUID | None = None
    developer: UUID
    reason: Line


class MarkWanted(Input):
    """Whether an agreement that bars foreign access bars them."""

    foreign_access: bool


@router.post("/employers", status_code=201, summary="Enrol a vendor", response_model=Employer)
def enrol_employer(wanted: EmployerWanted, ask: AskingOnce) -> Response:
    """Enrol a vendor or contractor of an organisation."""
    return ask.do(
        lambda tx: parties.enrol_employer(
            tx,
            organisation=OrganisationId(wanted.organisation),
            name=wanted.name,
            engaged_until=wanted.engaged_until,
        ),
        Employer,
        status=201,
    )


@router.post("/employers/{employer}/ending", summary="End a vendor's engagement", response_model=Employer)
def end_engagement(employer: UUID, ask: AskingOnce, act: Second = None) -> Response:
    """End an engagement now. It takes two people once anybody of the organisation signed in."""
    return ask.do(lambda tx: parties.end_engagement(tx, EmployerId(employer), second=act), Employer, status=200)


@router.get("/organisations/{organisation}/conflicts", summary="List conflicts of interest")
def list_conflicts(
    organisation: UUID, ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[ConflictOfInterest]:
    """Return the conflicts of interest that stand for an organisation and its people."""
    with ask.transaction() as tx:
        found = parties.list_conflicts(tx, OrganisationId(organisation))
    return page_of(found, cursor, limit, lambda one: one.id)


@router.post("/conflicts", status_code=201, summary="State a conflict of interest", response_model=ConflictOfInterest)
def state_conflict(wanted: ConflictWanted, ask: AskingOnce) -> Response:
    """State a conflict: from then on nothing of that developer is there for them."""
    return ask.do(
        lambda tx: parties.state_conflict(
            tx,
            organisation=OrganisationId(wanted.organisation),
            person=PersonId(wanted.person) if wanted.person else None,
            developer=OrganisationId(wanted.developer),
            reason=wanted.reason,
        ),
        ConflictOfInterest,
        status=201,
    )


@router.post("/conflicts/{conflict}/ending", summary="End a conflict of interest")
def end_conflict(conflict: UUID, ask: AskingOnce) -> Response:
    """End a conflict of interest; its history stays."""
    return ask.do(lambda tx: parties.end_conflict(tx, ConflictId(conflict)), TypeAdapter(None), status=200)


@router.post("/people/{person}/foreign-access", summary="Mark a person for foreign access")
def mark_person(person: UUID, wanted: MarkWanted, ask: AskingOnce) -> Response:
    """Mark a person for foreign access, or end the mark."""
    return ask.do(
        lambda tx: parties.mark_person(tx, PersonId(person), foreign_access=wanted.foreign_access),
        TypeAdapter(None),
        status=200,
    )


@router.post("/organisations/{organisation}/foreign-access", summary="Mark an organisation for foreign access")
def mark_organisation(organisation: UUID, wanted: MarkWanted, ask: AskingOnce) -> Response:
    """Mark everybody of an organisation for foreign access, or end that mark."""
    return ask.do(
        lambda tx: parties.mark_organisation(tx, OrganisationId(organisation), foreign_access=wanted.foreign_access),
        TypeAdapter(None),
        status=200,
    )
