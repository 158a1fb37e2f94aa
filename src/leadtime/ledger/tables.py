"""The ledger's tables. A leaf is a row before it is a leaf: whoever acts appends, only the system reads and numbers."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, Text, text

from leadtime.foundation.database.schema import SYSTEM_ONLY, id_column, instant, table

logs = table(
    "ledger_logs",
    Column("name", Text, primary_key=True),
    Column("origin", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    instant("opened_at"),
    Column("published_size", BigInteger, nullable=False),
    Column("published_root", LargeBinary, nullable=False),
    visible=SYSTEM_ONLY,
)
"""``published_*``: the last checkpoint that readers could see; compared with the disk after a restore."""

leaves = table(
    "ledger_leaves",
    id_column(),
    Column("log", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("index", BigInteger, nullable=True),
    CheckConstraint("octet_length(entry) between 1 and 65535", name="entry_bytes"),
    # No foreign key to the log: it would have every append lock one row that all of them share.
    Index("ix_ledger_leaves_waiting", "log", "id", postgresql_where=text('"index" is null')),
    Index("uq_ledger_leaves_log_index", "log", "index", unique=True, postgresql_where=text('"index" is not null')),
    visible=SYSTEM_ONLY,
    appended="(select leadtime_role()) <> '' and \"index\" is null",
)
"""``index`` is null until the sequencer gives it one, always to rows that it saw committed."""
