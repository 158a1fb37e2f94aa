"""Receive a report: once in effect, sealed, answered with a signed receipt."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import insert, select

from leadtime.flow.intake.read import find_receipt
from leadtime.flow.intake.records import Receipt, ReportBody, ReportId
from leadtime.flow.intake.rules import found_with, identity_of, name_of, parse_report, receipt_as_json, sign_receipt
from leadtime.flow.intake.tables import BODY, RECEIPT, SUMMARY, reports
from leadtime.foundation.access import Act, Relation
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest, canonical_json, digest_of
from leadtime.foundation.errors import Conflict, Refused
from leadtime.foundation.ids import new_id
from leadtime.ledger import READS, append, new_leaf

ACKNOWLEDGED = "acknowledged"
"""The kind of a receipt's leaf, whose id is the report's: a report that is buried leaves a trace (I4)."""


def receive(tx: Transaction, raw: bytes) -> Receipt:
    """Keep a report (``leadtime.report/1``) and return its receipt; hand the receipt out only after the commit.

    The same reference of the same organisation, or without a reference the same content, is one report: again it gives
    the first receipt. Raises `Malformed`, and `Conflict` for a reference whose report had other content.
    """
    tx.require(Act.HAND_IN_REPORT)
    if tx.viewer.organisation is None:
        raise Refused("a report needs an organisation that hands it in", next_step="Sign in as a finder.")
    body = parse_report(raw)
    digest = digest_of(body.content)
    identity = tx.keys.blind("report.identity", identity_of(body.reference, digest))
    # Two senders of one report at once: the second waits here, and then finds the first one's row.
    tx.lock("report", f"{tx.viewer.organisation}{identity.hex()}")
    known = tx.connection.execute(
        select(reports.c.id, reports.c.content).where(
            reports.c.organisation == tx.viewer.organisation, reports.c.identity == identity
        )
    ).one_or_none()
    if known is None:
        return _keep(tx, body, digest, identity, tx.viewer.organisation)
    if known.content != tx.keys.blind("report.content", digest):
        raise Conflict(
            "another report was handed in under this reference",
            where="$.reference",
            next_step="Give the changed report a reference of its own.",
        )
    return find_receipt(tx, ReportId(known.id))


def _keep(tx: Transaction, body: ReportBody, digest: Digest, identity: bytes, organisation: UUID) -> Receipt:
    now = tx.now
    report = ReportId(new_id(now))
    unsigned = Receipt(
        id=report, reference=body.reference, received_at=now, digest=digest, key_id=tx.keys.key_id, signature=b""
    )
    receipt = sign_receipt(unsigned, tx.keys)
    summary = {
        "title": body.title,
        "component": name_of(body.component),
        "reference": body.reference,
        "credit": body.credit,
    }
    tx.relate(report, organisation, Relation.OWN)
    row = {
        "id": report,
        "organisation": organisation,
        "person": tx.viewer.person,
        "identity": identity,
        "content": tx.keys.blind("report.content", digest),
        "found_with": found_with(body.found_by.model, tx.keys) if body.found_by.model else None,
        "received_at": now,
        "receipt": tx.seal(report, RECEIPT, canonical_json(receipt_as_json(receipt))),
        "summary": tx.seal(report, SUMMARY, canonical_json(summary)),
        "body": tx.seal(report, BODY, body.content),
    }
    tx.connection.execute(insert(reports).values(row))
    signed = canonical_json(receipt_as_json(receipt))
    append(tx, READS, new_leaf(tx.keys, READS, kind=ACKNOWLEDGED, at=now, fields={"receipt": signed}, of=report))
    return receipt
