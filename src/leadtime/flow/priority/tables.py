"""Tables of *priority*: public facts of loaded sources, in clear; each loading replaces what its source said before."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Integer, Text, Uuid

from leadtime.foundation.database.schema import EVERYTHING, PUBLIC, id_column, instant, table

sources = table(
    "sources",
    id_column(),
    Column("kind", Text, nullable=False, index=True),
    Column("digest", Text, nullable=False),
    instant("as_of"),
    Column("entries", Integer, nullable=False),
    instant("at"),
    Column("current", Boolean, nullable=False),
    visible=PUBLIC,
    written=EVERYTHING,
)
"""Every loading ever made; the entries of the ``current`` one of a kind are there."""

kev_entries = table(
    "kev_entries",
    Column("cve", Text, primary_key=True),
    Column("source", Uuid, ForeignKey("sources.id"), nullable=False),
    Column("added", Date, nullable=False),
    Column("due", Date, nullable=True),
    Column("forensic", Boolean, nullable=True),
    Column("ransomware", Boolean, nullable=False),
    Column("required_action", Text, nullable=False),
    visible=PUBLIC,
    written=EVERYTHING,
)

ssvc_entries = table(
    "ssvc_entries",
    Column("cve", Text, primary_key=True),
    Column("source", Uuid, ForeignKey("sources.id"), nullable=False),
    Column("exploitation", Text, nullable=True),
    Column("automatable", Text, nullable=False),
    Column("impact", Text, nullable=True),
    instant("as_of"),
    visible=PUBLIC,
    written=EVERYTHING,
)
