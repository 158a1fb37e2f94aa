"""Tables of *window*. A developer sees all of its own models; each organisation in a window sees its own rows only.

No coordinator sees any: half A is between a developer and whom it offers to. What only the developer may write, the
milestones above all, nobody else's transaction can write: the policies say so besides the access rule.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Index, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.schema import UniqueConstraint

from leadtime.foundation.database.schema import SYSTEM_ONLY, id_column, instant, sealed, table

MINE = "(select leadtime_organisation())"
DEVELOPERS = f"{SYSTEM_ONLY} or developer = {MINE}"
"""The developer alone."""

HOLDERS = f"{DEVELOPERS} or organisation = {MINE}"
"""The developer and the one organisation that the row is about."""


def limits() -> tuple[Column[int], ...]:
    """Return the four columns of `records.Limits`."""
    return tuple(
        Column(f"limit_{name}", BigInteger, nullable=True)
        for name in ("requests", "tokens", "concurrency", "micro_usd")
    )


def texts(name: str) -> Column[list[str]]:
    """Return a column of a list of texts."""
    return Column(name, ARRAY(Text), nullable=False)


models = table(
    "models",
    id_column(),
    Column("developer", Uuid, nullable=False),
    Column("developer_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("modality", Text, nullable=False),
    Column("access", Text, nullable=False),
    Column("wire_format", Text, nullable=False),
    Column("state", Text, nullable=False),
    instant("enrolled_at"),
    instant("partner_release_at", nullable=True),
    instant("public_release_at", nullable=True),
    instant("first_offered_at", nullable=True),
    UniqueConstraint("developer", "name"),
    visible=f"{DEVELOPERS} or leadtime_related(id)",
    written=DEVELOPERS,
)
"""``first_offered_at``: when the first government window was opened; all of them fit into 30 days from then."""

model_variants = table(
    "model_variants",
    Column("model", Uuid, ForeignKey("models.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("developer", Uuid, nullable=False),
    Column("place", Integer, nullable=False),
    Column("upstream_model", Text, nullable=False),
    Column("declared_digest", Text, nullable=True),
    Column("input_price", BigInteger, nullable=False),
    Column("output_price", BigInteger, nullable=False),
    visible=f"{DEVELOPERS} or leadtime_related(model)",
    written=DEVELOPERS,
)

model_upstreams = table(
    "model_upstreams",
    id_column("model"),
    Column("developer", Uuid, nullable=False),
    sealed("address"),
    sealed("credential"),
    visible=DEVELOPERS,
)

agreements = table(
    "agreements",
    id_column(),
    Column("version", Integer, primary_key=True),
    Column("model", Uuid, ForeignKey("models.id"), nullable=False),
    Column("developer", Uuid, nullable=False),
    Column("organisation", Uuid, nullable=False),
    Column("organisation_name", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    texts("purposes"),
    texts("barred"),
    texts("variants"),
    texts("developer_may"),
    Column("agency_may_propose", Boolean, nullable=False),
    Column("record_mode", Text, nullable=False),
    Column("retention_days", Integer, nullable=False),
    Column("bars_foreign_access", Boolean, nullable=False),
    Column("foia_exemption_4", Boolean, nullable=False),
    Column("export_note", Text, nullable=False),
    texts("networks"),
    *limits(),
    instant("agreed_at"),
    visible=HOLDERS,
    written=DEVELOPERS,
)

windows = table(
    "windows",
    id_column(),
    Column("model", Uuid, ForeignKey("models.id"), nullable=False, index=True),
    Column("developer", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    instant("opened_at"),
    instant("ends_at"),
    instant("ended_at", nullable=True),
    visible=f"{DEVELOPERS} or leadtime_related(id)",
    written=DEVELOPERS,
)

window_entries = table(
    "window_entries",
    id_column(),
    Column("model", Uuid, ForeignKey("models.id"), nullable=False, index=True),
    Column("window_id", Uuid, ForeignKey("windows.id"), nullable=True, index=True),
    Column("developer", Uuid, nullable=False),
    Column("organisation", Uuid, nullable=False),
    Column("organisation_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Uuid, nullable=False),
    instant("proposed_at"),
    Column("agreement", Uuid, nullable=True),
    visible=f"{DEVELOPERS} or proposed_by = {MINE} or (organisation = {MINE} and agreement is not null)",
    written=f"{DEVELOPERS} or (proposed_by = {MINE} and agreement is null and state in ('proposed', 'retracted'))",
)
"""What its proposer may write can only be proposed or retracted: to join takes the developer. A partner does not see
that it was proposed, and no organisation sees another's row."""

Index(
    "ix_window_entries_proposed",
    window_entries.c.model,
    window_entries.c.organisation,
    window_entries.c.proposed_by,
    unique=True,
    postgresql_where=window_entries.c.state == "proposed",
)
Index(
    "ix_window_entries_joined",
    window_entries.c.window_id,
    window_entries.c.organisation,
    unique=True,
    postgresql_where=window_entries.c.state == "joined",
)

grants = table(
    "grants",
    id_column(),
    Column("entry", Uuid, ForeignKey("window_entries.id"), nullable=False, index=True),
    Column("window_id", Uuid, ForeignKey("windows.id"), nullable=False, index=True),
    Column("model", Uuid, ForeignKey("models.id"), nullable=False),
    Column("developer", Uuid, nullable=False),
    Column("organisation", Uuid, nullable=False),
    Column("person", Uuid, nullable=False, index=True),
    Column("person_name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    texts("variants"),
    texts("networks"),
    *limits(),
    Column("key_thumbprint", Text, nullable=True),
    Column("hash", LargeBinary, nullable=True, unique=True),
    instant("granted_at"),
    instant("ends_at"),
    instant("ended_at", nullable=True),
    visible=HOLDERS,
)
"""``hash`` is `keys.token_hash` of the credential that the person drew; NULL: none yet, or the grant was ended."""

returns = table(
    "returns",
    id_column("grant_id"),
    Column("developer", Uuid, nullable=False),
    Column("organisation", Uuid, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_by", Uuid, nullable=False),
    instant("signed_at"),
    visible=HOLDERS,
)

window_events = table(
    "window_events",
    id_column(),
    Column("turn", BigInteger, Identity(always=True), nullable=False),
    Column("model", Uuid, ForeignKey("models.id"), nullable=False, index=True),
    Column("developer", Uuid, nullable=False),
    Column("concerns", Uuid, nullable=True),
    instant("at"),
    Column("organisation", Uuid, nullable=True),
    Column("person", Uuid, nullable=True),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False),
    visible=f"{DEVELOPERS} or concerns = {MINE}",
)
"""A model's history, in the order of ``turn``."""

refusal_minutes = table(
    "refusal_minutes",
    Column("model", Uuid, primary_key=True),
    Column("person", Uuid, primary_key=True),
    instant("began_at"),
    Column("leaves", Integer, nullable=False),
    Column("uncounted", Integer, nullable=False),
    visible=SYSTEM_ONLY,
)
"""How often a person was refused about a model in their last minute of refusals, and how often without a leaf."""

UPSTREAM_ADDRESS = "model_upstream.address"
UPSTREAM_CREDENTIAL = "model_upstream.credential"
