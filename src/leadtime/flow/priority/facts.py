"""Ask the loaded sources what they say of one flaw."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from leadtime.flow.priority.load import read_loaded
from leadtime.flow.priority.records import Answer, CveFacts, Exploitation, Impact, KevEntry, SourceKind, SsvcEntry
from leadtime.flow.priority.tables import kev_entries, ssvc_entries
from leadtime.foundation.database import Transaction


def facts_for(tx: Transaction, cve: str | None) -> CveFacts:
    """Return what is known of a CVE, each source with its age; without a CVE nothing can be listed anywhere."""
    return CveFacts(
        cve=cve,
        kev_source=read_loaded(tx, SourceKind.KEV),
        kev=(cve and _read_kev(tx, cve)) or None,
        ssvc_source=read_loaded(tx, SourceKind.VULNRICHMENT),
        ssvc=(cve and _read_ssvc(tx, cve)) or None,
    )


def read_exploited(tx: Transaction, among: Collection[str] | None = None) -> frozenset[str]:
    """Return the CVEs that KEV, as it is loaded, lists: all, or those ``among`` these."""
    if among is not None and not among:
        return frozenset()
    listed = select(kev_entries.c.cve)
    return frozenset(tx.connection.scalars(listed if among is None else listed.where(kev_entries.c.cve.in_(among))))


def _read_kev(tx: Transaction, cve: str) -> KevEntry | None:
    row = tx.connection.execute(select(kev_entries).where(kev_entries.c.cve == cve)).one_or_none()
    if row is None:
        return None
    return KevEntry(row.cve, row.added, row.due, row.forensic, row.ransomware, row.required_action)


def _read_ssvc(tx: Transaction, cve: str) -> SsvcEntry | None:
    row = tx.connection.execute(select(ssvc_entries).where(ssvc_entries.c.cve == cve)).one_or_none()
    if row is None:
        return None
    return SsvcEntry(
        cve=row.cve,
        exploitation=Exploitation(row.exploitation) if row.exploitation else None,
        automatable=Answer(row.automatable),
        impact=Impact(row.impact) if row.impact else None,
        as_of=row.as_of,
    )
