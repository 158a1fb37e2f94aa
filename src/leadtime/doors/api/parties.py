"""Who am I; and for coordinators: organisations, people, their tokens and links."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, TypeAdapter

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit, Second
from leadtime.doors.api.shapes import Input, Line, Page, page_of
from leadtime.flow import parties
from leadtime.foundation.access import Role, Scope
from leadtime.foundation.database import Transaction

router = APIRouter(tags=["parties"])


class Me(Input):
    """The person and the organisation that a credential stands for."""

    person: parties.Person
    organisation: parties.Organisation


class OrganisationWanted(Input):
    """An organisation to enrol; ``example``: it is made up, and every page says so."""

    name: Line
    role: Role
    example: bool = False


class PersonWanted(Input):
    """A named person to enrol; nothing of theirs works from ``active_until``, or their employer's end, on."""

    organisation: UUID
    name: Line
    email: Line
    active_until: datetime | None = None
    employer: UUID | None = None


class TokenWanted(Input):
    """How long an API token is to last, and what it may do of what its person may."""

    days: Annotated[int, Field(ge=1, le=365)]
    scope: Scope = Scope.EVERYTHING


class LinkWanted(Input):
    """How long a one-time sign-in link is to last."""

    minutes: Annotated[int, Field(ge=1, le=1440)]


class SignInLink(Input):
    """A one-time link, shown this once."""

    url: str
    expires_at: datetime


@router.get("/me", summary="Tell who the credential stands for")
def read_me(ask: Asking) -> Me:
    """Return the person and organisation of the token."""
    with ask.transaction() as tx:
        return Me(
            person=parties.read_person(tx, parties.PersonId(ask.person)),
            organisation=parties.read_organisation(tx, parties.OrganisationId(ask.organisation)),
        )


@router.get("/organisations", summary="List the enrolled organisations")
def list_organisations(
    ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[parties.Organisation]:
    """Return every organisation, by name."""
    with ask.transaction() as tx:
        found = parties.list_organisations(tx)
    return page_of(found, cursor, limit, lambda one: one.id)


@router.post("/organisations", status_code=201, summary="Enrol an organisation", response_model=parties.Organisation)
def enrol_organisation(wanted: OrganisationWanted, ask: AskingOnce) -> Response:
    """Enrol an organisation under a name that no other has."""

    def act(tx: Transaction) -> parties.Organisation:
        return parties.enrol_organisation(tx, name=wanted.name, role=wanted.role, example=wanted.example)

    return ask.do(act, parties.Organisation, status=201)


@router.get("/organisations/{organisation}/people", summary="List an organisation's people")
def list_people(
    organisation: UUID, ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[parties.Person]:
    """Return the people of one organisation, by name."""
    with ask.transaction() as tx:
        found = parties.list_people(tx, parties.OrganisationId(organisation))
    return page_of(found, cursor, limit, lambda one: one.id)


@router.post("/people", status_code=201, summary="Enrol a named person", response_model=parties.Person)
def enrol_person(wanted: PersonWanted, ask: AskingOnce) -> Response:
    """Enrol a person of an organisation."""

    def act(tx: Transaction) -> parties.Person:
        return parties.enrol_person(
            tx,
            organisation=parties.OrganisationId(wanted.organisation),
            name=wanted.name,
            email=wanted.email,
            active_until=wanted.active_until,
            employer=parties.EmployerId(wanted.employer) if wanted.employer else None,
        )

    return ask.do(act, parties.Person, status=201)


@router.post(
    "/people/{person}/tokens", status_code=201, summary="Issue an API token", response_model=parties.IssuedToken
)
def issue_token(person: UUID, wanted: TokenWanted, ask: AskingOnce, act: Second = None) -> Response:
    """Issue a token; its secret is shown this once. It takes two people once anybody of the organisation signed in."""
    return ask.do(
        lambda tx: parties.issue_token(tx, parties.PersonId(person), days=wanted.days, scope=wanted.scope, second=act),
        parties.IssuedToken,
        status=201,
        shown_once=True,
    )


@router.post(
    "/people/{person}/sign-in-links", status_code=201, summary="Issue a one-time link", response_model=SignInLink
)
def issue_sign_in_link(person: UUID, wanted: LinkWanted, ask: AskingOnce, act: Second = None) -> Response:
    """Issue a link that signs a person in once. It takes two people once anybody of the organisation signed in."""

    def issue(tx: Transaction) -> SignInLink:
        issued = parties.issue_sign_in_link(tx, parties.PersonId(person), minutes=wanted.minutes, second=act)
        return SignInLink(url=f"{ask.site.settings.url}/sign-in/{issued.secret}", expires_at=issued.expires_at)

    return ask.do(issue, SignInLink, status=201, shown_once=True)


@router.post("/people/{person}/removal", summary="Remove a person")
def remove_person(person: UUID, ask: AskingOnce, act: Second = None) -> Response:
    """End everything that shows who a person is, at once. It takes two people once anybody of theirs signed in."""
    return ask.do(
        lambda tx: parties.remove_person(tx, parties.PersonId(person), second=act),
        TypeAdapter(None),
        status=200,
    )
