"""Tables of *coordination*: states, times and who takes part in clear; titles, versions and notes sealed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Integer, LargeBinary, Text, UniqueConstraint, Uuid

from leadtime.foundation.database.schema import id_column, instant, own, related, sealed, table

cases = table(
    "cases",
    id_column(),
    Column("number", Text, nullable=False, unique=True),
    Column("vulnerability", Uuid, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("tlp", Integer, nullable=False),
    instant("opened_at"),
    instant("embargo_ends_at", nullable=True),
    Column("embargo_zone", Text, nullable=True),
    Column("reach", Integer, nullable=True),
    sealed("title"),
    visible=related(),
)

case_reports = table(
    "case_reports",
    Column("case_id", Uuid, ForeignKey("cases.id"), primary_key=True),
    Column("report", Uuid, primary_key=True),
    instant("joined_at"),
    visible=related("case_id"),
)

case_participants = table(
    "case_participants",
    Column("case_id", Uuid, ForeignKey("cases.id"), primary_key=True),
    Column("organisation", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    instant("added_at"),
    visible=related("case_id"),
)
"""``name`` is a copy, since participants may not read each other's rows in *parties*."""

deliveries = table(
    "deliveries",
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("organisation", Uuid, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    instant("sent_at"),
    instant("link_expires_at"),
    instant("acknowledged_at", nullable=True),
    instant("fix_named_at", nullable=True),
    sealed("fixed", nullable=True),
    Column("continued_as", Uuid, nullable=True),
    UniqueConstraint("case_id", "organisation"),
    visible=related("case_id"),
)
"""``hash`` is `keys.token_hash` of the link's secret; ``fixed`` is JSON of version and source.

``continued_as`` is the delivery of the case that took this one's in, which the link opens from then on.
"""

case_events = table(
    "case_events",
    id_column(),
    Column("turn", BigInteger, Identity(always=True), nullable=False),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False, index=True),
    instant("at"),
    Column("organisation", Uuid, nullable=True),
    Column("person", Uuid, nullable=True),
    Column("kind", Text, nullable=False),
    sealed("note"),
    visible=related("case_id"),
)
"""A case's history, in the order of ``turn``."""

patches = table(
    "patches",
    id_column(),
    Column("turn", BigInteger, Identity(always=True), nullable=False),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("mark", LargeBinary, nullable=False),
    Column("organisation", Uuid, nullable=False),
    Column("person", Uuid, nullable=True),
    instant("handed_in_at"),
    sealed("facts"),
    sealed("content"),
    UniqueConstraint("case_id", "mark"),
    visible=related("case_id"),
)
"""Diffs that somebody proposes for a case, in the order of ``turn``; ``mark`` is a blind index of a diff's digest.

``facts`` is JSON of digest and size. No person: whoever held a delivery's link."""

paces = table(
    "paces",
    id_column("organisation"),
    Column("open_deliveries_max", Integer, nullable=False),
    instant("stated_at"),
    visible=own(),
)

TITLE = "case.title"


def fixed_column(delivery: object) -> str:
    """Return what a delivery's sealed answer is bound to besides its case."""
    return f"delivery.fixed:{delivery}"


def patch_column(patch: object, column: str) -> str:
    """Return what a sealed column of a patch is bound to besides its case."""
    return f"patch.{column}:{patch}"


def note_column(event: object) -> str:
    """Return what an event's sealed note is bound to besides its case."""
    return f"case_event.note:{event}"
