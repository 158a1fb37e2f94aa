"""The command's CSAF rules and BSI's validator give the published examples the same verdicts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadtime.formats.schemas import DIRECTORY
from leadtime.formats.validity import check_document
from tests.conformance.conftest import Validator

CSAF = Path(__file__).parents[3] / "shared/data/corpora/csaf"
OASIS_SIDES_WITH_US = {
    "6-1-14-12": "valid by OASIS's own list",
    "6-1-16-16": "valid by OASIS's own list",
    "6-1-16-17": "valid by OASIS's own list",
    "6-1-26-04": "invalid by OASIS's own list",
    "6-2-20-01": "valid: BSI uses a stricter schema than the standard's, without additional properties",
}


def _documents(name: str) -> Iterator[tuple[str, bytes]]:
    with gzip.open(CSAF / name, "rt") as stream:
        for line in map(json.loads, stream):
            is_2_0 = not line["path"].startswith("csaf_2.1/")
            if is_2_0 and isinstance(line["document"].get("document"), dict):
                yield line["path"], json.dumps(line["document"]).encode()


@pytest.mark.skipif(not CSAF.is_dir(), reason=f"the shared corpora are not at {CSAF}")
@pytest.mark.parametrize("name", ["oasis-csaf-tests-and-examples.jsonl.gz", "cisa-icsa-csaf.jsonl.gz"])
def test_both_give_published_documents_the_same_verdict(validator: Validator, name: str) -> None:
    differ = {
        path
        for path, raw in _documents(name)
        if check_document(raw, DIRECTORY).valid is not validator.verdict(raw)["valid"]
    }
    expected = OASIS_SIDES_WITH_US if name.startswith("oasis") else {}
    assert {path.rpartition("2021-")[2].removesuffix(".json") for path in differ} == expected.keys()
