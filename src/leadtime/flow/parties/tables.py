"""Tables of *parties*: in clear but for the secrets, of which only hashes are kept."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, LargeBinary, Text, Uuid

from leadtime.foundation.database.schema import id_column, instant, own, related, table

organisations = table(
    "organisations",
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("example", Boolean, nullable=False),
    instant("enrolled_at"),
    visible=related("id"),
)

people = table(
    "people",
    id_column(),
    Column("organisation", Uuid, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    instant("enrolled_at"),
    instant("active_until", nullable=True),
    instant("removed_at", nullable=True),
    visible=own(),
)

tokens = table(
    "tokens",
    id_column(),
    Column("person", Uuid, ForeignKey("people.id"), nullable=False, index=True),
    Column("organisation", Uuid, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    instant("issued_at"),
    instant("expires_at"),
    instant("ended_at", nullable=True),
    visible=own(),
)
"""API tokens and sessions; ``hash`` is `keys.token_hash` of the secret."""

sign_in_links = table(
    "sign_in_links",
    id_column(),
    Column("person", Uuid, ForeignKey("people.id"), nullable=False, index=True),
    Column("organisation", Uuid, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    instant("issued_at"),
    instant("expires_at"),
    instant("redeemed_at", nullable=True),
    visible=own(),
)
