"""From the declared tables to SQL: the viewer's functions, tables, forced row-level security, grants."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import MetaData, Table
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from leadtime.foundation.database.roles import APP, RUNNER
from leadtime.foundation.database.schema import Lent

VIEWER = (
    """create function leadtime_role() returns text language sql stable parallel safe
    as $$ select current_setting('leadtime.role', true) $$""",
    # After a transaction that set it, an unset setting reads as the empty string, not as NULL.
    """create function leadtime_organisation() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('leadtime.organisation', true), '')::uuid $$""",
)
"""Who asks, as `Transaction` set it; no row is visible to nobody."""

RELATED = """create function leadtime_related(entity uuid) returns boolean language sql stable parallel safe
    as $$ select exists (select from public.relations r
    where r.entity = $1 and r.organisation = public.leadtime_organisation()) $$"""
"""Whether the viewer's organisation stands in any relation to an entity."""


CLAIMED = """create function leadtime_claimed(entity uuid) returns boolean language plpgsql volatile
    as $$ declare asking text := current_setting('leadtime.role', true); claimed boolean; begin
    perform set_config('leadtime.role', 'system', true);
    claimed := exists (select from public.relations r
        where r.entity = $1 and r.organisation <> public.leadtime_organisation());
    perform set_config('leadtime.role', asking, true);
    return claimed; end $$"""
"""Whether another organisation has to do with an entity; it looks at rows that the viewer does not see."""


EXPECT = """create function leadtime_expect(held boolean) returns void language plpgsql volatile
    as $$ begin if not held then
    raise exception 'something is not as the writer last saw it' using errcode = 'serialization_failure';
    end if; end $$"""
"""Undoes a statement that wrote on a wrong assumption; who hears of it reads anew and tries again."""


def schema_statements(metadata: MetaData) -> Iterator[str]:
    """Yield, in order, every statement that makes an empty database into ``metadata``'s, run as the owner."""
    # The named style leaves a percent sign in a condition as it is.
    dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects carry no types
    yield from VIEWER
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect)).strip()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect)).strip()
    yield RELATED
    yield CLAIMED
    yield EXPECT
    for table in metadata.sorted_tables:
        yield from policy_statements(table)
    yield f"grant usage on schema public to {APP}, {RUNNER}"
    yield f"grant usage on all sequences in schema public to {APP}"


def policy_statements(table: Table) -> Iterator[str]:
    """Yield what lets `APP` use ``table`` only where its ``visible`` condition is true; its owner is held to it too."""
    name = f'"{table.name}"'
    yield f"alter table {name} enable row level security"
    yield f"alter table {name} force row level security"
    condition, written = table.info["visible"], table.info["written"]
    lent: Lent | None = table.info["lent"]
    served = f"to {APP} " if lent else ""
    if written:
        yield f"create policy visible on {name} for select {served}using ({condition})"
        yield f"create policy written on {name} {served}using ({written}) with check ({written})"
    else:
        yield f"create policy visible on {name} {served}using ({condition}) with check ({condition})"
    if appended := table.info["appended"]:
        yield f"create policy appended on {name} for insert {served}with check ({appended})"
    yield f"grant select, insert, update, delete on {name} to {APP}"
    if lent:
        yield f"create policy lent on {name} to {RUNNER} using ({lent.condition}) with check ({lent.condition})"
        yield f"grant select ({', '.join(lent.read)}), update ({', '.join(lent.written)}) on {name} to {RUNNER}"
