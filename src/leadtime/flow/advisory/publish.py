"""Publish, revise and withdraw: each by a named person, each in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, update

from leadtime.flow import coordination
from leadtime.flow.advisory.draft import hold
from leadtime.flow.advisory.read import advisory_from, newest_document
from leadtime.flow.advisory.records import Advisory, AdvisoryId, AdvisoryMove, AdvisoryState, DraftFacts
from leadtime.flow.advisory.rules import (
    apply,
    check_embargo,
    check_facts,
    check_publishable,
    check_publisher,
    document_of,
    next_revision,
)
from leadtime.flow.advisory.stored import restore_facts, store_document, store_facts
from leadtime.flow.advisory.tables import SEALED, advisories, published_advisories
from leadtime.flow.coordination import CaseId
from leadtime.formats.advisories import AdvisoryDocument, Revision
from leadtime.foundation.database import Transaction

FIRST_REVISION = "First published."


def publish(tx: Transaction, advisory: AdvisoryId, *, early_because: str = "") -> Advisory:
    """Publish a draft to everybody; publishing what is published only closes a case that was opened again.

    Raises `Refused` for anybody but a named person who may, for a draft in which something is missing, and while the
    case's embargo runs unless ``early_because`` gives a reason (which becomes part of the public history).
    """
    held = _taken(tx, advisory)
    if held.state == AdvisoryState.PUBLISHED:
        coordination.note_published(tx, CaseId(held.case_id), advisory)
        return advisory_from(tx, held)
    state = apply(AdvisoryState(held.state), AdvisoryMove.PUBLISH)
    facts, publisher = restore_facts(tx.unseal(held.case_id, SEALED, held.facts))
    check_publishable(facts)
    summary = _allowed_summary(tx, held, FIRST_REVISION, early_because)
    revisions = next_revision((), at=tx.now, summary=summary)
    document = document_of(facts, number=held.number, publisher=publisher, revisions=revisions)
    _keep(tx, advisory, state, document)
    coordination.note_published(tx, CaseId(held.case_id), advisory)
    return Advisory(advisory, CaseId(held.case_id), state, document)


def revise(
    tx: Transaction, advisory: AdvisoryId, facts: DraftFacts, *, summary: str, early_because: str = ""
) -> Advisory:
    """Publish a new revision with other facts; ``summary`` says what changed. Raises as `publish` does.

    One that was withdrawn stands again. A case that was opened again for it is published again.
    """
    held = _taken(tx, advisory)
    state = apply(AdvisoryState(held.state), AdvisoryMove.REVISE)
    _, publisher = restore_facts(tx.unseal(held.case_id, SEALED, held.facts))
    check_publishable(check_facts(facts))
    allowed = _allowed_summary(tx, held, summary, early_because)
    revisions = next_revision(_revisions(tx, advisory), at=tx.now, summary=allowed)
    document = document_of(facts, number=held.number, publisher=publisher, revisions=revisions)
    sealed = tx.seal(held.case_id, SEALED, store_facts(facts, publisher))
    tx.connection.execute(update(advisories).where(advisories.c.id == advisory).values(facts=sealed))
    _keep(tx, advisory, state, document)
    coordination.note_published(tx, CaseId(held.case_id), advisory)
    return Advisory(advisory, CaseId(held.case_id), state, document)


def withdraw(tx: Transaction, advisory: AdvisoryId, *, reason: str) -> Advisory:
    """Withdraw a published advisory, with its reason in public; what was published stays readable as history."""
    held = _taken(tx, advisory)
    state = apply(AdvisoryState(held.state), AdvisoryMove.WITHDRAW)
    facts, publisher = restore_facts(tx.unseal(held.case_id, SEALED, held.facts))
    revisions = next_revision(_revisions(tx, advisory), at=tx.now, summary=reason)
    document = document_of(
        facts,
        number=held.number,
        publisher=publisher,
        revisions=revisions,
        withdrawn_at=revisions[-1].at,
    )
    _keep(tx, advisory, state, document)
    return Advisory(advisory, CaseId(held.case_id), state, document)


def _taken(tx: Transaction, advisory: AdvisoryId) -> Row[Any]:
    """Return the row, locked until the transaction ends, if a named person who may asks for it."""
    held = hold(tx, advisory)
    check_publisher(tx.viewer)
    return held


def _allowed_summary(tx: Transaction, held: Row[Any], summary: str, early_because: str) -> str:
    """Return a revision's summary with the reason for being early; raises `Refused` under an embargo without one."""
    embargo = coordination.read_case(tx, CaseId(held.case_id)).case.embargo
    check_embargo(embargo.ends_at if embargo else None, tx.now, early_because)
    return f"{summary} {early_because.strip()}".strip()


def _revisions(tx: Transaction, advisory: AdvisoryId) -> tuple[Revision, ...]:
    return newest_document(tx, advisory).revisions


def _keep(tx: Transaction, advisory: AdvisoryId, state: AdvisoryState, document: AdvisoryDocument) -> None:
    newest = document.revisions[-1]
    withdrawn_at: datetime | None = document.withdrawn_at
    tx.connection.execute(
        insert(published_advisories).values(
            advisory=advisory,
            revision=newest.number,
            number=document.number,
            published_at=document.published_at,
            modified_at=newest.at,
            withdrawn_at=withdrawn_at,
            document=store_document(document),
        )
    )
    changed = update(advisories).where(advisories.c.id == advisory)
    tx.connection.execute(
        changed.values(state=state.value, revision=newest.number, person=tx.viewer.person, changed_at=newest.at)
    )
