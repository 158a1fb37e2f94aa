"""``leadtime advisory``: is this document valid, and a case's advisory in a public format."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import click

from leadtime.doors.cli.asking import ask, open_client
from leadtime.doors.schemas import fetch_schemas, missing_schemas
from leadtime.doors.visible import visible_line
from leadtime.flow.advisory import find_advisory, find_numbered
from leadtime.flow.coordination import CaseId
from leadtime.formats.advisories import AdvisoryDocument
from leadtime.formats.csaf import write_csaf
from leadtime.formats.limits import DOCUMENT_BYTES_MAX
from leadtime.formats.osv import write_osv
from leadtime.formats.schemas import DIRECTORY
from leadtime.formats.validity import Verdict, check_document
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing
from leadtime.foundation.settings import Settings, read_settings
from leadtime.packages.fetch import open_fetcher
from leadtime.workflows.opening import open_database
from leadtime.workflows.reads import note_reads

EXIT_INVALID = 3
EXIT_UNDECIDED = 4
EXIT_UNREADABLE = 2


class RenderedFormat(StrEnum):
    """A format that a case's advisory is rendered in."""

    OSV = "osv"
    CSAF = "csaf"


@click.group("advisory")
def command() -> None:
    """Render and check advisories."""


@command.command(epilog="Example: leadtime advisory check advisory.json osv/*.json")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=False, path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file, one a line.")
def check(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Tell whether CSAF, OSV, CVE and CycloneDX VEX documents are valid, by the official rules; no server needed.

    Every failed rule is one line. Exit code 0: all valid; 3: one is not; 4: one is of a kind that is not checked yet;
    2: one cannot be read. With --json each verdict is one line of JSON.
    """
    _set_up_schemas()
    codes = {_check_one(file, as_json=as_json) for file in files}
    return next((code for code in (EXIT_UNREADABLE, EXIT_INVALID, EXIT_UNDECIDED) if code in codes), 0)


@command.command(epilog="Example: leadtime advisory render 0198f2a1-… --format csaf > advisory.json")
@click.argument("case")
@click.option(
    "--format", "rendered", type=click.Choice([each.value for each in RenderedFormat]), required=True, help="Which one."
)
def render(case: str, rendered: str) -> None:
    """Print a case's advisory (its id or number) in a public format, draft or published.

    With LEADTIME_TOKEN set the server at LEADTIME_URL renders it for that person; without, this machine's installation
    does.
    """
    settings = read_settings(os.environ)
    chosen = RenderedFormat(rendered)
    if not case.replace("-", "").isalnum():
        raise Malformed("this is not the id or number of a case", where="CASE", next_step="Copy it from the case page.")
    written = _ask(settings, case, chosen) if settings.token else _render_here(settings, case, chosen)
    click.echo(written, nl=False)


def _set_up_schemas() -> None:
    """Fetch schemas that set-up did not; without a network each document says itself which one it misses."""
    if not missing_schemas(DIRECTORY):
        return
    home = read_settings(os.environ).home
    try:
        fetch_schemas(open_fetcher(home / "releases", os.environ), DIRECTORY)
    except LeadtimeError as problem:
        click.echo(visible_line(str(problem)), err=True)


def _check_one(file: Path, *, as_json: bool) -> int:
    try:
        verdict = check_document(_read(file), DIRECTORY)
    except Malformed as problem:
        if as_json:
            click.echo(json.dumps({"file": str(file), "kind": None, "valid": None, "refused": str(problem)}))
        else:
            click.echo(visible_line(f"{file}: {problem}"), err=True)
        return EXIT_UNREADABLE
    if as_json:
        click.echo(json.dumps(_plain(file, verdict)))
    else:
        _tell(file, verdict)
    if verdict.checked is None:
        return EXIT_UNDECIDED
    return 0 if verdict.valid else EXIT_INVALID


def _tell(file: Path, verdict: Verdict) -> None:
    if verdict.checked is None:
        click.echo(visible_line(f"{file}: {verdict.kind}: recognised, but this version is not checked yet"))
        return
    if verdict.valid:
        click.echo(visible_line(f"{file}: {verdict.kind}: valid (checked: {verdict.checked})"))
        return
    for each in verdict.failures:
        click.echo(visible_line(f"{file}: {verdict.kind}: {each.rule} {each.where}: {each.what}"))
    if verdict.more:
        click.echo(visible_line(f"{file}: {verdict.kind}: and {verdict.more} more"))


def _plain(file: Path, verdict: Verdict) -> dict[str, object]:
    return {
        "file": str(file),
        "kind": verdict.kind.value,
        "valid": verdict.valid if verdict.checked else None,
        "checked": verdict.checked,
        "failures": [asdict(each) for each in verdict.failures],
        "more": verdict.more,
    }


def _read(file: Path) -> bytes:
    """Return a document's bytes; one that is too large is refused without reading all of it."""
    try:
        with file.open("rb") as stream:
            return stream.read(DOCUMENT_BYTES_MAX + 1)
    except OSError as problem:
        raise Malformed(
            f"the file cannot be read ({problem.strerror})", where=str(file), next_step="Check its name."
        ) from None


def _render_here(settings: Settings, case: str, rendered: RenderedFormat) -> bytes:
    """Render from this machine's installation; who can read its keys is its administrator.

    A draft that was opened is a read like any person's, with a leaf (I3), though no name is known here.
    """
    with open_database(settings, SystemClock()).transaction(SYSTEM) as tx:
        found = find_advisory(tx, CaseId(UUID(case))) if _is_id(case) else find_numbered(tx, case)
        if tx.unsealed:
            note_reads(tx)
    if found is None:
        raise Missing("there is no advisory for this case yet", where="CASE", next_step="Draft one on the case page.")
    return render_advisory(found.document, rendered)


def render_advisory(document: AdvisoryDocument, rendered: RenderedFormat) -> bytes:
    """Return an advisory in a public format."""
    return write_csaf(document) if rendered is RenderedFormat.CSAF else write_osv(document)


def _is_id(case: str) -> bool:
    try:
        UUID(case)
    except ValueError:
        return False
    return True


def _ask(settings: Settings, case: str, rendered: RenderedFormat) -> bytes:
    with open_client(settings) as client:
        address = f"/api/v1/cases/{case}/advisory"
        return ask(client, client.build_request("GET", address, params={"format": rendered.value}))
