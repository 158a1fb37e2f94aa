"""``leadtime grant``: give named people of your organisation access, draw a credential, end it, sign off."""

from __future__ import annotations

from uuid import UUID

import click

from leadtime.doors.cli.asking import call, tell
from leadtime.flow.window import Disposition
from leadtime.foundation.ids import parse_id

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON.")


@click.group("grant")
def command() -> None:
    """Give access to named people within an agreement, draw your own credential, and end or sign off access.

    Asks the server at LEADTIME_URL as the person of LEADTIME_TOKEN.
    """


@command.command(epilog='Example: leadtime grant give ENTRY PERSON --purpose "find flaws" --requests 500')
@click.argument("entry")
@click.argument("person")
@click.option("--purpose", required=True, help="One of the agreement's purposes.")
@click.option("--variant", "variants", multiple=True, help="Only this variant; may be given again.")
@click.option("--network", "networks", multiple=True, help="Only from this network (CIDR); may be given again.")
@click.option("--key-thumbprint", help="Bind it to a client key (RFC 7638 thumbprint).")
@click.option("--requests", type=int, help="At most so many requests.")
@click.option("--tokens", type=int, help="At most so many tokens.")
@click.option("--concurrency", type=int, help="At most so many calls at once.")
@click.option("--micro-usd", type=int, help="At most so much money, in millionths of a US dollar.")
@_JSON
def give(
    entry: str,
    person: str,
    *,
    purpose: str,
    variants: tuple[str, ...],
    networks: tuple[str, ...],
    key_thumbprint: str | None,
    as_json: bool,
    **limits: int | None,
) -> None:
    """Give a named person access for a purpose; that person draws the credential."""
    body = {
        "person": str(_id(person)),
        "purpose": purpose,
        "variants": list(variants),
        "networks": list(networks),
        "key_thumbprint": key_thumbprint,
        "limits": limits,
    }
    tell(call("POST", f"/entries/{_id(entry)}/grants", body), as_json=as_json)


@command.command(epilog="Example: leadtime grant credential GRANT --json")
@click.argument("grant")
@_JSON
def credential(grant: str, *, as_json: bool) -> None:
    """Draw the credential of a grant of yours, shown this once; a former one ends at once."""
    tell(call("POST", f"/grants/{_id(grant)}/credential"), as_json=as_json)


@command.command(epilog="Example: leadtime grant end GRANT")
@click.argument("grant")
@_JSON
def end(grant: str, *, as_json: bool) -> None:
    """End a grant at once."""
    tell(call("POST", f"/grants/{_id(grant)}/end"), as_json=as_json)


@command.command(
    "sign-off", epilog='Example: leadtime grant sign-off GRANT --disposition destroyed --note "disks wiped"'
)
@click.argument("grant")
@click.option(
    "--disposition", type=click.Choice([what.value for what in Disposition]), required=True, help="What became of it."
)
@click.option("--note", default="", help="Unclassified words about it.")
@_JSON
def sign_off(grant: str, *, disposition: str, note: str, as_json: bool) -> None:
    """Sign, once and after the end, what became of what the grant gave."""
    tell(call("POST", f"/grants/{_id(grant)}/return", {"disposition": disposition, "note": note}), as_json=as_json)


def _id(text: str) -> UUID:
    return parse_id(text, where="argument")
