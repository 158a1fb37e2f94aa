"""The SQL of one group commit: one statement writes all of it, if everything still is as the writer last saw it.

A writer that is alone on its accounts knows how they stand from its own last commit, and pays one round trip. Whenever
something is not as it was expected to be, nothing is written, and the writer reads it anew under locks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import TransactionStatus

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.records import Alarm, Amount, Balance, Call, CallId, Ended, ProcessId, Settlement
from leadtime.flow.window import STILL_OPEN, GrantId
from leadtime.ledger.leaves import Leaf
from leadtime.ledger.records import LogName

_BEGIN_SESSION = """select set_config('leadtime.role', 'system', false), set_config('leadtime.organisation', '', false),
    set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false),
    set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),
    set_config('lock_timeout', '1s', false), set_config('idle_in_transaction_session_timeout', '2s', false)"""
"""For the life of the connection. Every statement here looks a few rows up by their keys, so that one plan serves; and
a process that stands still while it holds a budget's row holds the others up for no longer than this."""

_MAKE_ACCOUNTS = """insert into gateway_accounts (account, requests, tokens, micro_usd, version)
    select account, 0, 0, 0, 0 from unnest(%s::uuid[]) account on conflict do nothing"""
_LOCK_ACCOUNTS = """select account, version, requests, tokens, micro_usd from gateway_accounts
    where account = any(%s) order by account for update"""
_LIVE_ELSEWHERE = """select l.account, sum(l.live) from gateway_leases l join gateway_processes p using (process)
    where l.account = any(%s) and l.process <> %s and l.live > 0
    and p.seen_at > clock_timestamp() - make_interval(secs => %s) group by l.account"""
_OPEN_CALLS = "select id from gateway_calls where id = any(%s) and settled_at is null for update"
_USED_PROOFS = "select id from gateway_proofs where id = any(%s)"
_OPEN_GRANTS = f"select g.id from grants g {STILL_OPEN} where g.id = any(%s)".encode()  # noqa: S608  # constants

_WRITTEN: Mapping[str, str] = {
    "accounts": """update gateway_accounts a set requests = n.requests, tokens = n.tokens, micro_usd = n.micro_usd,
        version = n.version + 1 from {rows:gateway_accounts}
        where a.account = n.account and a.version = n.version returning 1""",
    "leases": """insert into gateway_leases select n.* from {rows:gateway_leases}
        on conflict (account, process) do update set live = excluded.live""",
    "seen": """insert into gateway_processes select n.process, clock_timestamp() from {rows:gateway_processes}
        on conflict (process) do update set seen_at = excluded.seen_at""",
    "grants": f"select 1 from {{rows:grants}} join grants g using (id) {STILL_OPEN}",  # noqa: S608  # constants
    "calls": "insert into gateway_calls select n.* from {rows:gateway_calls}",
    "settled": """update gateway_calls c set ended = n.ended, status = n.status, answer_bytes = n.answer_bytes,
        charged_tokens = n.charged_tokens, charged_micro_usd = n.charged_micro_usd, settled_at = n.settled_at
        from {rows:gateway_calls} where c.id = n.id and c.settled_at is null returning 1""",
    "alarms": "insert into gateway_alarms select n.* from {rows:gateway_alarms}",
    "proofs": "insert into gateway_proofs select n.* from {rows:gateway_proofs} on conflict do nothing returning 1",
    "leaves": "insert into ledger_leaves (id, log, entry) select n.id, n.log, n.entry from {rows:ledger_leaves}",
}
"""What one commit may write, each from a list of rows of that name; of ``leaves`` it is what `ledger.append` does."""

_AS_EXPECTED = ("accounts", "grants", "settled", "proofs")
"""Where every row must be found as it was expected to be, or nothing at all is written."""

_END_PROCESS = "delete from gateway_processes where process = %s"
_END_LEASES = "delete from gateway_leases where process = %s"

Row = tuple[Any, ...]
Connection = AsyncConnection[Row]
Fields = dict[str, object]
"""A row that is to be written: column -> a value that JSON holds."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What one transaction needs to know: of which accounts, proofs, grants and calls."""

    accounts: Sequence[UUID]
    proofs: Sequence[bytes]
    grants: Sequence[GrantId]
    ending: Sequence[CallId]


@dataclass(frozen=True, slots=True)
class Stock:
    """An account as it stands: its balance with the calls that live in other processes, and the row's version."""

    balance: Balance
    version: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What is the case: accounts, proofs used before, grants that are over, calls that are open no more."""

    accounts: Mapping[UUID, Stock]
    used_proofs: frozenset[bytes] = frozenset()
    over: frozenset[GrantId] = frozenset()
    closed: frozenset[CallId] = frozenset()


@dataclass(frozen=True, slots=True)
class Writing:
    """Everything that one commit makes durable; ``seen`` tells that the process lives."""

    accounts: Mapping[UUID, Stock]
    live_here: Mapping[UUID, int]
    let_through: Sequence[Call]
    settled: Sequence[Settlement]
    alarms: Sequence[tuple[UUID, Settlement, Alarm]]
    leaves: Sequence[tuple[LogName, Leaf]]
    seen: bool = False


async def begin_session(connection: Connection) -> None:
    """Make a new connection a gateway's writer."""
    await connection.execute(_BEGIN_SESSION)


async def read_locked(connection: Connection, process: ProcessId, asked: Asking) -> Reading:
    """Begin a transaction and return what it needs, with the accounts and open calls locked in one order."""
    async with connection.pipeline():
        await connection.execute("begin")
        await connection.execute(_MAKE_ACCOUNTS, [asked.accounts])
        locked = await connection.execute(_LOCK_ACCOUNTS, [asked.accounts])
        elsewhere = await connection.execute(_LIVE_ELSEWHERE, [asked.accounts, process, limits.PROCESS_SECONDS_MAX])
        opened = await connection.execute(_OPEN_CALLS, [asked.ending])
        used = await connection.execute(_USED_PROOFS, [asked.proofs])
        standing = await connection.execute(_OPEN_GRANTS, [asked.grants])
        stocks = await locked.fetchall()
        live = {account: int(number) for account, number in await elsewhere.fetchall()}
        still, stand = await _ids(opened), await _ids(standing)
        proofs = frozenset(bytes(proof) for proof in await _ids(used))
    return Reading(
        accounts={
            account: Stock(Balance(Amount(*amounts) + Amount(live=live.get(account, 0))), version)
            for account, version, *amounts in stocks
        },
        used_proofs=proofs,
        over=frozenset(asked.grants) - stand,
        closed=frozenset(asked.ending) - still,
    )


async def write(connection: Connection, process: ProcessId, writing: Writing) -> None:
    """Write everything in one statement, and commit; when this returns, all of it survives a power cut.

    Raises `psycopg.errors.SerializationFailure`, with nothing written, if an account has another version, a call is
    settled, a proof used or a grant over.
    """
    rows = _rows(process, writing)
    begun = connection.info.transaction_status is not TransactionStatus.IDLE
    if rows:
        await connection.execute(_statement(tuple(rows)), [json.dumps(rows, separators=(",", ":"))])
    if begun:
        await connection.execute("commit")


async def end_process(connection: Connection, process: ProcessId) -> None:
    """Give back a process's places among the concurrent calls, at its clean end."""
    async with connection.transaction():
        await connection.execute(_END_LEASES, [process])
        await connection.execute(_END_PROCESS, [process])


@cache
def _statement(parts: tuple[str, ...]) -> bytes:
    """Return the statement that writes these parts; there are few combinations, and each is prepared once."""
    written = ", ".join(f"{part}_done as ({_with_rows(part)})" for part in parts)
    found = " and ".join(_all_found(part) for part in parts if part in _AS_EXPECTED) or "true"
    return f"with given as materialized (select %s::jsonb as d), {written} {_expecting(found)}".encode()


def _expecting(found: str) -> str:
    return f"select leadtime_expect({found}) from given"  # noqa: S608  # constants


def _with_rows(part: str) -> str:
    before, _, rest = _WRITTEN[part].partition("{rows:")
    table, _, after = rest.partition("}")
    return f"{before}given, jsonb_populate_recordset(null::{table}, given.d -> '{part}') n{after}"


def _all_found(part: str) -> str:
    return f"(select count(*) from {part}_done) = jsonb_array_length(given.d -> '{part}')"  # noqa: S608  # constants


async def _ids(cursor: AsyncCursor[Row]) -> frozenset[Any]:
    return frozenset(row[0] for row in await cursor.fetchall())


def _rows(process: ProcessId, writing: Writing) -> dict[str, list[Fields]]:
    """Return the rows of each part that has any; accounts in one order, so that no two writers wait for each other."""
    here = str(process)
    proofs = [call.proof for call in writing.let_through if call.proof is not None]
    grants = {call.standing.grant for call in writing.let_through}
    parts: dict[str, list[Fields]] = {
        "accounts": [_account_fields(account, writing.accounts[account]) for account in sorted(writing.accounts)],
        "leases": [
            {"account": str(account), "process": here, "live": live} for account, live in writing.live_here.items()
        ],
        "seen": [{"process": here}] if writing.seen else [],
        "grants": [{"id": str(grant)} for grant in grants],
        "calls": [_call_fields(here, call) for call in writing.let_through],
        "settled": [_settled_fields(settlement) for settlement in writing.settled],
        "alarms": [_alarm_fields(*one) for one in writing.alarms],
        "proofs": [{"id": _hex(proof.id), "expires_at": _instant(proof.expires_at)} for proof in proofs],
        "leaves": [{"id": str(leaf.id), "log": log, "entry": _hex(leaf.entry)} for log, leaf in writing.leaves],
    }
    return {part: rows for part, rows in parts.items() if rows}


def _account_fields(account: UUID, stock: Stock) -> Fields:
    used = stock.balance.used
    return {
        "account": str(account),
        "requests": used.requests,
        "tokens": used.tokens,
        "micro_usd": used.micro_usd,
        "version": stock.version,
    }


def _call_fields(process: str, call: Call) -> Fields:
    standing, reserved = call.standing, call.reservation.amount
    return {
        "id": str(call.id),
        "process": process,
        "model": str(standing.model),
        "developer": str(standing.developer),
        "organisation": str(standing.organisation),
        "person": str(standing.person),
        "access_grant": str(standing.grant),
        "agreement": str(standing.agreement),
        "variant": call.variant.name,
        "address": call.asked.address.value,
        "at": _instant(call.at),
        "request_bytes": call.request_bytes,
        "reserved_tokens": reserved.tokens,
        "reserved_micro_usd": reserved.micro_usd,
        "ended": Ended.OPEN.value,
        "status": 0,
        "answer_bytes": 0,
        "charged_tokens": 0,
        "charged_micro_usd": 0,
    }


def _settled_fields(settlement: Settlement) -> Fields:
    answered, charged = settlement.answered, settlement.charge.amount
    return {
        "id": str(settlement.call.id),
        "ended": answered.ended.value,
        "status": answered.status,
        "answer_bytes": answered.answer_bytes,
        "charged_tokens": charged.tokens,
        "charged_micro_usd": charged.micro_usd,
        "settled_at": _instant(settlement.at),
    }


def _alarm_fields(number: UUID, settlement: Settlement, alarm: Alarm) -> Fields:
    call = settlement.call
    return {
        "id": str(number),
        "model": str(call.standing.model),
        "developer": str(call.standing.developer),
        "variant": call.variant.name,
        "call": str(call.id),
        "kind": alarm.kind.value,
        "what": alarm.what,
        "at": _instant(settlement.at),
    }


def _instant(at: datetime) -> str:
    return at.isoformat()


def _hex(value: bytes) -> str:
    return "\\x" + value.hex()
