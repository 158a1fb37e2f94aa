"""``leadtime party``: who takes part, administered on the installation's own machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import click

from leadtime.doors.visible import visible_line
from leadtime.flow import parties
from leadtime.flow.parties import EmployerId, Organisation, OrganisationId, Person, PersonId
from leadtime.foundation.access import SYSTEM, Role, Scope
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import parse_id
from leadtime.foundation.settings import read_settings
from leadtime.workflows.opening import open_database

TOKEN_DAYS_DEFAULT = 90
LINK_MINUTES_DEFAULT = 60

_ROLE = click.Choice([role.value for role in Role if role is not Role.SYSTEM])
_SCOPE = click.Choice([scope.value for scope in Scope if scope is not Scope.PERSONAL])
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group("party")
def command() -> None:
    """Enrol organisations and people, and issue what shows who they are.

    Works on the installation in LEADTIME_HOME: whoever can read its keys is its administrator.
    """


@command.command(epilog='Example: leadtime party enrol "Example Lab" --role finder --example')
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="What the organisation does here.")
@click.option("--example", is_flag=True, help="It is made up; every page will say so.")
@_JSON
def enrol(name: str, *, role: str, example: bool, as_json: bool) -> None:
    """Enrol an organisation."""
    with transaction() as tx:
        made = parties.enrol_organisation(tx, name=name, role=Role(role), example=example)
    _tell(_organisation_json(made), as_json=as_json)


@command.command(epilog='Example: leadtime party person ORGANISATION "Ada Example" ada@example.org')
@click.argument("organisation")
@click.argument("name")
@click.argument("email")
@click.option("--active-until", type=click.DateTime(), help="The instant (UTC) from which nothing of theirs works.")
@click.option("--employer", help="The vendor they work for, from leadtime party vendor.")
@_JSON
def person(
    organisation: str, name: str, email: str, *, active_until: datetime | None, employer: str | None, as_json: bool
) -> None:
    """Enrol a named person of an organisation."""
    until = active_until.replace(tzinfo=UTC) if active_until else None
    with transaction() as tx:
        made = parties.enrol_person(
            tx,
            organisation=OrganisationId(_id(organisation)),
            name=name,
            email=email,
            active_until=until,
            employer=EmployerId(_id(employer)) if employer else None,
        )
    _tell(_person_json(made), as_json=as_json)


@command.command(epilog='Example: leadtime party vendor ORGANISATION "Example Vendor" --engaged-until 2027-03-31')
@click.argument("organisation")
@click.argument("name")
@click.option("--engaged-until", type=click.DateTime(), required=True, help="The instant (UTC) of its end.")
@_JSON
def vendor(organisation: str, name: str, *, engaged_until: datetime, as_json: bool) -> None:
    """Enrol a vendor or contractor of an organisation; none of its people does anything from its end on."""
    with transaction() as tx:
        made = parties.enrol_employer(
            tx,
            organisation=OrganisationId(_id(organisation)),
            name=name,
            engaged_until=engaged_until.replace(tzinfo=UTC),
        )
    _tell({"employer": str(made.id), "engaged_until": made.engaged_until.isoformat()}, as_json=as_json)


@command.command(epilog="Example: leadtime party token PERSON --days 30")
@click.argument("person_id", metavar="PERSON")
@click.option("--days", type=int, default=TOKEN_DAYS_DEFAULT, show_default=True, help="How long it lasts.")
@click.option("--scope", type=_SCOPE, default=Scope.EVERYTHING.value, show_default=True, help="What it may do.")
@_JSON
def token(person_id: str, *, days: int, scope: str, as_json: bool) -> None:
    """Issue an API token to a person; it is shown this once."""
    with transaction() as tx:
        issued = parties.issue_token(tx, PersonId(_id(person_id)), days=days, scope=Scope(scope))
    _tell({"token": issued.secret, "expires_at": issued.expires_at.isoformat()}, as_json=as_json)


@command.command(epilog="Example: leadtime party link PERSON --minutes 30")
@click.argument("person_id", metavar="PERSON")
@click.option("--minutes", type=int, default=LINK_MINUTES_DEFAULT, show_default=True, help="How long it can be used.")
@_JSON
def link(person_id: str, *, minutes: int, as_json: bool) -> None:
    """Issue a link that signs a person in to the pages once; it is shown this once."""
    settings = read_settings(os.environ)
    with transaction() as tx:
        issued = parties.issue_sign_in_link(tx, PersonId(_id(person_id)), minutes=minutes)
    told = {"url": f"{settings.url}/sign-in/{issued.secret}", "expires_at": issued.expires_at.isoformat()}
    _tell(told, as_json=as_json)


@command.command(epilog="Example: leadtime party remove PERSON")
@click.argument("person_id", metavar="PERSON")
@_JSON
def remove(person_id: str, *, as_json: bool) -> None:
    """Remove a person: every token, session and link of theirs ends at once."""
    with transaction() as tx:
        removed = parties.read_person(tx, PersonId(_id(person_id)))
        parties.remove_person(tx, removed.id)
    _tell({"removed": str(removed.id)}, as_json=as_json)


@command.command("list", epilog="Example: leadtime party list --json")
@_JSON
def list_parties(*, as_json: bool) -> None:
    """List organisations and their people."""
    with transaction() as tx:
        found = [(house, parties.list_people(tx, house.id)) for house in parties.list_organisations(tx)]
    if as_json:
        rows = [{**_organisation_json(house), "people": list(map(_person_json, people))} for house, people in found]
        click.echo(json.dumps(rows))
        return
    for house, people in found:
        label = f"{house.role}, example" if house.example else house.role.value
        click.echo(visible_line(f"{house.id}  {house.name} ({label})"))
        for one in people:
            click.echo(visible_line(f"  {one.id}  {one.name} <{one.email}>"))


@contextmanager
def transaction() -> Iterator[Transaction]:
    """Open a transaction of this machine's installation, as its administrator."""
    database = open_database(read_settings(os.environ), SystemClock())
    try:
        with database.transaction(SYSTEM) as tx:
            yield tx
    finally:
        database.engine.dispose()


def _id(text: str) -> UUID:
    return parse_id(text, where="argument")


def _organisation_json(organisation: Organisation) -> dict[str, object]:
    return {
        "organisation": str(organisation.id),
        "name": organisation.name,
        "role": organisation.role.value,
        "example": organisation.example,
    }


def _person_json(one: Person) -> dict[str, object]:
    return {
        "person": str(one.id),
        "organisation": str(one.organisation),
        "name": one.name,
        "email": one.email,
        "active_until": one.active_until and one.active_until.isoformat(),
    }


def _tell(told: Mapping[str, object], *, as_json: bool) -> None:
    """Print what was made: as JSON, or one field a line."""
    if as_json:
        click.echo(json.dumps(told))
        return
    for name, value in told.items():
        if value is not None:
            click.echo(visible_line(f"{name}: {value}"))
