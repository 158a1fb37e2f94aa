"""Tables of *advisory*: drafts are sealed and seen by their case's people, published revisions are everybody's."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Text, Uuid

from leadtime.foundation.database.schema import EVERYTHING, PUBLIC, id_column, instant, related, sealed, table

SEALED = "advisory"
"""What a draft is sealed as, under its case's key."""

advisories = table(
    "advisories",
    id_column(),
    Column("case_id", Uuid, nullable=False, unique=True),
    Column("number", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("person", Uuid, nullable=True),
    instant("drafted_at"),
    instant("changed_at"),
    sealed("facts"),
    visible=related("case_id"),
)
"""One row a case, seen by its people; ``facts`` (`DraftFacts` and the publisher) is sealed under the case's own key.

``person`` made the last public move.
"""

published_advisories = table(
    "published_advisories",
    Column("advisory", Uuid, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False, index=True),
    instant("published_at"),
    instant("modified_at"),
    instant("withdrawn_at", nullable=True),
    Column("document", Text, nullable=False),
    visible=PUBLIC,
    written=EVERYTHING,
)
"""Every published revision, in clear: they are public. The newest one of an advisory is what it says now."""
