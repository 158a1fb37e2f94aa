"""The SQL of one group commit: read what the calls need under locks, and write all of it in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.records import Alarm, Amount, Balance, Call, CallId, ProcessId, Proof, Settlement
from leadtime.ledger.leaves import Leaf
from leadtime.ledger.records import LogName

_AS_SYSTEM = "select set_config('leadtime.role', 'system', true), set_config('leadtime.organisation', '', true)"
_SEEN = """insert into gateway_processes (process, seen_at) values (%s, clock_timestamp())
    on conflict (process) do update set seen_at = excluded.seen_at"""
_MAKE_ACCOUNTS = """insert into gateway_accounts (account, requests, tokens, micro_usd)
    select account, 0, 0, 0 from unnest(%s::uuid[]) account on conflict do nothing"""
_LOCK_ACCOUNTS = """select account, requests, tokens, micro_usd from gateway_accounts
    where account = any(%s) order by account for update"""
_LIVE_ELSEWHERE = """select l.account, sum(l.live) from gateway_leases l join gateway_processes p using (process)
    where l.account = any(%s) and l.process <> %s and l.live > 0
    and p.seen_at > clock_timestamp() - make_interval(secs => %s) group by l.account"""
_TAKE_PROOFS = """insert into gateway_proofs (id, expires_at) select * from unnest(%s::bytea[], %s::timestamptz[])
    on conflict do nothing returning id"""
_OPEN_CALLS = "select id from gateway_calls where id = any(%s) and settled_at is null for update"
_KEEP_ACCOUNTS = """update gateway_accounts a set requests = n.requests, tokens = n.tokens, micro_usd = n.micro_usd
    from unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[]) n (account, requests, tokens, micro_usd)
    where a.account = n.account"""
_KEEP_LEASES = """insert into gateway_leases (account, process, live)
    select n.account, %s, n.live from unnest(%s::uuid[], %s::int[]) n (account, live)
    on conflict (account, process) do update set live = excluded.live"""
_INSERT_CALLS = """insert into gateway_calls (process, ended, status, answer_bytes, charged_tokens, charged_micro_usd,
    id, model, developer, organisation, person, access_grant, agreement, variant, address, at, request_bytes,
    reserved_tokens, reserved_micro_usd)
    select %s, 'open', 0, 0, 0, 0, n.* from unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[],
    %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[]) n"""
_SETTLE_CALLS = """update gateway_calls c set ended = n.ended, status = n.status, answer_bytes = n.answer_bytes,
    charged_tokens = n.tokens, charged_micro_usd = n.micro_usd, settled_at = n.at
    from unnest(%s::uuid[], %s::text[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
    n (id, ended, status, answer_bytes, tokens, micro_usd, at) where c.id = n.id"""
_INSERT_ALARMS = """insert into gateway_alarms (id, model, developer, variant, call, kind, what, at)
    select * from unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::text[],
    %s::timestamptz[])"""
_APPEND_LEAVES = """insert into ledger_leaves (id, log, entry)
    select * from unnest(%s::uuid[], %s::text[], %s::bytea[])"""
"""What `ledger.append` does, for many leaves in one statement on this connection."""

_END_PROCESS = "delete from gateway_processes where process = %s"
_END_LEASES = "delete from gateway_leases where process = %s"

Row = tuple[Any, ...]
Connection = AsyncConnection[Row]


@dataclass(frozen=True, slots=True)
class Asking:
    """What one transaction needs to know: of which accounts (some new, some with bounded places), proofs and calls."""

    accounts: Sequence[UUID]
    new_accounts: Sequence[UUID]
    crowded: Sequence[UUID]
    proofs: Sequence[Proof]
    ending: Sequence[CallId]
    says_it_lives: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What the locks showed: balances with what lives elsewhere, proofs not used before, calls still open."""

    balances: Mapping[UUID, Balance]
    new_proofs: frozenset[bytes]
    open_calls: frozenset[CallId]


@dataclass(frozen=True, slots=True)
class Writing:
    """Everything that one commit makes durable."""

    balances: Mapping[UUID, Balance]
    live_here: Mapping[UUID, int]
    let_through: Sequence[Call]
    settled: Sequence[Settlement]
    alarms: Sequence[tuple[UUID, Settlement, Alarm]]
    leaves: Sequence[tuple[LogName, Leaf]]


async def read_locked(connection: Connection, process: ProcessId, asked: Asking) -> Reading:
    """Begin a transaction and return what it needs, with the accounts and open calls locked in one order."""
    accounts, presented = asked.accounts, asked.proofs
    async with connection.pipeline():
        await connection.execute("begin")
        await connection.execute(_AS_SYSTEM)
        if asked.says_it_lives:
            await connection.execute(_SEEN, [process])
        if asked.new_accounts:
            await connection.execute(_MAKE_ACCOUNTS, [asked.new_accounts])
        locked = await connection.execute(_LOCK_ACCOUNTS, [accounts]) if accounts else None
        crowded = [asked.crowded, process, limits.PROCESS_SECONDS_MAX]
        elsewhere = await connection.execute(_LIVE_ELSEWHERE, crowded) if asked.crowded else None
        opened = await connection.execute(_OPEN_CALLS, [asked.ending]) if asked.ending else None
        taken = await _take_proofs(connection, [p.id for p in presented], [p.expires_at for p in presented])
        used = {account: Amount(*amounts) for account, *amounts in await _all(locked)}
        live = {account: int(number) for account, number in await _all(elsewhere)}
        proven = {bytes(row[0]) for row in await _all(taken)}
        still = {row[0] for row in await _all(opened)}
    balances = {account: Balance(amount + Amount(live=live.get(account, 0))) for account, amount in used.items()}
    return Reading(balances, frozenset(proven), frozenset(still))


async def _all(cursor: AsyncCursor[Row] | None) -> list[Row]:
    return [] if cursor is None else await cursor.fetchall()


async def _take_proofs(connection: Connection, ids: list[bytes], ends: list[datetime]) -> AsyncCursor[Row] | None:
    return await connection.execute(_TAKE_PROOFS, [ids, ends]) if ids else None


async def write_and_commit(connection: Connection, process: ProcessId, writing: Writing) -> None:
    """Write everything and commit; when this returns, all of it survives a power cut."""
    async with connection.pipeline():
        if writing.balances:
            await connection.execute(_KEEP_ACCOUNTS, _account_columns(writing.balances))
        live = writing.live_here
        if live:
            await connection.execute(_KEEP_LEASES, [process, [*live.keys()], [*live.values()]])
        if writing.let_through:
            await connection.execute(_INSERT_CALLS, [process, *_call_columns(writing.let_through)])
        if writing.settled:
            await connection.execute(_SETTLE_CALLS, _settled_columns(writing.settled))
        if writing.alarms:
            await connection.execute(_INSERT_ALARMS, _alarm_columns(writing.alarms))
        if writing.leaves:
            await connection.execute(_APPEND_LEAVES, _leaf_columns(writing.leaves))
        await connection.execute("commit")


async def end_process(connection: Connection, process: ProcessId) -> None:
    """Give back a process's places among the concurrent calls, at its clean end."""
    async with connection.pipeline():
        await connection.execute("begin")
        await connection.execute(_AS_SYSTEM)
        await connection.execute(_END_LEASES, [process])
        await connection.execute(_END_PROCESS, [process])
        await connection.execute("commit")


def _account_columns(balances: Mapping[UUID, Balance]) -> list[object]:
    used = [balance.used for balance in balances.values()]
    return [
        [*balances.keys()],
        [amount.requests for amount in used],
        [amount.tokens for amount in used],
        [amount.micro_usd for amount in used],
    ]


def _call_columns(calls: Sequence[Call]) -> list[object]:
    rows = [
        (
            call.id,
            call.standing.model,
            call.standing.developer,
            call.standing.organisation,
            call.standing.person,
            call.standing.grant,
            call.standing.agreement,
            call.variant.name,
            call.asked.address.value,
            call.at,
            call.request_bytes,
            call.reservation.amount.tokens,
            call.reservation.amount.micro_usd,
        )
        for call in calls
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _settled_columns(settled: Sequence[Settlement]) -> list[object]:
    rows = [
        (
            settlement.call.id,
            settlement.answered.ended.value,
            settlement.answered.status,
            settlement.answered.answer_bytes,
            settlement.charge.amount.tokens,
            settlement.charge.amount.micro_usd,
            settlement.at,
        )
        for settlement in settled
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _alarm_columns(alarms: Sequence[tuple[UUID, Settlement, Alarm]]) -> list[object]:
    rows = [
        (
            number,
            settlement.call.standing.model,
            settlement.call.standing.developer,
            settlement.call.variant.name,
            settlement.call.id,
            alarm.kind.value,
            alarm.what,
            settlement.at,
        )
        for number, settlement, alarm in alarms
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _leaf_columns(leaves: Sequence[tuple[LogName, Leaf]]) -> list[object]:
    return [[leaf.id for _, leaf in leaves], [log for log, _ in leaves], [leaf.entry for _, leaf in leaves]]
