"""Open a vulnerability, and keep its sealed summary in step with the reports it holds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from leadtime.flow.merging.records import VulnerabilityId
from leadtime.flow.merging.stored import Summary, joined, read_summary, summary_json
from leadtime.flow.merging.tables import SUMMARY, vulnerabilities
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id


def open_vulnerability(tx: Transaction, summary: Summary) -> VulnerabilityId:
    """Begin a vulnerability with its summary sealed under a key of its own."""
    vulnerability = VulnerabilityId(new_id(tx.now))
    row = {
        "id": vulnerability,
        "component": tx.keys.blind("merging.component", summary.component),
        "absorbed_into": None,
        "opened_at": tx.now,
        "summary": tx.seal(vulnerability, SUMMARY, summary_json(summary)),
    }
    tx.connection.execute(insert(vulnerabilities).values(row))
    return vulnerability


def join_summaries(
    tx: Transaction, survivor: VulnerabilityId, absorbed: Sequence[VulnerabilityId], *latest: Summary
) -> None:
    """Add the releases of absorbed vulnerabilities and of the latest report, if there is one, to the survivor's."""
    rows = tx.connection.execute(
        select(vulnerabilities.c.id, vulnerabilities.c.summary)
        .where(vulnerabilities.c.id.in_([survivor, *absorbed]))
        .order_by(vulnerabilities.c.id)
    ).all()
    held = [read_summary(tx.unseal(row.id, SUMMARY, row.summary)) for row in rows]
    write_summary(tx, survivor, joined([*held, *latest]))


def write_summary(tx: Transaction, vulnerability: VulnerabilityId, summary: Summary) -> None:
    """Replace a vulnerability's summary."""
    tx.connection.execute(
        update(vulnerabilities)
        .where(vulnerabilities.c.id == vulnerability)
        .values(summary=tx.seal(vulnerability, SUMMARY, summary_json(summary)))
    )
