"""``leadtime window``: offer a model, see who is in its windows, withdraw, release."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import IO
from uuid import UUID

import click

from leadtime.doors.cli.asking import call, tell
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id

TERMS_BYTES_MAX = 1 << 16
CREDENTIAL_CHARS_MAX = 4_096

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON.")
_WHEN = click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])


@click.group("window")
def command() -> None:
    """Offer a model on your own terms: enrol it, set milestones, open windows, consent, withdraw, release.

    Asks the server at LEADTIME_URL as the person of LEADTIME_TOKEN. Only a model's developer changes anything about it.
    """


@command.command("list", epilog="Example: leadtime window list")
@_JSON
def list_models(*, as_json: bool) -> None:
    """List the models that you enrolled or that are offered to you."""
    tell(call("GET", "/models"), as_json=as_json)


@command.command(epilog="Example: leadtime window show MODEL --json > export.json")
@click.argument("model")
@_JSON
def show(model: str, *, as_json: bool) -> None:
    """Print all of a model that you may see: windows, agreements, entries, designations, history."""
    tell(call("GET", f"/models/{_id(model)}"), as_json=as_json)


@command.command(
    epilog="Example: leadtime window enrol orion-1 --variant safeguards-on=orion-1 --upstream https://api.example.org/v1"
    " --credential-file key.txt"
)
@click.argument("name")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    required=True,
    metavar="NAME=UPSTREAM[=DIGEST]",
    help="A variant, what the upstream calls it, and its checkpoint's digest as you declare it.",
)
@click.option("--upstream", required=True, help="Where the model is served.")
@click.option(
    "--credential-file", type=click.File("r"), required=True, help="File with the upstream's credential; - reads stdin."
)
@click.option("--wire-format", type=click.Choice(["openai", "anthropic"]), default="openai", show_default=True)
@_JSON
def enrol(
    name: str,
    *,
    variants: tuple[str, ...],
    upstream: str,
    credential_file: IO[str],
    wire_format: str,
    as_json: bool,
) -> None:
    """Enrol a model; nobody else learns of it until you offer it."""
    body = {
        "name": name,
        "variants": [_variant(written) for written in variants],
        "upstream": upstream,
        "credential": credential_file.read(CREDENTIAL_CHARS_MAX + 1).strip(),
        "wire_format": wire_format,
    }
    tell(call("POST", "/models", body), as_json=as_json)


@command.command(
    epilog="Example: leadtime window milestones MODEL --partner-release 2026-09-01 --public-release 2026-10-01"
)
@click.argument("model")
@click.option("--partner-release", type=_WHEN, help="When other trusted partners get it (UTC); left out: not set.")
@click.option("--public-release", type=_WHEN, help="When it is public (UTC); left out: not set.")
@_JSON
def milestones(model: str, *, partner_release: datetime | None, public_release: datetime | None, as_json: bool) -> None:
    """Write both of your planned dates; windows shrink with them and never grow."""
    body = {"partner_release_at": _utc(partner_release), "public_release_at": _utc(public_release)}
    tell(call("POST", f"/models/{_id(model)}/milestones", body), as_json=as_json)


@command.command(epilog="Example: leadtime window agree MODEL ORGANISATION --terms terms.json")
@click.argument("model")
@click.argument("organisation")
@click.option("--terms", type=click.File("r"), required=True, help="JSON: instrument, purposes, limits, networks …")
@_JSON
def agree(model: str, organisation: str, *, terms: IO[str], as_json: bool) -> None:
    """Write an agreement with an agency or a partner."""
    body = {"organisation": str(_id(organisation)), "terms": _terms(terms)}
    tell(call("POST", f"/models/{_id(model)}/agreements", body), as_json=as_json)


@command.command(epilog="Example: leadtime window amend AGREEMENT --terms terms.json")
@click.argument("agreement")
@click.option("--terms", type=click.File("r"), required=True, help="JSON: instrument, purposes, limits, networks …")
@_JSON
def amend(agreement: str, *, terms: IO[str], as_json: bool) -> None:
    """Write the next version of an agreement; grants are judged by it from now on."""
    tell(call("POST", f"/agreements/{_id(agreement)}/versions", _terms(terms)), as_json=as_json)


@command.command("open", epilog="Example: leadtime window open MODEL --kind government --days 30")
@click.argument("model")
@click.option("--kind", type=click.Choice(["government", "partner"]), required=True, help="Whom it is for.")
@click.option("--days", type=int, help="How long it lasts; left out: as long as it can (government: 30 days at most).")
@_JSON
def open_window(model: str, *, kind: str, days: int | None, as_json: bool) -> None:
    """Open a window."""
    tell(call("POST", f"/models/{_id(model)}/windows", {"kind": kind, "days": days}), as_json=as_json)


@command.command(epilog="Example: leadtime window read WINDOW")
@click.argument("window")
@_JSON
def read(window: str, *, as_json: bool) -> None:
    """Print a window with its grants and return list."""
    tell(call("GET", f"/windows/{_id(window)}"), as_json=as_json)


@command.command(epilog="Example: leadtime window offer WINDOW AGREEMENT")
@click.argument("window")
@click.argument("agreement")
@_JSON
def offer(window: str, agreement: str, *, as_json: bool) -> None:
    """Let the agency of an agreement into a government window."""
    tell(call("POST", f"/windows/{_id(window)}/agencies", {"agreement": str(_id(agreement))}), as_json=as_json)


@command.command(epilog="Example: leadtime window propose MODEL ORGANISATION")
@click.argument("model")
@click.argument("organisation")
@_JSON
def propose(model: str, organisation: str, *, as_json: bool) -> None:
    """Propose a partner to the developer's consent."""
    tell(call("POST", f"/models/{_id(model)}/partners", {"organisation": str(_id(organisation))}), as_json=as_json)


@command.command(epilog="Example: leadtime window consent ENTRY WINDOW AGREEMENT")
@click.argument("entry")
@click.argument("window")
@click.argument("agreement")
@_JSON
def consent(entry: str, window: str, agreement: str, *, as_json: bool) -> None:
    """Let a proposed partner into a partner window."""
    body = {"window": str(_id(window)), "agreement": str(_id(agreement))}
    tell(call("POST", f"/entries/{_id(entry)}/consent", body), as_json=as_json)


@command.command(epilog="Example: leadtime window auditor MODEL ORGANISATION")
@click.argument("model")
@click.argument("organisation")
@_JSON
def auditor(model: str, organisation: str, *, as_json: bool) -> None:
    """Let an auditor's organisation read the model's log."""
    tell(call("POST", f"/models/{_id(model)}/auditors", {"organisation": str(_id(organisation))}), as_json=as_json)


@command.command(epilog="Example: leadtime window end ENTRY")
@click.argument("entry")
@_JSON
def end(entry: str, *, as_json: bool) -> None:
    """End an organisation's access at once, or drop a proposal."""
    tell(call("POST", f"/entries/{_id(entry)}/end"), as_json=as_json)


@command.command(epilog="Example: leadtime window withdraw WINDOW")
@click.argument("window")
@_JSON
def withdraw(window: str, *, as_json: bool) -> None:
    """End a window at once; the next call under it fails, and live streams are cut."""
    tell(call("POST", f"/windows/{_id(window)}/withdrawal"), as_json=as_json)


@command.command("withdraw-model", epilog="Example: leadtime window withdraw-model MODEL")
@click.argument("model")
@_JSON
def withdraw_model(model: str, *, as_json: bool) -> None:
    """End every window of a model at once."""
    tell(call("POST", f"/models/{_id(model)}/withdrawal"), as_json=as_json)


@command.command(epilog="Example: leadtime window release MODEL")
@click.argument("model")
@_JSON
def release(model: str, *, as_json: bool) -> None:
    """Record that a model is public, and end every window."""
    tell(call("POST", f"/models/{_id(model)}/release"), as_json=as_json)


def _id(text: str) -> UUID:
    return parse_id(text, where="argument")


def _utc(date: datetime | None) -> str | None:
    return None if date is None else date.replace(tzinfo=UTC).isoformat()


def _variant(written: str) -> dict[str, object]:
    name, _, rest = written.partition("=")
    upstream_model, _, digest = rest.partition("=")
    if not name or not upstream_model:
        raise Malformed("a variant is NAME=UPSTREAM", where="--variant", next_step="Write it like on=orion-1.")
    return {"name": name, "upstream_model": upstream_model, "declared_digest": digest or None}


def _terms(file: IO[str]) -> dict[str, object]:
    text = file.read(TERMS_BYTES_MAX + 1)
    try:
        found = json.loads(text) if len(text) <= TERMS_BYTES_MAX else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Malformed("this file holds no terms", where="--terms", next_step="Write a JSON object of 64 KiB at most.")
    return found
