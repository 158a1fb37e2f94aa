"""Inputs and source files as the tests need them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from leadtime.flow.priority.records import Answer, Impact, Inputs


def inputs(**changes: object) -> Inputs:
    """Exposed, not in KEV, not automatable, partial impact, enumerated on 1 August 2026, binding."""
    base = Inputs(
        exposed=Answer.YES,
        kev=Answer.NO,
        automatable=Answer.NO,
        impact=Impact.PARTIAL,
        enumerated=date(2026, 8, 1),
        binding=True,
    )
    return replace(base, **changes)


def kev_file(*cves: str, released: str | None = "2026-08-01T12:00:00.000Z", **changes: object) -> bytes:
    entry = {"dateAdded": "2026-07-30", "dueDate": "2026-08-20", "knownRansomwareCampaignUse": "Known"}
    entries = [{**entry, "requiredAction": "Apply updates.", "cveID": cve, **changes} for cve in cves]
    return json.dumps({"dateReleased": released, "vulnerabilities": entries}).encode()


def cve_record(
    cve: str, *, at: str = "2026-08-01T12:00:00Z", adp: str = "CISA-ADP", **options: str
) -> dict[str, object]:
    said = {"Exploitation": "none", "Automatable": "yes", "Technical Impact": "total"} | {
        name.replace("_", " "): value for name, value in options.items()
    }
    content = {"options": [{name: value} for name, value in said.items() if value], "timestamp": at}
    container = {
        "providerMetadata": {"shortName": adp},
        "metrics": [{"cvssV3_1": {}}, {"other": {"type": "kev"}}, {"other": {"type": "ssvc", "content": content}}],
    }
    return {"cveMetadata": {"cveId": cve}, "containers": {"cna": {}, "adp": [{"title": "CVE"}, container]}}
