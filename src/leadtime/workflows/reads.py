"""Every person's read of sealed content is a row and a leaf, committed before the answer leaves (I3).

The leaf holds salted commitments, for whoever verifies the log; the row holds who and what, for auditors, and opens the
leaf for them (`open_read`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, insert, select

from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Missing
from leadtime.ledger import READS, LeafId, Opening, append, new_leaf, open_leaf
from leadtime.workflows.tables import reads

READ = "read"
"""The kind of a leaf that stands for one read."""

PAGE_READS_MAX = 200


@dataclass(frozen=True, slots=True)
class Read:
    """One read: who opened the content of which entities (reports, cases, flaws …), and with what purpose."""

    leaf: LeafId
    at: datetime
    role: str
    organisation: UUID | None
    person: UUID | None
    purpose: str
    entities: tuple[UUID, ...]


def note_reads(tx: Transaction) -> None:
    """Record that the viewer opened the sealed content of ``tx.unsealed``; `Database.transaction` calls it."""
    row: dict[str, object] = {
        "role": tx.viewer.role.value,
        "organisation": tx.viewer.organisation,
        "person": tx.viewer.person,
        "purpose": tx.viewer.purpose,
        "entities": sorted(tx.unsealed),
    }
    leaf = new_leaf(tx.keys, READS, kind=READ, at=tx.now, fields=_fields(row))
    append(tx, READS, leaf)
    tx.connection.execute(insert(reads).values(leaf=leaf.id, at=leaf.at, **row))


def list_reads(tx: Transaction, *, before: UUID | None = None) -> tuple[Read, ...]:
    """Return reads, newest first, at most `PAGE_READS_MAX`, from the one before the leaf ``before`` on."""
    tx.require(Act.AUDIT_READS)
    query = select(reads).order_by(reads.c.leaf.desc()).limit(PAGE_READS_MAX)
    if before is not None:
        query = query.where(reads.c.leaf < before)
    return tuple(_read(row) for row in tx.connection.execute(query).mappings())


def open_read(tx: Transaction, leaf: UUID) -> Opening:
    """Return the opening of one read's leaf, which tells nothing of another; raises `Missing` if there is none."""
    tx.require(Act.AUDIT_READS)
    row = tx.connection.execute(select(reads).where(reads.c.leaf == leaf)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such read", where=str(leaf), next_step="Check the leaf's id.")
    return open_leaf(tx.keys, READS, LeafId(leaf), _fields(row))


def _fields(row: Mapping[str, object] | RowMapping) -> dict[str, bytes]:
    """Return what a read's leaf commits to, each value as it is spelt in an opening."""
    entities = row["entities"]
    named = [str(each) for each in entities] if isinstance(entities, list) else []
    texts = {name: str(row[name] or "").encode() for name in ("role", "organisation", "person", "purpose")}
    return {**texts, "entities": canonical_json(named)}


def _read(row: RowMapping) -> Read:
    return Read(
        leaf=LeafId(row["leaf"]),
        at=row["at"],
        role=row["role"],
        organisation=row["organisation"],
        person=row["person"],
        purpose=row["purpose"],
        entities=tuple(row["entities"]),
    )
