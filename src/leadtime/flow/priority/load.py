"""Load a source of facts from a file, all of it or nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Table, delete, insert, select, update

from leadtime.flow.priority.records import KevEntry, Loaded, SourceKind, SsvcEntry
from leadtime.flow.priority.sources import read_source
from leadtime.flow.priority.tables import kev_entries, sources, ssvc_entries
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest, digest_of
from leadtime.foundation.errors import Malformed, Refused
from leadtime.foundation.ids import new_id

ENTRY_TABLES: dict[SourceKind, Table] = {SourceKind.KEV: kev_entries, SourceKind.VULNRICHMENT: ssvc_entries}

INSERT_ROWS = 5_000
"""Rows sent to the database at once."""


def load_source(tx: Transaction, *, kind: SourceKind, raw: bytes, as_of: datetime | None = None) -> Loaded:
    """Replace what a source says by the content of one file, and return what was loaded.

    ``as_of`` dates a file that carries no date. The same file again changes nothing; raises `Malformed` for a file that
    cannot be read and `Refused` for one older than what is loaded.
    """
    tx.require(Act.LOAD_SOURCE)
    tx.lock("source", kind.value)
    digest, before = digest_of(raw), read_loaded(tx, kind)
    if before is not None and before.digest == digest:
        return before
    content = read_source(kind, raw)
    dated = content.as_of or as_of
    if dated is None:
        raise Malformed("this file carries no date", where="$.dateReleased", next_step="Say how old it is.")
    if before is not None and dated < before.as_of:
        raise Refused(
            f"a source is never replaced by an older one: {dated.isoformat()} is before {before.as_of.isoformat()}",
            where=kind.value,
            next_step="Fetch the current file.",
        )
    loaded = Loaded(kind, digest, dated, len(content.entries), tx.now)
    _replace(tx, loaded, content.entries)
    return loaded


def read_loaded(tx: Transaction, kind: SourceKind) -> Loaded | None:
    """Return the current loading of a source, or None if it was never loaded."""
    row = tx.connection.execute(
        select(sources).where(sources.c.kind == kind.value, sources.c.current.is_(True))
    ).one_or_none()
    return None if row is None else _loaded(row)


def _loaded(row: Row[tuple[object, ...]]) -> Loaded:
    return Loaded(SourceKind(row.kind), Digest(row.digest), row.as_of, row.entries, row.at)


def _replace(tx: Transaction, loaded: Loaded, entries: tuple[KevEntry, ...] | tuple[SsvcEntry, ...]) -> None:
    source, target = new_id(tx.now), ENTRY_TABLES[loaded.kind]
    tx.connection.execute(delete(target))
    tx.connection.execute(update(sources).where(sources.c.kind == loaded.kind.value).values(current=False))
    tx.connection.execute(insert(sources).values(id=source, current=True, **asdict(loaded)))
    for start in range(0, len(entries), INSERT_ROWS):
        tx.connection.execute(insert(target), [_row(source, entry) for entry in entries[start : start + INSERT_ROWS]])


def _row(source: UUID, entry: KevEntry | SsvcEntry) -> dict[str, object]:
    return {"source": source, **asdict(entry)}
