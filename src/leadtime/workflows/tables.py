"""The jobs that were set aside (the waiting ones lie in the job library's own tables), and who read what."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from leadtime.foundation.database.schema import EVERYTHING, SYSTEM_ONLY, id_column, instant, table

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

failed_tries = table(
    "failed_tries",
    Column("job", BigInteger, primary_key=True, autoincrement=False),
    Column("cause", Text, primary_key=True),
    Column("times", Integer, nullable=False),
    visible=SYSTEM_ONLY,
)
"""How often each cause (`rules.Cause`) has ended a try of a job that is not at its end."""

reads = table(
    "reads",
    id_column("leaf"),
    instant("at"),
    Column("role", Text, nullable=False),
    Column("organisation", Uuid, nullable=True),
    Column("person", Uuid, nullable=True),
    Column("purpose", Text, nullable=False),
    Column("entities", ARRAY(Uuid), nullable=False),
    visible=f"{SYSTEM_ONLY} or ((select leadtime_role()) = 'auditor' and (select leadtime_organisation()) is not null)",
    written=SYSTEM_ONLY,
    appended="(select leadtime_role()) <> ''",
)
"""Who opened the sealed content of which entities; whoever reads appends, only auditors look. Never changed."""
