"""Tables of *gateway*: what is used of each budget, every call without its content, what is odd, and sealed records."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from leadtime.foundation.database.schema import SYSTEM_ONLY, id_column, instant, sealed, table

EITHER_SIDE = (
    f"{SYSTEM_ONLY} or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation())"
)
"""The model's developer sees every row of its models, a holder's organisation its own, nobody else any."""

DEVELOPERS = f"{SYSTEM_ONLY} or developer = (select leadtime_organisation())"

accounts = table(
    "gateway_accounts",
    id_column("account"),
    Column("requests", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("micro_usd", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    visible=SYSTEM_ONLY,
)
"""What is used or reserved of one budget (a grant's or an agreement's) by every process together.

Each commit that draws on it makes a new ``version``, so that a writer knows whether another was there."""

processes = table("gateway_processes", id_column("process"), instant("seen_at"), visible=SYSTEM_ONLY)
"""Gateway processes that live; ``seen_at`` is by the database's own clock."""

leases = table(
    "gateway_leases",
    Column("account", Uuid, primary_key=True),
    Column("process", Uuid, primary_key=True),
    Column("live", Integer, nullable=False),
    visible=SYSTEM_ONLY,
)
"""Calls that a process has open on an account; they count as long as the process lives."""

calls = table(
    "gateway_calls",
    id_column(),
    Column("process", Uuid, nullable=False),
    Column("model", Uuid, nullable=False),
    Column("developer", Uuid, nullable=False),
    Column("organisation", Uuid, nullable=False),
    Column("person", Uuid, nullable=False),
    Column("access_grant", Uuid, nullable=False),
    Column("agreement", Uuid, nullable=False),
    Column("variant", Text, nullable=False),
    Column("address", Text, nullable=False),
    instant("at"),
    Column("request_bytes", BigInteger, nullable=False),
    Column("reserved_tokens", BigInteger, nullable=False),
    Column("reserved_micro_usd", BigInteger, nullable=False),
    Column("ended", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer_bytes", BigInteger, nullable=False),
    Column("charged_tokens", BigInteger, nullable=False),
    Column("charged_micro_usd", BigInteger, nullable=False),
    instant("settled_at", nullable=True),
    Index(None, "model", "at"),
    visible=EITHER_SIDE,
)
"""One row a call that was let through, without its content; the id is its leaf's."""

Index("ix_gateway_calls_open", calls.c.process, postgresql_where=calls.c.settled_at.is_(None))

proofs = table(
    "gateway_proofs", Column("id", LargeBinary, primary_key=True), instant("expires_at"), visible=SYSTEM_ONLY
)
"""DPoP proofs that were used, until they would be refused for their age anyway."""

fingerprints = table(
    "gateway_fingerprints",
    Column("model", Uuid, primary_key=True),
    Column("variant", Text, primary_key=True),
    Column("developer", Uuid, nullable=False),
    Column("upstream_model", Text, nullable=False),
    Column("system", Text, nullable=False),
    instant("first_seen_at"),
    visible=DEVELOPERS,
)
"""What an upstream called itself when it first answered for a variant."""

alarms = table(
    "gateway_alarms",
    id_column(),
    Column("model", Uuid, nullable=False, index=True),
    Column("developer", Uuid, nullable=False),
    Column("variant", Text, nullable=False),
    Column("call", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    instant("at"),
    visible=DEVELOPERS,
)

recipients = table(
    "gateway_recipients",
    id_column("organisation"),
    Column("age_key", Text, nullable=False),
    instant("stated_at"),
    visible=f"{SYSTEM_ONLY} or organisation = (select leadtime_organisation())",
)
"""The public key (age) that an organisation wants its side of sealed records closed to."""

sealed_records = table(
    "gateway_sealed_records",
    id_column("call"),
    Column("model", Uuid, nullable=False, index=True),
    Column("developer", Uuid, nullable=False),
    Column("organisation", Uuid, nullable=False),
    instant("at"),
    sealed("content"),
    Column("words", ARRAY(BigInteger), nullable=True),
    visible=EITHER_SIDE,
)
"""Content that only the two sides open; ``words`` is its keyed word index, removed when its search time is over."""

Index("ix_gateway_sealed_records_words", sealed_records.c.words, postgresql_using="gin")
