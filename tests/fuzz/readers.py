"""Every parser of bytes from outside, as one function of bytes: what is raised but a `LeadtimeError` is a find.

Imported by the fuzzer and by ``test_finds.py``, which replays what was found without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from leadtime.flow import intake
from leadtime.flow.intake import Given, ReadReport, ReportForm
from leadtime.flow.merging.stacks import parse_stack
from leadtime.flow.priority import SourceKind
from leadtime.flow.priority.sources import read_source
from leadtime.flow.validation.ladder.diffs import read_patch
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.trial.sightings import read_build, read_sightings
from leadtime.formats.inventories import InventoryForm
from leadtime.formats.inventory_reading import read_inventory
from leadtime.formats.osv import read_osv
from leadtime.foundation.errors import LeadtimeError
from leadtime.ledger import checkpoints, inclusion, leaves, notes, signers, tiles, witness
from leadtime.packages.purls import parse_purl
from leadtime.packages.requirements import parse_requirement
from leadtime.packages.versions import VersionOrder, compare

GIVEN = Given(component="pkg:generic/fuzzed", tool="fuzzer")


def _reports(form: ReportForm | None) -> Callable[[bytes], object]:
    """Return a reader of that form (None: told by the content), each of whose reports is one that intake takes."""

    def read(raw: bytes) -> None:
        known = form or intake.recognise_report(raw)
        if known is ReportForm.REPORT:
            intake.parse_report(raw)
            return
        for found in intake.import_reports(raw, known, GIVEN):
            if isinstance(found, ReadReport):
                assert intake.parse_report(found.content).content == found.content

    return read


def _each(*readers: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Return a reader that has several read the same bytes, each as if alone."""

    def read(raw: bytes) -> None:
        for reader in readers:
            refused(reader, raw)

    return read


def _text(reader: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: reader(raw.decode("utf-8", errors="replace"))


def _versions(text: str) -> None:
    one, _, other = text.partition("\n")
    for order in VersionOrder:
        refused_text = _text(lambda _, order=order: compare(order, one, other))
        refused(refused_text, b"")


READERS: Mapping[str, Callable[[bytes], object]] = {
    "report": _each(intake.parse_report, intake.read_receipt_json),
    "recognised": _reports(None),
    "sarif": _reports(ReportForm.SARIF),
    "osv": _each(_reports(ReportForm.OSV), read_osv),
    "csaf": _reports(ReportForm.CSAF),
    "csv": _reports(ReportForm.CSV),
    "markdown": _reports(ReportForm.MARKDOWN),
    "mail": _reports(ReportForm.MAIL),
    "recipe": parse_recipe,
    "patch": read_patch,
    "stack": _text(parse_stack),
    "sightings": _each(read_sightings, read_build),
    "purl": _text(lambda text: parse_purl(text, where="fuzzed")),
    "requirement": _text(lambda text: parse_requirement(text, where="fuzzed")),
    "versions": _text(_versions),
    "inventory": _each(read_inventory, *((lambda raw, form=form: read_inventory(raw, form)) for form in InventoryForm)),
    "source": _each(*((lambda raw, kind=kind: read_source(kind, raw)) for kind in SourceKind)),
    "ledger": _each(
        notes.parse_note,
        leaves.parse_leaf,
        leaves.parse_opening,
        inclusion.parse_proof,
        witness.parse_submission,
        signers.parse_keys,
        lambda raw: tiles.decode_bundle(raw, 256),
        _text(checkpoints.parse_checkpoint),
        _text(tiles.parse_path),
        _text(notes.parse_verifier_key),
    ),
}
"""Name -> reader; a name is also a folder of seeds and finds in ``tests/vectors/{good,bad}/readers``."""


def refused(reader: Callable[[bytes], object], raw: bytes) -> bool:
    """Have a reader read; True if it refused in one of Leadtime's own sentences, and anything else is raised."""
    try:
        reader(raw)
    except LeadtimeError:
        return True
    return False
