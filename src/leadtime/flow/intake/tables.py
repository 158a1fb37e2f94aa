"""Tables of *intake*: what a report says is sealed; equality by keyed index."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, UniqueConstraint, Uuid

from leadtime.foundation.database.schema import id_column, instant, related, sealed, table

reports = table(
    "reports",
    id_column(),
    Column("organisation", Uuid, nullable=False),
    Column("person", Uuid, nullable=True),
    Column("identity", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("found_with", LargeBinary, nullable=True, index=True),
    instant("received_at"),
    sealed("receipt"),
    sealed("summary"),
    sealed("body"),
    UniqueConstraint("organisation", "identity"),
    visible=related(),
)
"""``identity``: blind index of `rules.identity_of`; ``content``: blind index of the report's digest.

``found_with``: `rules.found_with` of the model that its finder says it was found with, if any.
"""

RECEIPT = "report.receipt"
SUMMARY = "report.summary"
BODY = "report.body"
"""What each sealed column is bound to besides its report."""
