"""Documents that others published: read in place, never copied here."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest

from leadtime.formats.inventories import InventoryForm
from leadtime.formats.inventory_reading import read_inventory
from leadtime.formats.schemas import DIRECTORY
from leadtime.formats.validity import check_document

CORPORA = Path(__file__).parents[3] / "shared" / "data" / "corpora"
pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the shared corpora are not at {CORPORA}")
_MANDATORY = re.compile(r"csaf_2\.0/test/validator/data/mandatory/.*-(?P<last>[0-9]+)\.json")


def _lines(name: str) -> Iterator[dict[str, object]]:
    with gzip.open(CORPORA / name, "rt") as stream:
        yield from map(json.loads, stream)


def test_every_mandatory_csaf_example_gets_its_verdict() -> None:
    cases = next(
        each["document"]["tests"]  # type: ignore[index]
        for each in _lines("csaf/oasis-csaf-tests-and-examples.jsonl.gz")
        if each["path"] == "csaf_2.0/test/validator/data/testcases.json"
    )
    valid = {
        f"csaf_2.0/test/validator/data/{each['name']}": each["valid"]
        for case in cases
        for each in [*case.get("failures", []), *case.get("valid", [])]
        if each["name"].startswith("mandatory/")
    }
    seen = {}
    for line in _lines("csaf/oasis-csaf-tests-and-examples.jsonl.gz"):
        if line["path"] in valid:
            verdict = check_document(json.dumps(line["document"]).encode(), DIRECTORY)
            seen[line["path"]] = verdict.valid
    assert len(seen) > 50
    assert {path: valid[path] for path in seen} == seen


@pytest.mark.parametrize("name", ["osv-pypi", "osv-go", "osv-ossfuzz"])
def test_osv_verdicts_are_those_of_the_schema_of_today(name: str) -> None:
    newest = jsonschema_rs.validator_for(
        json.loads((CORPORA / "schemas" / "osv-schema__schema.json").read_bytes()), validate_formats=True, offline=True
    )
    for record in _lines(f"{name}.jsonl.gz"):
        ours = check_document(json.dumps(record).encode(), DIRECTORY).valid
        assert (record["id"], ours) == (record["id"], newest.is_valid(record))


def test_every_cyclonedx_bill_is_read_and_no_component_is_lost() -> None:
    read = 0
    for line in _lines("sboms.jsonl.gz"):
        if "cyclonedx-json" not in str(line["kind"]):
            continue
        text = str(line["text"])
        listing = read_inventory(text.encode())
        listed = text.count('"components"') and json.loads(text).get("components", [])
        assert listing.form is InventoryForm.CYCLONEDX
        assert len(listing.components) >= len(listed or [])
        read += 1
    assert read == 93
