"""Files that others published: every one is read or refused in a sentence, and what is read is a report."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from leadtime.flow.intake import Given, ReadReport, ReportForm, import_reports
from leadtime.foundation.errors import LeadtimeError

CORPORA = Path(__file__).parents[5] / "shared" / "data" / "corpora"
pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the shared corpora are not at {CORPORA}")
SOMETHING = Given(component="pkg:generic/example")


def _lines(name: str, step: int = 1) -> Iterator[dict[str, object]]:
    with gzip.open(CORPORA / name, "rt") as stream:
        yield from map(json.loads, islice(stream, 0, None, step))


def _counted(documents: Iterator[bytes], form: ReportForm, given: Given) -> Counter[str]:
    found: Counter[str] = Counter()
    for raw in documents:
        try:
            for each in import_reports(raw, form, given):
                found[type(each).__name__] += 1
                assert not isinstance(each, ReadReport) or b"imported_from" in each.content
        except LeadtimeError:
            found["refused"] += 1
    return found


def test_every_sarif_sample():
    logs = (str(each["text"]).encode() for each in _lines("sarif-samples.jsonl.gz"))
    counted = _counted(logs, ReportForm.SARIF, SOMETHING)
    assert counted == {"ReadReport": 440, "LeftOut": 2, "NotRead": 1, "refused": 56}


@pytest.mark.parametrize(("name", "step"), [("osv-pypi", 8), ("osv-go", 16), ("osv-ossfuzz", 8)])
def test_osv_records(name, step):
    records = [json.dumps(each).encode() for each in _lines(f"{name}.jsonl.gz", step)]
    counted = _counted(iter(records), ReportForm.OSV, Given())
    assert counted["ReadReport"] + counted["LeftOut"] == len(records)
    assert counted["ReadReport"] > 200


def test_csaf_documents():
    real = (json.dumps(each["document"]).encode() for each in _lines("csaf/cisa-icsa-csaf.jsonl.gz", 2))
    assert set(_counted(real, ReportForm.CSAF, Given())) == {"ReadReport"}
    examples = (json.dumps(each["document"]).encode() for each in _lines("csaf/oasis-csaf-tests-and-examples.jsonl.gz"))
    assert set(_counted(examples, ReportForm.CSAF, Given())) == {"ReadReport", "NotRead", "refused"}


def test_write_ups():
    texts = (str(each["text"]).encode() for each in _lines("rustsec-advisories.jsonl.gz"))
    assert _counted(texts, ReportForm.MARKDOWN, SOMETHING) == {"ReadReport": 1205}
