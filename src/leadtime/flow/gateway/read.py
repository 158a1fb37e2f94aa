"""What a model's developer, and each holder's organisation, read of the calls: no content, sizes and times alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import RowMapping, case, func, select

from leadtime.flow.gateway.records import Alarm, AlarmKind, AlarmSeen, Amount, CallId, CallSeen, Ended
from leadtime.flow.gateway.tables import alarms, calls
from leadtime.flow.window import GrantId, ModelId, read_model
from leadtime.foundation.database import Transaction

ROWS_MAX = 500
"""Calls or alarms in one list."""


def list_calls(
    tx: Transaction, model: ModelId, *, before: CallId | None = None, rows_max: int = 100
) -> tuple[CallSeen, ...]:
    """Return calls to a model, newest first: to its developer all, to others their organisation's own.

    ``before`` goes on after the last one of a former list. Raises `Missing` as `window.read_model`.
    """
    read_model(tx, model)
    query = select(calls).where(calls.c.model == model).order_by(calls.c.id.desc()).limit(min(rows_max, ROWS_MAX))
    if before is not None:
        query = query.where(calls.c.id < before)
    return tuple(_call_from(row) for row in tx.connection.execute(query).mappings())


def list_alarms(tx: Transaction, model: ModelId) -> tuple[AlarmSeen, ...]:
    """Return what was odd about a model's upstream, newest first, to its developer; to others nothing."""
    read_model(tx, model)
    query = select(alarms).where(alarms.c.model == model).order_by(alarms.c.id.desc()).limit(ROWS_MAX)
    return tuple(
        AlarmSeen(row["at"], row["variant"], Alarm(AlarmKind(row["kind"]), row["what"]), CallId(row["call"]))
        for row in tx.connection.execute(query).mappings()
    )


def used_by_grants(tx: Transaction, model: ModelId) -> Mapping[GrantId, Amount]:
    """Return what each grant's calls used or have reserved so far, as far as the viewer sees them."""
    read_model(tx, model)
    settled = calls.c.settled_at.is_not(None)
    query = (
        select(
            calls.c.access_grant,
            func.count(),
            func.sum(case((settled, calls.c.charged_tokens), else_=calls.c.reserved_tokens)),
            func.sum(case((settled, calls.c.charged_micro_usd), else_=calls.c.reserved_micro_usd)),
            func.count().filter(~settled),
        )
        .where(calls.c.model == model)
        .group_by(calls.c.access_grant)
    )
    return {
        GrantId(grant): Amount(requests, int(tokens), int(money), live)
        for grant, requests, tokens, money, live in tx.connection.execute(query)
    }


def calls_by_hour(tx: Transaction, model: ModelId, *, since: datetime) -> tuple[tuple[datetime, Amount], ...]:
    """Return the calls to a model hour by hour, oldest first, for a chart."""
    read_model(tx, model)
    hour = func.date_trunc("hour", calls.c.at).label("hour")
    query = (
        select(hour, func.count(), func.sum(calls.c.charged_tokens), func.sum(calls.c.charged_micro_usd))
        .where(calls.c.model == model, calls.c.at >= since)
        .group_by(hour)
        .order_by(hour)
        .limit(ROWS_MAX * 2)
    )
    rows = tx.connection.execute(query)
    return tuple((at, Amount(requests, int(tokens), int(money))) for at, requests, tokens, money in rows)


def _call_from(row: RowMapping) -> CallSeen:
    return CallSeen(
        id=CallId(row["id"]),
        at=row["at"],
        organisation=row["organisation"],
        person=row["person"],
        grant=row["access_grant"],
        variant=row["variant"],
        address=row["address"],
        ended=Ended(row["ended"]),
        status=row["status"],
        request_bytes=row["request_bytes"],
        answer_bytes=row["answer_bytes"],
        reserved=Amount(1, row["reserved_tokens"], row["reserved_micro_usd"]),
        charged=Amount(1, row["charged_tokens"], row["charged_micro_usd"]),
        settled_at=row["settled_at"],
    )
