"""Opening logs and appending leaves, in the caller's own transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, func, insert, select, text, update

from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict, Malformed, Missing
from leadtime.ledger.leaves import Leaf
from leadtime.ledger.notes import is_name
from leadtime.ledger.records import LeafId, Log, LogKind, LogName, OpenedLog, TreeHead
from leadtime.ledger.tables import leaves, logs
from leadtime.ledger.tree import EMPTY_ROOT

_APPEND = insert(leaves)
_APPEND_ALL = text(
    "insert into ledger_leaves (id, log, entry) select given.id, :log, given.entry "
    "from unnest(cast(:ids as uuid[]), cast(:entries as bytea[])) as given(id, entry)"
)


def append(tx: Transaction, log: LogName, leaf: Leaf) -> LeafId:
    """Append a leaf to a log that is open: one insert that waits for no other; it counts when ``tx`` commits."""
    tx.connection.execute(_APPEND, {"id": leaf.id, "log": log, "entry": leaf.entry})
    return leaf.id


def append_all(tx: Transaction, log: LogName, several: Sequence[Leaf]) -> None:
    """Append many leaves in one statement."""
    row = {"log": log, "ids": [leaf.id for leaf in several], "entries": [leaf.entry for leaf in several]}
    tx.connection.execute(_APPEND_ALL, row)


def open_log(tx: Transaction, log: Log) -> None:
    """Open a log; again with the same origin and kind it does nothing.

    Raises `Malformed` for an origin that may not name a key, `Conflict` if name or origin is another log's.
    """
    if not is_name(log.origin):
        raise Malformed("an origin has no spaces and no plus sign", where="origin", next_step="Use host/path.")
    row = {"name": log.name, "origin": log.origin, "kind": log.kind.value, "opened_at": tx.now}
    with tx.as_system() as system:
        system.connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("ledger_logs"))))
        taken = system.connection.execute(
            select(logs).where((logs.c.name == log.name) | (logs.c.origin == log.origin))
        ).all()
        if not taken:
            system.connection.execute(insert(logs).values(**row, published_size=0, published_root=EMPTY_ROOT))
    if any(_log_of(other) != log for other in taken):
        raise Conflict("another log has this name or origin", where=log.name, next_step="Choose another.")


def read_log(tx: Transaction, name: LogName) -> OpenedLog:
    """Return a log as the database knows it; raises `Missing` if none of that name was opened."""
    with tx.as_system() as system:
        row = system.connection.execute(select(logs).where(logs.c.name == name)).one_or_none()
    if row is None:
        raise Missing("no log of that name was opened", where=name)
    return _opened(row)


def list_logs(tx: Transaction) -> tuple[OpenedLog, ...]:
    """Return every open log by name; whose it is to know, the caller decides."""
    with tx.as_system() as system:
        return tuple(_opened(row) for row in system.connection.execute(select(logs).order_by(logs.c.name)))


def count_waiting(tx: Transaction) -> dict[LogName, int]:
    """Return how many committed leaves of each log have no index yet, those of logs never opened among them."""
    query = select(leaves.c.log, func.count()).where(leaves.c.index.is_(None)).group_by(leaves.c.log)
    with tx.as_system() as system:
        return {LogName(log): count for log, count in system.connection.execute(query)}


def note_published(tx: Transaction, name: LogName, head: TreeHead) -> None:
    """Record what readers can see from now on; a viewer other than the system changes nothing."""
    tx.connection.execute(
        update(logs).where(logs.c.name == name).values(published_size=head.size, published_root=head.root)
    )


def _opened(row: Row[tuple[object, ...]]) -> OpenedLog:
    return OpenedLog(_log_of(row), TreeHead(row.published_size, row.published_root), row.opened_at)


def _log_of(row: Row[tuple[object, ...]]) -> Log:
    return Log(LogName(row.name), row.origin, LogKind(row.kind))
