"""``leadtime match``: what touches an inventory, and by when, with no server."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from leadtime.doors.limits import SOURCE_BYTES_MAX
from leadtime.doors.visible import visible_line
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
SHOWN_MAX = 20
"""Components that cannot be matched, or records that cannot be read, told one by one; the rest are counted."""


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

    The inventory is CycloneDX JSON, pip freeze, package-lock.json or a CSV of names and versions. Withdrawn advisories
    are left out. What cannot be matched or decided is said, never dropped. Exit code 0: something is touched; 3:
    nothing is; 4: nothing is for certain, but something may be.
    """
    contents = contents_of(read_inventory(_read(inventory, INVENTORY_BYTES_MAX), InventoryForm(form) if form else None))
    unreadable: list[Unreadable] = []
    index = index_flaws(_records(advisories, unreadable))
    found = match(contents.installed, index)
    day = enumerated.date() if enumerated else SystemClock().now().astimezone(UTC).date()
    sources = _read_sources(kev, vulnrichment)
    shown = [each for each in found if each.touch is Touch.YES or with_unknown]
    decided = [(each, _decide(each, sources, Answer(exposed), day)) for each in shown]
    if as_json:
        json.dump([_plain(each, decision) for each, decision in decided], sys.stdout)
        click.echo()
    else:
        _tell(decided)
    _tell_rest(contents, found, unreadable, index)
    touches = Counter(each.touch for each in found)
    return 0 if touches[Touch.YES] else EXIT_UNDECIDED if touches[Touch.UNKNOWN] else EXIT_NOTHING


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


def _component(found: Match) -> str:
    return f"{found.installed.package}@{found.installed.version}"


def _plain(found: Match, decision: Decision) -> dict[str, object]:
    return {
        "component": _component(found),
        "advisory": found.advisory,
        "fixed": found.fixed,
        "aliases": list(found.aliases),
        "summary": found.summary,
        "affected": found.touch.value,
        "reason": found.reason,
        "row": decision.row and decision.row.number,
        "timeline": decision.label,
        "due": decision.due and decision.due.isoformat(),
        "assumed": list(decision.assumed),
        "missing": list(decision.missing),
    }


def _tell(decided: list[tuple[Match, Decision]]) -> None:
    for found, decision in decided:
        fix = f"update to {found.fixed}" if found.fixed else "no fixed version is named"
        sure = "" if found.touch is Touch.YES else f" (may be affected: {found.reason})"
        when = f"by {decision.due.isoformat()}" if decision.due else decision.label
        names = ", ".join((found.advisory, *found.aliases))
        click.echo(visible_line(f"{_component(found)}: {names}: {fix}; {when}{sure}"))


def _tell_rest(contents: Contents, found: tuple[Match, ...], unreadable: list[Unreadable], index: FlawIndex) -> None:
    """Say on standard error what was held against what, and everything that could not be."""
    touched = len({each.installed for each in found if each.touch is Touch.YES})
    unknown = [each for each in found if each.touch is Touch.UNKNOWN]
    _note(
        f"{contents.components} components ({len(contents.installed)} distinct packages and versions) held against "
        f"{index.records} advisories: {touched} touched"
    )
    if index.withdrawn:
        _note(f"{index.withdrawn} advisories are withdrawn and were left out")
    if index.unnamed:
        _note(f"{len(index.unnamed)} advisories name a package of an ecosystem that is not known here, or none")
    if unknown:
        _note(
            f"{len(unknown)} more may be touched (--unknown lists them), for example: {_component(unknown[0])}: "
            f"{unknown[0].advisory}: {unknown[0].reason}"
        )
    _several(
        f"{len(contents.unmatchable)} components could not be matched",
        [f"{each.where}: {each.name} {each.version or '(no version)'}: {each.why}" for each in contents.unmatchable],
    )
    _several(f"{len(unreadable)} records could not be read", [f"{each.where}: {each.why}" for each in unreadable])


def _several(heading: str, lines: list[str]) -> None:
    if lines:
        _note(f"{heading}:")
        for line in lines[:SHOWN_MAX]:
            _note(f"  {line}")
        if len(lines) > SHOWN_MAX:
            _note(f"  and {len(lines) - SHOWN_MAX} more")


def _note(text: str) -> None:
    click.echo(visible_line(text), err=True)
