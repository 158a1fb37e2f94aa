"""Receive reports: once each in effect, sealed, answered with signed receipts; one or many in a few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text

from leadtime.flow.intake.read import find_receipt
from leadtime.flow.intake.records import Receipt, ReportBody, ReportId
from leadtime.flow.intake.rules import found_with, identity_of, name_of, parse_report, receipt_as_json, sign_receipt
from leadtime.flow.intake.tables import BODY, RECEIPT, SUMMARY, reports
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.database.fresh import FreshKey, own_all
from leadtime.foundation.digests import Digest, canonical_json, digest_of
from leadtime.foundation.errors import Conflict, LeadtimeError, Refused
from leadtime.foundation.ids import new_id
from leadtime.ledger import READS, append_all, new_leaf

ACKNOWLEDGED = "acknowledged"
"""The kind of a receipt's leaf, whose id is the report's: a report that is buried leaves a trace (I4)."""


@dataclass(frozen=True, slots=True)
class Received:
    """One report's receipt, and what was read; ``fresh``: it was received in this transaction, not before."""

    receipt: Receipt
    fresh: bool
    body: ReportBody


@dataclass(frozen=True, slots=True)
class _Read:
    """One report that can be received: its digest, and the blind indexes of its identity and content."""

    body: ReportBody
    digest: Digest
    identity: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class _Fresh:
    """One report that is new, and its signed receipt."""

    read: _Read
    receipt: Receipt
    signed: bytes


def receive(tx: Transaction, raw: bytes) -> Receipt:
    """Keep a report (``leadtime.report/1``) and return its receipt; hand the receipt out only after the commit.

    The same reference of the same organisation, or without a reference the same content, is one report: again it gives
    the first receipt. Raises `Malformed`, and `Conflict` for a reference whose report had other content.
    """
    (received,) = receive_all(tx, (raw,))
    if isinstance(received, LeadtimeError):
        raise received
    return received.receipt


def receive_all(tx: Transaction, raws: Sequence[bytes]) -> tuple[Received | LeadtimeError, ...]:
    """Keep many reports as `receive` keeps one, and return what became of each; one that is wrong stops no other."""
    tx.require(Act.HAND_IN_REPORT)
    organisation = tx.viewer.organisation
    if organisation is None:
        raise Refused("a report needs an organisation that hands it in", next_step="Sign in as a finder.")
    read = [_read_or_refuse(tx, raw) for raw in raws]
    identities = {each.identity for each in read if isinstance(each, _Read)}
    _lock(tx, organisation, identities)
    known = _find_known(tx, organisation, identities)
    fresh: dict[bytes, _Read] = {}
    for each in read:
        if isinstance(each, _Read) and each.identity not in known:
            fresh.setdefault(each.identity, each)
    kept = _keep(tx, list(fresh.values()), organisation) if fresh else {}
    return tuple(each if isinstance(each, LeadtimeError) else _answer(tx, each, known, kept) for each in read)


def _read_or_refuse(tx: Transaction, raw: bytes) -> _Read | LeadtimeError:
    try:
        body = parse_report(raw)
    except LeadtimeError as error:
        return error
    digest = digest_of(body.content)
    identity = tx.keys.blind("report.identity", identity_of(body.reference, digest))
    return _Read(body, digest, identity, tx.keys.blind("report.content", digest))


def _lock(tx: Transaction, organisation: UUID, identities: set[bytes]) -> None:
    """Have a second sender of the same reports wait here, and then find the first one's rows.

    One report locks itself alone; many lock their organisation's other batches out: PostgreSQL's table of locks is not
    for thousands. Both ask for the organisation first, so that none waits for who waits for it.
    """
    batches = _lock_number(tx, f"{organisation}")
    if len(identities) == 1:
        (identity,) = identities
        own = _lock_number(tx, f"{organisation}{identity.hex()}")
        tx.connection.execute(_LOCK_ONE, {"batches": batches, "own": own})
    elif identities:
        tx.connection.execute(select(func.pg_advisory_xact_lock(batches)))


_LOCK_ONE = text("select pg_advisory_xact_lock_shared(:batches), pg_advisory_xact_lock(:own)")


def _lock_number(tx: Transaction, value: str) -> int:
    return int.from_bytes(tx.keys.blind("lock.report", value)[:8], signed=True)


def _find_known(tx: Transaction, organisation: UUID, identities: set[bytes]) -> Mapping[bytes, tuple[ReportId, bytes]]:
    """Return the reports that were received before, by identity: id and blind index of the content."""
    if not identities:
        return {}
    query = select(reports.c.identity, reports.c.id, reports.c.content).where(
        reports.c.organisation == organisation, reports.c.identity.in_(identities)
    )
    return {row.identity: (ReportId(row.id), row.content) for row in tx.connection.execute(query)}


def _answer(
    tx: Transaction, read: _Read, known: Mapping[bytes, tuple[ReportId, bytes]], kept: Mapping[bytes, _Fresh]
) -> Received | LeadtimeError:
    first = kept.get(read.identity)
    content = first.read.content if first else known[read.identity][1]
    if content != read.content:
        return Conflict(
            "another report was handed in under this reference",
            where="$.reference",
            next_step="Give the changed report a reference of its own.",
        )
    if first:
        return Received(first.receipt, fresh=first.read is read, body=read.body)
    return Received(find_receipt(tx, known[read.identity][0]), fresh=False, body=read.body)


_KEEP = text(
    "insert into reports (id, organisation, person, identity, content, found_with, received_at, receipt, summary, body)"
    " select given.id, :organisation, :person, given.identity, given.content, given.found_with, :received_at,"
    " given.receipt, given.summary, given.body from unnest(cast(:id as uuid[]), cast(:identity as bytea[]),"
    " cast(:content as bytea[]), cast(:found_with as bytea[]), cast(:receipt as bytea[]), cast(:summary as bytea[]),"
    " cast(:body as bytea[])) as given(id, identity, content, found_with, receipt, summary, body)"
)


def _keep(tx: Transaction, new: Sequence[_Read], organisation: UUID) -> Mapping[bytes, _Fresh]:
    """Write the rows and leaves of reports that are new, and return them with their receipts, by identity."""
    now, key_id = tx.now, tx.keys.key_id
    # Ids of one instant are random beneath it: sorted, they keep the order in which the reports came.
    ids = sorted(new_id(now) for _ in new)
    fresh = [_receipt(tx, read, ReportId(report), now, key_id) for read, report in zip(new, ids, strict=True)]
    keys = own_all(tx, ids)
    rows = [_row(tx, each, keys[each.receipt.id]) for each in fresh]
    shared = {"organisation": organisation, "person": tx.viewer.person, "received_at": now}
    tx.connection.execute(_KEEP, {**shared, **{name: [row[name] for row in rows] for name in rows[0]}})
    leaves = [
        new_leaf(tx.keys, READS, kind=ACKNOWLEDGED, at=now, fields={"receipt": each.signed}, of=each.receipt.id)
        for each in fresh
    ]
    append_all(tx, READS, leaves)
    return {each.read.identity: each for each in fresh}


def _receipt(tx: Transaction, read: _Read, report: ReportId, now: datetime, key_id: str) -> _Fresh:
    reference = read.body.reference
    unsigned = Receipt(report, reference, received_at=now, digest=read.digest, key_id=key_id, signature=b"")
    receipt = sign_receipt(unsigned, tx.keys)
    return _Fresh(read, receipt, canonical_json(receipt_as_json(receipt)))


def _row(tx: Transaction, fresh: _Fresh, key: FreshKey) -> Mapping[str, object]:
    body = fresh.read.body
    summary = {
        "title": body.title,
        "component": name_of(body.component),
        "reference": body.reference,
        "credit": body.credit,
    }
    return {
        "id": key.entity,
        "identity": fresh.read.identity,
        "content": fresh.read.content,
        "found_with": found_with(body.found_by.model, tx.keys) if body.found_by.model else None,
        "receipt": key.seal(RECEIPT, fresh.signed),
        "summary": key.seal(SUMMARY, canonical_json(summary)),
        "body": key.seal(BODY, body.content),
    }
