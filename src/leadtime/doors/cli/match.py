"""``leadtime match``: what touches an inventory, and by when, with no server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from leadtime.doors.cli.match_lines import Decided, in_order, plain, tell, tell_rest
from leadtime.doors.limits import SOURCE_BYTES_MAX
from leadtime.flow.exposure import (
    Contents,
    FlawIndex,
    Match,
    Touch,
    Unreadable,
    contents_of,
    index_flaws,
    match,
    read_database,
)
from leadtime.flow.priority import (
    Answer,
    CveFacts,
    Decision,
    KevEntry,
    Loaded,
    SourceKind,
    SsvcEntry,
    decide,
    inputs_from,
)
from leadtime.flow.priority.sources import read_source
from leadtime.formats.inventories import InventoryForm
from leadtime.formats.inventory_reading import read_inventory
from leadtime.formats.limits import INVENTORY_BYTES_MAX
from leadtime.formats.osv import OsvRecord
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Malformed

EXIT_NOTHING = 3
EXIT_UNDECIDED = 4


@dataclass(frozen=True, slots=True)
class Sources:
    """What the given files say of CVEs; a source that was not given is None."""

    kev: Loaded | None
    kev_entries: Mapping[str, KevEntry]
    ssvc: Loaded | None
    ssvc_entries: Mapping[str, SsvcEntry]


@click.command(
    "match", epilog="Example: leadtime match --inventory bom.json --advisories osv/ --kev kev.json --exposed yes"
)
@click.option("--inventory", "inventory", type=click.Path(path_type=Path), required=True, help="What is installed.")
@click.option(
    "--advisories",
    "advisories",
    type=click.Path(path_type=Path),
    required=True,
    multiple=True,
    help="OSV records: a folder, a file, NDJSON, .gz or .zip; may be given again.",
)
@click.option("--form", type=click.Choice([each.value for each in InventoryForm]), help="Form of the inventory.")
@click.option(
    "--exposed",
    type=click.Choice([each.value for each in Answer]),
    default="unknown",
    help="Reached from the internet?",
)
@click.option("--kev", type=click.Path(path_type=Path), help="CISA's KEV catalogue; without it no date can be told.")
@click.option("--vulnrichment", type=click.Path(path_type=Path), help="CVE records with CISA's SSVC answers.")
@click.option("--enumerated", type=click.DateTime(["%Y-%m-%d"]), help="Day the flaws were first seen (default: today).")
@click.option("--unknown", "with_unknown", is_flag=True, help="List what may be touched as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def command(
    *,
    inventory: Path,
    advisories: tuple[Path, ...],
    form: str | None,
    exposed: str,
    kev: Path | None,
    vulnrichment: Path | None,
    enumerated: datetime | None,
    with_unknown: bool,
    as_json: bool,
) -> int:
    """Tell what of an inventory is touched by which advisory, the version to go to, and by when; no server needed.

    The inventory is CycloneDX JSON, pip freeze, package-lock.json or a CSV of names, versions and ecosystems (or of
    purls). Most urgent first. Withdrawn advisories are left out. What cannot be matched or decided is said, never
    dropped. Exit code 0: something is touched; 2: the inventory is empty or no advisory can be read; 3: nothing is
    touched; 4: nothing is for certain, but something may be, or not everything could be checked.
    """
    contents = _contents(inventory, InventoryForm(form) if form else None)
    unreadable: list[Unreadable] = []
    index = _index(advisories, unreadable)
    found = match(contents.installed, index)
    day = enumerated.date() if enumerated else SystemClock().now().astimezone(UTC).date()
    sources = _read_sources(kev, vulnrichment)
    shown = [each for each in found if each.touch is Touch.YES or with_unknown]
    decided = in_order(Decided(each, _decide(each, sources, Answer(exposed), day)) for each in shown)
    if as_json:
        json.dump([plain(each) for each in decided], sys.stdout)
        click.echo()
    else:
        tell(decided)
    tell_rest(contents, found, unreadable, index)
    return _answer({each.touch for each in found}, is_partial=bool(contents.unmatchable or unreadable))


def _contents(inventory: Path, form: InventoryForm | None) -> Contents:
    contents = contents_of(read_inventory(_read(inventory, INVENTORY_BYTES_MAX), form))
    if not contents.components:
        raise Malformed(
            "this inventory lists no component",
            where=str(inventory),
            next_step="Give one that lists what is installed.",
        )
    return contents


def _index(advisories: tuple[Path, ...], unreadable: list[Unreadable]) -> FlawIndex:
    index = index_flaws(_records(advisories, unreadable))
    if index.records:
        return index
    first = (
        f"; the first of {len(unreadable)}: {unreadable[0].where}: {unreadable[0].why.removesuffix('.')}"
        if unreadable
        else ""
    )
    raise Malformed(
        f"there is no advisory here that can be read{first}",
        where=", ".join(str(each) for each in advisories),
        next_step="Give OSV records: a folder or file of .json, .jsonl, .ndjson, .gz or .zip.",
    )


def _answer(touches: set[Touch], *, is_partial: bool) -> int:
    """Return the exit code: *no* is said only when everything could be held against everything."""
    if Touch.YES in touches:
        return 0
    if Touch.UNKNOWN in touches:
        return EXIT_UNDECIDED
    if is_partial:
        click.echo(
            "Nothing matched, but not everything could be checked: see the components and records above.", err=True
        )
        return EXIT_UNDECIDED
    return EXIT_NOTHING


def _records(paths: Iterable[Path], unreadable: list[Unreadable]) -> Iterable[OsvRecord]:
    for path in paths:
        if not path.exists():
            raise Malformed("there is no such file or folder", where=str(path), next_step="Check its name.")
        for each in read_database(path):
            if isinstance(each, Unreadable):
                unreadable.append(each)
            else:
                yield each


def _read(path: Path, bytes_max: int) -> bytes:
    """Return a file's bytes, one more than allowed at most: its reader then refuses it by size."""
    try:
        with path.open("rb") as stream:
            return stream.read(bytes_max + 1)
    except OSError as problem:
        raise Malformed(
            f"the file cannot be read ({problem.strerror})", where=str(path), next_step="Check its name."
        ) from None


def _read_sources(kev: Path | None, vulnrichment: Path | None) -> Sources:
    kev_loaded, kev_entries = _read_source(SourceKind.KEV, kev)
    ssvc_loaded, ssvc_entries = _read_source(SourceKind.VULNRICHMENT, vulnrichment)
    return Sources(
        kev_loaded,
        {each.cve: each for each in kev_entries if isinstance(each, KevEntry)},
        ssvc_loaded,
        {each.cve: each for each in ssvc_entries if isinstance(each, SsvcEntry)},
    )


def _read_source(kind: SourceKind, path: Path | None) -> tuple[Loaded | None, Iterable[KevEntry | SsvcEntry]]:
    if path is None:
        return None, ()
    raw = _read(path, SOURCE_BYTES_MAX)
    content = read_source(kind, raw)
    now = SystemClock().now()
    return Loaded(kind, digest_of(raw), content.as_of or now, len(content.entries), now), content.entries


def _decide(found: Match, sources: Sources, exposed: Answer, enumerated: date) -> Decision:
    """Return by when: of several CVE names of one advisory, one that is in KEV or was assessed comes first."""
    names = [each for each in (found.advisory, *found.aliases) if each.startswith("CVE-")]
    known = sorted(names, key=lambda each: (each not in sources.kev_entries, each not in sources.ssvc_entries))
    cve = known[0] if known else None
    facts = CveFacts(
        cve=cve,
        kev_source=sources.kev,
        kev=sources.kev_entries.get(cve) if cve else None,
        ssvc_source=sources.ssvc,
        ssvc=sources.ssvc_entries.get(cve) if cve else None,
    )
    return decide(inputs_from(facts, exposed=exposed, enumerated=enumerated))
