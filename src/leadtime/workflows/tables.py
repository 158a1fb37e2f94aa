"""The jobs that were set aside; the waiting ones lie in the job library's own tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Text, Uuid

from leadtime.foundation.database.schema import EVERYTHING, instant, table

set_aside = table(
    "set_aside",
    Column("job", BigInteger, primary_key=True, autoincrement=False),
    Column("step", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("entity", Uuid, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    instant("at"),
    visible=EVERYTHING,
)
"""Jobs that wait for a person; ``job`` is the job library's number, ``reason`` a sentence without content."""
