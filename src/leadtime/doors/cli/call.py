"""``leadtime call``: what is kept of calls to a model; sealed records and their keys; openings for auditors."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from uuid import UUID

import click

from leadtime.doors.cli.asking import call, tell
from leadtime.doors.visible import visible_line
from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.foundation.ids import parse_id

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON.")


@click.group("call")
def command() -> None:
    """Read what is kept of calls to a model: the access log, sealed records, and openings of leaves.

    Asks the server at LEADTIME_URL as the person of LEADTIME_TOKEN.
    """


@command.command("list", epilog="Example: leadtime call list MODEL --json")
@click.argument("model")
@click.option("--cursor", help="Go on after this call, the last one of the list before.")
@_JSON
def list_calls(model: str, *, cursor: str | None, as_json: bool) -> None:
    """List calls, newest first: the developer's all, others' their organisation's own."""
    more = "" if cursor is None else f"?cursor={_id(cursor)}"
    tell(call("GET", f"/models/{_id(model)}/calls{more}"), as_json=as_json)


@command.command(epilog="Example: leadtime call key age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")
@click.argument("age_key", required=False)
@_JSON
def key(age_key: str | None, *, as_json: bool) -> None:
    """State the public key that your side's records are sealed to; without one, print the one that stands."""
    told = call("GET", "/sealing-key") if age_key is None else call("POST", "/sealing-key", {"age_key": age_key})
    tell(told, as_json=as_json)


@command.command(epilog="Example: leadtime call find MODEL strcpy")
@click.argument("model")
@click.argument("word")
@_JSON
def find(model: str, word: str, *, as_json: bool) -> None:
    """Find the calls of the last six months whose sealed content held a whole word."""
    tell(call("GET", f"/models/{_id(model)}/records/{word}"), as_json=as_json)


@command.command(epilog="Example: leadtime call record MODEL CALL --to call.age && age -d -i key.txt call.age")
@click.argument("model")
@click.argument("call_id", metavar="CALL")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write the file.")
def record(model: str, call_id: str, *, to: Path) -> None:
    """Write what a call asked and was answered as an age file, which your side's own key opens."""
    told = call("GET", f"/models/{_id(model)}/calls/{_id(call_id)}/record")
    result = told.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("age_file"), str):
        raise Unavailable("the server's answer cannot be read", next_step="Check LEADTIME_URL.")
    if to.exists():
        raise Malformed("this file is there already", where=str(to), next_step="Name another.")
    to.write_bytes(b64decode(result["age_file"]))
    click.echo(visible_line(str(told.get("notice", ""))), err=True)


@command.command(epilog="Example: leadtime call opening MODEL LEAF > opening.json")
@click.argument("model")
@click.argument("leaf")
def opening(model: str, leaf: str) -> None:
    """Print what one leaf of the model's log committed to, for an auditor; no other leaf is opened by it."""
    told = call("GET", f"/models/{_id(model)}/leaves/{_id(leaf)}/opening")
    click.echo(json.dumps(told.get("result")))
    click.echo(visible_line(str(told.get("notice", ""))), err=True)


def _id(text: str) -> UUID:
    return parse_id(text, where="argument")
