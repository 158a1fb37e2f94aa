"""Begin a case's advisory, or change it while it is a draft."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow import coordination
from leadtime.flow.advisory.read import advisory_from
from leadtime.flow.advisory.records import Advisory, AdvisoryId, AdvisoryMove, AdvisoryState, DraftFacts
from leadtime.flow.advisory.rules import apply, check_facts
from leadtime.flow.advisory.stored import restore_facts, store_facts
from leadtime.flow.advisory.tables import SEALED, advisories
from leadtime.flow.coordination import CaseId
from leadtime.formats.advisories import Publisher
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id


def draft(tx: Transaction, *, case: CaseId, facts: DraftFacts, publisher: Publisher) -> Advisory:
    """Return the case's advisory, begun with ``facts`` if there is none yet; its number is the case's.

    Whoever takes part in the case may read it as their role allows. Raises `Malformed` for facts that contradict each
    other.
    """
    tx.require(Act.PUBLISH_ADVISORY, case)
    now = tx.now
    row = {
        "id": AdvisoryId(new_id(now)),
        "case_id": case,
        "number": coordination.read_case(tx, case).case.number,
        "state": AdvisoryState.DRAFT.value,
        "revision": 0,
        "drafted_at": now,
        "changed_at": now,
        "facts": tx.seal(case, SEALED, store_facts(check_facts(facts), publisher)),
    }
    tx.connection.execute(insert_or_not(advisories).values(row).on_conflict_do_nothing())
    return advisory_from(tx, tx.connection.execute(select(advisories).where(advisories.c.case_id == case)).one())


def edit(tx: Transaction, advisory: AdvisoryId, facts: DraftFacts) -> Advisory:
    """Replace the facts of a draft; raises `Conflict` once it is published (then `revise` it)."""
    held = hold(tx, advisory)
    state = apply(AdvisoryState(held.state), AdvisoryMove.EDIT)
    _, publisher = restore_facts(tx.unseal(held.case_id, SEALED, held.facts))
    sealed = tx.seal(held.case_id, SEALED, store_facts(check_facts(facts), publisher))
    changed = update(advisories).where(advisories.c.id == advisory)
    tx.connection.execute(changed.values(state=state.value, changed_at=tx.now, facts=sealed))
    return advisory_from(tx, tx.connection.execute(select(advisories).where(advisories.c.id == advisory)).one())


def hold(tx: Transaction, advisory: AdvisoryId) -> Row[Any]:
    """Return an advisory's row, locked until the transaction ends, if the viewer may publish it; raises `Missing`."""
    held = tx.connection.execute(select(advisories).where(advisories.c.id == advisory).with_for_update()).one_or_none()
    if held is None:
        raise Missing("there is no such advisory that you may see", next_step="Check its id.")
    tx.require(Act.PUBLISH_ADVISORY, held.case_id)
    return held
