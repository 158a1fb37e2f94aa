"""Tables of *parties*: in clear but for the secrets, of which only hashes are kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Text, Uuid, text

from leadtime.foundation.database.schema import SYSTEM_ONLY, id_column, instant, own, related, sealed, table


def _person() -> Column[object]:
    return Column("person", Uuid, ForeignKey("people.id"), nullable=False, index=True)


def _organisation() -> Column[object]:
    return Column("organisation", Uuid, nullable=False)


organisations = table(
    "organisations",
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("example", Boolean, nullable=False),
    Column("foreign_access", Boolean, nullable=False, server_default=text("false")),
    instant("enrolled_at"),
    visible=related("id"),
)

employers = table(
    "employers",
    id_column(),
    Column("organisation", Uuid, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    instant("enrolled_at"),
    instant("engaged_until"),
    visible=own(),
)
"""Vendors and contractors of an organisation."""

people = table(
    "people",
    id_column(),
    Column("organisation", Uuid, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("employer", Uuid, ForeignKey("employers.id"), nullable=True, index=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("foreign_access", Boolean, nullable=False, server_default=text("false")),
    instant("enrolled_at"),
    instant("active_until", nullable=True),
    instant("removed_at", nullable=True),
    visible=own(),
)

conflicts = table(
    "conflicts",
    id_column(),
    Column("organisation", Uuid, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("person", Uuid, ForeignKey("people.id"), nullable=True, index=True),
    Column("developer", Uuid, ForeignKey("organisations.id"), nullable=False),
    Column("reason", Text, nullable=False),
    instant("stated_at"),
    instant("ended_at", nullable=True),
    visible=own(),
)
"""Conflicts of interest of a person, or of a whole organisation where ``person`` is NULL."""

tokens = table(
    "tokens",
    id_column(),
    _person(),
    _organisation(),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    instant("issued_at"),
    instant("expires_at"),
    instant("last_used_at", nullable=True),
    instant("ended_at", nullable=True),
    visible=own(),
)
"""API tokens; ``hash`` is `keys.token_hash` of the secret."""

sessions = table(
    "sessions",
    id_column(),
    _person(),
    _organisation(),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("way", Text, nullable=False),
    Column("token", Uuid, ForeignKey("tokens.id"), nullable=True, index=True),
    Column("scope", Text, nullable=False),
    Column("browser", Text, nullable=False),
    instant("begun_at"),
    instant("last_seen_at"),
    instant("expires_at"),
    instant("ended_at", nullable=True),
    visible=own(),
)
"""Sessions of browsers; ``token`` is the API token that opened it, with which it ends."""

sign_in_links = table(
    "sign_in_links",
    id_column(),
    _person(),
    _organisation(),
    Column("hash", LargeBinary, nullable=False, unique=True),
    instant("issued_at"),
    instant("expires_at"),
    instant("redeemed_at", nullable=True),
    visible=own(),
)

passkeys = table(
    "passkeys",
    id_column(),
    _person(),
    _organisation(),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", Text, nullable=False),
    Column("aaguid", Text, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    instant("created_at"),
    instant("last_used_at", nullable=True),
    instant("removed_at", nullable=True),
    visible=own(),
)
"""WebAuthn credentials; ``public_key`` is COSE, ``transports`` words with spaces between. A removed one stays, so that
its id is not registered again."""

identities = table(
    "identities",
    id_column(),
    _person(),
    _organisation(),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    instant("connected_at"),
    instant("last_used_at", nullable=True),
    instant("removed_at", nullable=True),
    visible=own(),
)
Index(
    "ix_identities_held",
    identities.c.issuer,
    identities.c.subject,
    unique=True,
    postgresql_where=identities.c.removed_at.is_(None),
)

challenges = table(
    "challenges",
    Column("hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("holder", LargeBinary, nullable=False),
    Column("person", Uuid, ForeignKey("people.id"), nullable=True),
    instant("issued_at"),
    Column("expires_at", sessions.c.expires_at.type, nullable=False, index=True),
    instant("used_at", nullable=True),
    visible=SYSTEM_ONLY,
)
"""Challenges that wait for their answer: ``hash`` is SHA-256 of the challenge, ``holder`` of the browser's cookie."""

person_events = table(
    "person_events",
    id_column(),
    _person(),
    _organisation(),
    instant("at"),
    Column("happened", Text, nullable=False),
    Column("about", Text, nullable=False),
    visible=own(),
)

paired_acts = table(
    "paired_acts",
    id_column(),
    _organisation(),
    Column("kind", Text, nullable=False),
    Column("about", Uuid, nullable=True),
    sealed("reason"),
    Column("state", Text, nullable=False),
    Column("asked_by", Uuid, ForeignKey("people.id"), nullable=False),
    instant("asked_at"),
    Column("confirmed_by", Uuid, ForeignKey("people.id"), nullable=True),
    instant("confirmed_at", nullable=True),
    instant("moved_at"),
    instant("expires_at"),
    visible=own(),
)
"""Acts that need two people; ``organisation`` is that of who asked."""
