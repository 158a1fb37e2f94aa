"""Drafts, and cases to draft for."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from sqlalchemy import insert

from leadtime.flow.advisory import DraftFacts
from leadtime.flow.coordination import CaseId
from leadtime.flow.coordination.tables import TITLE, cases
from leadtime.formats.advisories import Credit, CreditKind, Publisher, Reference, ReferenceKind
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.foundation.ids import new_id
from leadtime.foundation.labels import Tlp
from tests.formats.factories import a_package

PUBLISHER = Publisher("Coordination Centre (example)", "https://clearinghouse.example")


def some_facts(**changes: object) -> DraftFacts:
    facts = DraftFacts(
        title="ujson writes past a stack buffer when it indents",
        summary="A large indent writes past a 64 KiB buffer on the stack.",
        remedy="Do not let strangers choose the indent.",
        cve="CVE-2021-45958",
        cwes=("CWE-787",),
        packages=(a_package(),),
        credits=(Credit("Finder A (example)", CreditKind.FINDER),),
        references=(Reference(ReferenceKind.FIX, "https://example.org/fix", "The fix"),),
        tlp=Tlp.CLEAR,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def a_case(database: Database, number: str = "LT-2026-0001") -> CaseId:
    """Open a case as *coordination* keeps it, without the flaw behind it."""
    with database.transaction(SYSTEM) as tx:
        case = CaseId(new_id(tx.now))
        row = {
            "id": case,
            "number": number,
            "vulnerability": uuid4(),
            "state": "fix named",
            "tlp": Tlp.AMBER_STRICT.value,
            "opened_at": tx.now,
            "title": tx.seal(case, TITLE, b"ujson"),
        }
        tx.connection.execute(insert(cases).values(row))
    return case
