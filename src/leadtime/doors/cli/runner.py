"""``leadtime runner``: hosts that run finders' programs and hold no key of the installation."""

from __future__ import annotations

import json
import os
import secrets

import click
from psycopg.conninfo import conninfo_to_dict

from leadtime.doors.cli.party import transaction
from leadtime.doors.visible import visible_line
from leadtime.foundation.database.connect import locate
from leadtime.foundation.home import make_home
from leadtime.foundation.keys import read_keys
from leadtime.foundation.settings import read_settings
from leadtime.workflows.farm.admit import admit_runner, list_runners, remove_runner
from leadtime.workflows.farm.envelopes import keys_of
from leadtime.workflows.farm.records import PublicKeys, Runner
from leadtime.workflows.farm.roles import drop_role, make_role
from leadtime.workflows.farm.rules import is_there
from leadtime.workflows.farm.runner import make_runner_keys, trust_installation

PASSWORD_BYTES = 32
CANNOT_OPEN = (
    "; it could not open what was sealed to it: run leadtime runner trust on its host, or remove it and add its key"
)


@click.group("runner")
def command() -> None:
    """Run validations on other hosts: key and trust there, add, list and remove where the installation is."""


@command.command(epilog="Example: leadtime runner key")
def key() -> None:
    """Make this host's own key in LEADTIME_HOME, once, and print the public part for leadtime runner add."""
    home = read_settings(os.environ).home
    make_home(home)
    click.echo(make_runner_keys(home).as_text())


@command.command(epilog="Example: leadtime runner trust KEY")
@click.argument("installation", metavar="KEY")
def trust(installation: str) -> None:
    """Let this host take runs from the installation of that key alone; leadtime runner add prints it."""
    home = read_settings(os.environ).home
    make_home(home)
    trust_installation(home, PublicKeys.from_text(installation, where="KEY"))
    click.echo("Now run: LEADTIME_DATABASE_URL=… leadtime worker --queues validation")


@command.command(epilog="Example: leadtime runner add lab1 --key KEY")
@click.argument("name")
@click.option("--key", "text", required=True, help="What leadtime runner key printed on that host.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def add(name: str, *, text: str, as_json: bool) -> None:
    """Admit a runner: make its database role, and print once what its host needs.

    The role takes the runs that are sealed to that key, and sees nothing else.
    """
    settings = read_settings(os.environ)
    keys = PublicKeys.from_text(text, where="--key")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    address = locate(settings)
    with transaction() as tx:
        role = admit_runner(tx, name, keys)
        make_role(address, role, password)
    database = str(conninfo_to_dict(address.app)["dbname"])
    told = {
        "user": role,
        "password": password,
        "database": database,
        "installation": keys_of(read_keys(settings.home / "keys")).public.as_text(),
    }
    click.echo(json.dumps(told) if as_json else "\n".join(f"{each}: {value}" for each, value in told.items()))


@command.command(epilog="Example: leadtime runner remove lab1")
@click.argument("name")
def remove(name: str) -> None:
    """Let a runner go: its role ends at once, and others get what it had."""
    address = locate(read_settings(os.environ))
    with transaction() as tx:
        role = remove_runner(tx, name)
    drop_role(address, role)
    click.echo(visible_line(f"{name} is no runner any more."))


@command.command("list", epilog="Example: leadtime runner list --json")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_all(*, as_json: bool) -> None:
    """List the runners: whether each is there, and how many runs it has."""
    with transaction() as tx:
        found = list_runners(tx)
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in found]))
        return
    for one in found:
        click.echo(visible_line(as_line(one)))
    if not found:
        click.echo("There is no runner.")


def as_line(one: Runner) -> str:
    """Return how a runner is listed."""
    there = f"there, {one.runs} of {one.slots} runs" if is_there(one) else "not there"
    return f"{one.name}: {there}{CANNOT_OPEN if one.unopened_at else ''}"


def _as_json(one: Runner) -> dict[str, object]:
    unopened = one.unopened_at and one.unopened_at.isoformat()
    return {"name": one.name, "there": is_there(one), "runs": one.runs, "slots": one.slots, "unopened_at": unopened}
