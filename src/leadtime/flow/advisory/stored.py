"""The form in which facts and documents are kept: canonical JSON that reads back to the same record."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from leadtime.flow.advisory.records import DraftFacts
from leadtime.flow.advisory.rules import document_of
from leadtime.formats.advisories import (
    AdvisoryDocument,
    AffectedPackage,
    AffectedSpan,
    Credit,
    CreditKind,
    Outcome,
    Publisher,
    Reference,
    ReferenceKind,
    Revision,
    Run,
)
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.labels import Tlp


def store_facts(facts: DraftFacts, publisher: Publisher) -> bytes:
    """Return a draft as the bytes that are sealed."""
    return canonical_json({"facts": _plain(facts), "publisher": asdict(publisher)})


def restore_facts(kept: bytes) -> tuple[DraftFacts, Publisher]:
    """Return what `store_facts` wrote."""
    value = json.loads(kept)
    return _facts(value["facts"]), Publisher(**value["publisher"])


def store_document(document: AdvisoryDocument) -> str:
    """Return a published document as text."""
    facts = DraftFacts(**{name: getattr(document, name) for name in DraftFacts.__slots__})
    return canonical_json(
        {
            "facts": _plain(facts),
            "number": document.number,
            "publisher": asdict(document.publisher),
            "revisions": [{**asdict(each), "at": each.at.isoformat()} for each in document.revisions],
            "withdrawn_at": document.withdrawn_at and document.withdrawn_at.isoformat(),
        }
    ).decode()


def restore_document(kept: str) -> AdvisoryDocument:
    """Return what `store_document` wrote."""
    value = json.loads(kept)
    return document_of(
        _facts(value["facts"]),
        number=value["number"],
        publisher=Publisher(**value["publisher"]),
        revisions=tuple(
            Revision(each["number"], datetime.fromisoformat(each["at"]), each["summary"]) for each in value["revisions"]
        ),
        withdrawn_at=datetime.fromisoformat(value["withdrawn_at"]) if value["withdrawn_at"] else None,
    )


def _plain(facts: DraftFacts) -> dict[str, object]:
    return {**asdict(facts), "tlp": facts.tlp.name}


def _facts(value: dict[str, Any]) -> DraftFacts:
    return DraftFacts(
        title=value["title"],
        summary=value["summary"],
        remedy=value["remedy"],
        cve=value["cve"],
        cwes=tuple(value["cwes"]),
        packages=tuple(_package(each) for each in value["packages"]),
        credits=tuple(Credit(each["name"], CreditKind(each["kind"])) for each in value["credits"]),
        references=tuple(
            Reference(ReferenceKind(each["kind"]), each["url"], each["summary"]) for each in value["references"]
        ),
        tlp=Tlp[value["tlp"]],
    )


def _package(value: dict[str, Any]) -> AffectedPackage:
    return AffectedPackage(
        ecosystem=value["ecosystem"],
        name=value["name"],
        purl=value["purl"],
        runs=tuple(Run(each["version"], Outcome(each["outcome"]), each["validation"]) for each in value["runs"]),
        spans=tuple(AffectedSpan(**each) for each in value["spans"]),
    )
