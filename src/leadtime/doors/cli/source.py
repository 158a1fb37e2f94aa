"""``leadtime source``: load facts from outside into an installation."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from leadtime.doors.cli.asking import ask, open_client, read_object
from leadtime.doors.limits import SOURCE_BYTES_MAX
from leadtime.doors.visible import visible_line
from leadtime.flow.priority import SourceKind
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.errors import Malformed
from leadtime.foundation.settings import Settings, read_settings
from leadtime.workflows.exploited import load_source
from leadtime.workflows.opening import open_database

ANSWER_SECONDS_MAX = 300.0
RECORDS_MAX = 1_000_000


@click.group("source")
def command() -> None:
    """Load facts from outside: KEV, Vulnrichment."""


@command.command(epilog="Example: leadtime source load kev known_exploited_vulnerabilities.json")
@click.argument("kind", type=click.Choice([kind.value for kind in SourceKind]))
@click.argument("file", type=click.Path(exists=True, path_type=Path), metavar="FILE")
@click.option("--as-of", type=click.DateTime(), help="How old the file is (UTC), where it carries no date of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print what was loaded as JSON.")
def load(kind: str, file: Path, *, as_of: datetime | None, as_json: bool) -> None:
    """Replace what a source says by FILE: CISA's JSON, CVE records one a line, gzipped, zipped or a folder of them.

    With LEADTIME_TOKEN set the server at LEADTIME_URL loads it, as that person; without, this machine's installation
    does. A file older than the loaded one is refused.
    """
    settings, raw = read_settings(os.environ), _read(file)
    dated = as_of.replace(tzinfo=UTC) if as_of else None
    loaded = _send(settings, kind, raw, dated) if settings.token else _load_here(settings, SourceKind(kind), raw, dated)
    sentence = f"{loaded['kind']}: {loaded['entries']} entries as of {loaded['as_of']}"
    click.echo(json.dumps(loaded) if as_json else visible_line(sentence))


def _load_here(settings: Settings, kind: SourceKind, raw: bytes, as_of: datetime | None) -> dict[str, object]:
    """Load into this machine's installation; who can read its keys is its administrator."""
    with open_database(settings, SystemClock()).transaction(SYSTEM) as tx:
        loaded = load_source(tx, kind=kind, raw=raw, as_of=as_of)
    return {
        "kind": loaded.kind.value,
        "digest": loaded.digest,
        "as_of": loaded.as_of.isoformat(),
        "entries": loaded.entries,
        "at": loaded.at.isoformat(),
    }


def _send(settings: Settings, kind: str, raw: bytes, as_of: datetime | None) -> dict[str, object]:
    params = {"as_of": as_of.isoformat()} if as_of else {}
    headers = {"content-type": "application/octet-stream"}
    with open_client(settings, answer_seconds=ANSWER_SECONDS_MAX) as client:
        request = client.build_request("POST", f"/api/v1/sources/{kind}", content=raw, params=params, headers=headers)
        return read_object(ask(client, request), settings.url)


def _read(file: Path) -> bytes:
    """Return a file, or the ``.json`` files of a folder as one record a line, within bounds."""
    if not file.is_dir():
        with file.open("rb") as stream:
            content = stream.read(SOURCE_BYTES_MAX + 1)
        return _bounded(content, file)
    lines: list[bytes] = []
    bytes_left = SOURCE_BYTES_MAX
    for number, path in enumerate(sorted(file.rglob("CVE-*.json")), start=1):
        with path.open("rb") as stream:
            line = b" ".join(stream.read(bytes_left + 1).splitlines())
        bytes_left -= len(line) + 1
        if number > RECORDS_MAX or bytes_left < 0:
            raise _too_large(file)
        lines.append(line)
    return b"\n".join(lines)


def _bounded(content: bytes, file: Path) -> bytes:
    if len(content) > SOURCE_BYTES_MAX:
        raise _too_large(file)
    return content


def _too_large(file: Path) -> Malformed:
    return Malformed(
        f"this holds more than {SOURCE_BYTES_MAX} bytes or {RECORDS_MAX} records",
        where=str(file),
        next_step="Load fewer records.",
    )
