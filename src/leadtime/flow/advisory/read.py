"""Read drafts (the case's people) and what is published (anybody)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, exists, select

from leadtime.flow.advisory.records import Advisory, AdvisoryId, AdvisoryState, PublishedAdvisory
from leadtime.flow.advisory.rules import document_of, next_revision
from leadtime.flow.advisory.stored import restore_document, restore_facts
from leadtime.flow.advisory.tables import SEALED, advisories, published_advisories
from leadtime.flow.coordination import CaseId
from leadtime.formats.advisories import AdvisoryDocument
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

ROWS_MAX = 1_000
DRAFT_REVISION = "Draft, not published."


def read_advisory(tx: Transaction, advisory: AdvisoryId) -> Advisory:
    """Return a case's advisory, draft or not, to its case's people; raises `Missing` for anybody else."""
    held = tx.connection.execute(select(advisories).where(advisories.c.id == advisory)).one_or_none()
    if held is None:
        raise _missing()
    tx.require(Act.READ_DRAFT, held.case_id)
    return advisory_from(tx, held)


def find_advisory(tx: Transaction, case: CaseId) -> Advisory | None:
    """Return a case's advisory to its people, None if it has none yet."""
    held = tx.connection.execute(select(advisories).where(advisories.c.case_id == case)).one_or_none()
    if held is None:
        return None
    tx.require(Act.READ_DRAFT, case)
    return advisory_from(tx, held)


def find_numbered(tx: Transaction, number: str) -> Advisory | None:
    """Return the advisory of the case with that number to the case's people, None if it has none yet."""
    held = tx.connection.execute(select(advisories).where(advisories.c.number == number)).one_or_none()
    if held is None:
        return None
    tx.require(Act.READ_DRAFT, held.case_id)
    return advisory_from(tx, held)


def read_published(tx: Transaction, advisory: AdvisoryId) -> PublishedAdvisory:
    """Return what an advisory says now, to anybody; raises `Missing` if it was never published."""
    return PublishedAdvisory(advisory, document := newest_document(tx, advisory), document.modified_at)


def find_published(tx: Transaction, number: str) -> PublishedAdvisory:
    """Return the published advisory with that number, to anybody; raises `Missing` if there is none."""
    found = tx.connection.scalar(
        select(published_advisories.c.advisory).where(published_advisories.c.number == number).limit(1)
    )
    if found is None:
        raise _missing()
    return read_published(tx, AdvisoryId(found))


def list_published(
    tx: Transaction, *, after: AdvisoryId | None = None, limit: int = ROWS_MAX
) -> tuple[PublishedAdvisory, ...]:
    """Return what is published now, in the order of ids (oldest draft first), at most ``limit`` after ``after``."""
    later = published_advisories.alias()
    newest = (
        select(published_advisories.c.advisory, published_advisories.c.document)
        .where(
            ~exists().where(
                later.c.advisory == published_advisories.c.advisory,
                later.c.revision > published_advisories.c.revision,
            )
        )
        .order_by(published_advisories.c.advisory)
        .limit(min(limit, ROWS_MAX))
    )
    if after is not None:
        newest = newest.where(published_advisories.c.advisory > after)
    documents = [(AdvisoryId(row.advisory), restore_document(row.document)) for row in tx.connection.execute(newest)]
    return tuple(PublishedAdvisory(advisory, document, document.modified_at) for advisory, document in documents)


def advisory_from(tx: Transaction, held: Row[Any]) -> Advisory:
    """Return the advisory that a row holds; a draft's document is dated now."""
    state = AdvisoryState(held.state)
    if state is not AdvisoryState.DRAFT:
        return Advisory(AdvisoryId(held.id), CaseId(held.case_id), state, newest_document(tx, held.id))
    facts, publisher = restore_facts(tx.unseal(held.case_id, SEALED, held.facts))
    revisions = next_revision((), at=tx.now, summary=DRAFT_REVISION)
    document = document_of(facts, number=held.number, publisher=publisher, revisions=revisions)
    return Advisory(AdvisoryId(held.id), CaseId(held.case_id), state, document)


def newest_document(tx: Transaction, advisory: AdvisoryId) -> AdvisoryDocument:
    """Return the newest published document of an advisory; raises `Missing` if it was never published."""
    kept = tx.connection.scalar(
        select(published_advisories.c.document)
        .where(published_advisories.c.advisory == advisory)
        .order_by(published_advisories.c.revision.desc())
        .limit(1)
    )
    if kept is None:
        raise _missing()
    return restore_document(kept)


def _missing() -> Missing:
    return Missing("there is no such advisory that you may see", next_step="Check its number.")
