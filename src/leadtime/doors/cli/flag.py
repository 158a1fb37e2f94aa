"""``leadtime flag``: state what keeps people of one's own organisation away from a model."""

from __future__ import annotations

from uuid import UUID

import click

from leadtime.doors.cli.asking import call, send, tell
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON.")


@click.group("flag")
def command() -> None:
    """State conflicts of interest and marks for foreign access of your own organisation's people.

    Asks the server at LEADTIME_URL as the person of LEADTIME_TOKEN. Nobody else states them, and nobody ends their own.
    """


@command.command(epilog='Example: leadtime flag conflict DEVELOPER --person PERSON --reason "their spouse works there"')
@click.argument("developer")
@click.option("--person", help="Who has it; left out: everybody of your organisation.")
@click.option("--reason", required=True, help="Why, in unclassified words.")
@_JSON
def conflict(developer: str, *, person: str | None, reason: str, as_json: bool) -> None:
    """State a conflict of interest: from then on nothing of that developer is there for them."""
    body = {
        "organisation": _own(),
        "person": None if person is None else str(_id(person)),
        "developer": str(_id(developer)),
        "reason": reason,
    }
    tell({"result": call("POST", "/conflicts", body)}, as_json=as_json)


@command.command("end-conflict", epilog="Example: leadtime flag end-conflict CONFLICT")
@click.argument("conflict_id", metavar="CONFLICT")
def end_conflict(conflict_id: str) -> None:
    """End a conflict of interest; its history stays."""
    send(f"/conflicts/{_id(conflict_id)}/ending")


@command.command("foreign-access", epilog="Example: leadtime flag foreign-access --person PERSON --mark yes")
@click.option("--person", help="Who is marked; left out: everybody of your organisation.")
@click.option("--mark", type=click.Choice(["yes", "no"]), required=True, help="Mark them, or end the mark.")
def foreign_access(*, person: str | None, mark: str) -> None:
    """Mark for foreign access: an agreement that bars it does not let them use its grants."""
    about = f"/organisations/{_own()}" if person is None else f"/people/{_id(person)}"
    send(f"{about}/foreign-access", {"foreign_access": mark == "yes"})


def _own() -> str:
    """Return the id of the organisation that the token is of."""
    house = call("GET", "/me").get("organisation")
    if not isinstance(house, dict) or not isinstance(house.get("id"), str):
        raise Malformed("this token is of no organisation", where="LEADTIME_TOKEN", next_step="Use a person's token.")
    return str(house["id"])


def _id(text: str) -> UUID:
    return parse_id(text, where="argument")
