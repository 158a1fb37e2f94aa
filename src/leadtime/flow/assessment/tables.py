"""Table of *assessment*: the developer and whoever noted a row see it; nobody else learns of it."""

from __future__ import annotations

from sqlalchemy import Column, Date, Text, Uuid

from leadtime.foundation.database.schema import SYSTEM_ONLY, id_column, instant, table

MINE = "(select leadtime_organisation())"

designations = table(
    "designations",
    id_column(),
    Column("model", Uuid, nullable=False, index=True),
    Column("developer", Uuid, nullable=False),
    Column("noted_by", Uuid, nullable=False),
    Column("authority", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_on", Date, nullable=False),
    Column("request_facts", Text, nullable=False),
    Column("decided_on", Date, nullable=True),
    Column("outcome_facts", Text, nullable=False),
    instant("noted_at"),
    visible=f"{SYSTEM_ONLY} or developer = {MINE} or noted_by = {MINE}",
)
