"""How tables are declared: shared metadata, the relation rows that decide who sees what, and policies as data.

Every table says who sees its rows in ``visible``, an SQL condition that becomes its forced row-level security policy.
With no viewer set no condition is true, so a forgotten viewer reads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.sql.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

EVERYTHING = "(select leadtime_role()) in ('coordinator', 'system')"
"""Sees every row: coordinators and Leadtime's own workers. As a sub-select it is asked once a query, not once a row."""

SYSTEM_ONLY = "(select leadtime_role()) = 'system'"

PUBLIC = "true"
"""Rows that anybody may read (published records); still written only through the verbs."""


UNCLAIMED = "relation = 'own' and organisation = (select leadtime_organisation()) and not leadtime_claimed(entity)"
"""A relation row that an organisation may add by itself: to what no other one has to do with."""


def related(entity: str = "id") -> str:
    """Return the condition "coordinator, system, or an organisation that has a relation row to column ``entity``"."""
    return f"{EVERYTHING} or leadtime_related({entity})"


def own(organisation: str = "organisation") -> str:
    """Return the condition "coordinator, system, or the organisation named in that column"."""
    return f"{EVERYTHING} or {organisation} = (select leadtime_organisation())"


@dataclass(frozen=True, slots=True)
class Lent:
    """What members of `roles.RUNNER` may do with a table's rows where ``condition`` is true: columns read, written.

    Whoever is lent something says of itself what it likes (`leadtime.role`), so the condition asks for `current_user`.
    """

    condition: str
    read: tuple[str, ...]
    written: tuple[str, ...]


def table(
    name: str, *items: SchemaItem, visible: str, written: str = "", appended: str = "", lent: Lent | None = None
) -> Table:
    """Declare a table whose rows are seen and written only where the SQL condition ``visible`` is true.

    ``written``: the narrower condition under which a row is also written, or locked; empty: the same.
    ``appended``: the wider condition under which a row may be inserted unseen (without ``returning``); empty: the same.
    ``lent``: what runners on other hosts have of it; everybody else's conditions then hold for `roles.APP` alone.
    """
    conditions = {"visible": visible, "written": written, "appended": appended, "lent": lent}
    return Table(name, metadata, *items, info=conditions)


def id_column(name: str = "id") -> Column[UUID]:
    """Return a primary-key column of a UUID."""
    return Column(name, Uuid, primary_key=True)


def instant(name: str, *, nullable: bool = False) -> Column[datetime]:
    """Return a column of an aware instant."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def sealed(name: str, *, nullable: bool = False) -> Column[bytes]:
    """Return a column of content that `Transaction.seal` closed."""
    return Column(name, LargeBinary, nullable=nullable)


relations = table(
    "relations",
    Column("entity", Uuid, primary_key=True),
    Column("organisation", Uuid, primary_key=True),
    Column("relation", Text, nullable=False),
    visible=own(),
    written=EVERYTHING,
    appended=UNCLAIMED,
)
"""Which organisation stands in which relation (`access.Relation`) to which entity.

An organisation may only say that something new is its own; everything else a coordinator or Leadtime itself says."""

data_keys = table(
    "data_keys",
    Column("entity", Uuid, primary_key=True),
    Column("wrapped_by", Uuid, nullable=True),
    Column("wrapped", LargeBinary, nullable=False),
    visible=related("entity"),
)
"""One wrapped data key per entity; ``wrapped_by`` is the entity whose key wraps it, NULL: the installation's."""
