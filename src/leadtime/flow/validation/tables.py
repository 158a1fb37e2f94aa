"""Table of *validation*: state, attempt and verdict in clear; what was seen, sealed under the report's key."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, Text, Uuid

from leadtime.foundation.database.schema import id_column, instant, related, sealed, table

RESULT = "validations.result"
"""Name that the sealed column is bound to."""

validations = table(
    "validations",
    id_column(),
    Column("report", Uuid, nullable=False, unique=True),
    Column("organisation", Uuid, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("verdict", Text, nullable=True),
    Column("signature", LargeBinary, nullable=True, index=True),
    sealed("result", nullable=True),
    instant("queued_at"),
    instant("begun_at", nullable=True),
    instant("decided_at", nullable=True),
    visible=related("report"),
)
"""One a report. ``attempt`` is raised by each taking; ``signature`` is a blind index; ``result`` is canonical JSON."""
