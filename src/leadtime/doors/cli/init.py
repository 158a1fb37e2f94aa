"""``leadtime init``: an installation's home, keys, database and first administrator."""

from __future__ import annotations

import os

import click

from leadtime.doors.visible import visible_line
from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Transaction
from leadtime.foundation.database.opening import make_database, open_address
from leadtime.foundation.home import make_home
from leadtime.foundation.keys import create_keys
from leadtime.foundation.settings import read_settings

LINK_MINUTES = 60


@click.command(epilog='Example: leadtime init --organisation "CERT Example" --name "Ada Byron" --email ada@example.org')
@click.option("--organisation", default="Coordination Centre", show_default=True, help="Who coordinates here.")
@click.option("--name", default="First Administrator", show_default=True, help="The first person of it.")
@click.option("--email", default="administrator@leadtime.example", show_default=True, help="That person's address.")
def command(organisation: str, name: str, email: str) -> None:
    """Create LEADTIME_HOME, its keys, the database and the first administrator, whose one-time link is printed.

    Run it again after an upgrade: what is there stays, and the database is brought up to this release.
    """
    settings = read_settings(os.environ)
    make_home(settings.home)
    keys = create_keys(settings.home / "keys")
    database = open_address(make_database(settings), SystemClock(), keys)
    try:
        with database.transaction(SYSTEM) as tx:
            secret = enrol_first(tx, organisation=organisation, name=name, email=email)
    finally:
        database.engine.dispose()
    click.echo(visible_line(f"The installation in {settings.home} is ready; back its keys up apart from its database."))
    if secret:
        click.echo(f"Sign in once, within {LINK_MINUTES} minutes, at {settings.url}/sign-in/{secret}")
    else:
        click.echo("A coordinator is enrolled already; leadtime party link PERSON makes a new link.")


def enrol_first(tx: Transaction, *, organisation: str, name: str, email: str) -> str | None:
    """Enrol the first coordinator and return the secret of a sign-in link; None if one is enrolled already."""
    if any(each.role is Role.COORDINATOR for each in parties.list_organisations(tx)):
        return None
    house = parties.enrol_organisation(tx, name=organisation, role=Role.COORDINATOR)
    person = parties.enrol_person(tx, organisation=house.id, name=name, email=email)
    return parties.issue_sign_in_link(tx, person.id, minutes=LINK_MINUTES).secret
