"""What becomes of the calls of one transaction, decided from how their accounts, grants and proofs stand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from leadtime.flow.gateway.batch import Reading
from leadtime.flow.gateway.records import (
    Alarm,
    Amount,
    Answered,
    Balance,
    Call,
    Charge,
    Ended,
    Reason,
    Refusal,
    Settlement,
    Wanted,
)
from leadtime.flow.gateway.rules import accounts_of, admit, chargeable, release
from leadtime.flow.gateway.witness import Logged, witness_settlement
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import KeyRing

REPLAYED = Refusal(Reason.PROOF, "this proof was used before", "Make a fresh proof for each request.")
OVER = Refusal(Reason.ENDED, "this access is over", "Ask the model's developer.")


@dataclass(slots=True, repr=False)
class Waiting:
    """A call, or a leaf alone, that waits for its commit; the answer is None or why the call is refused."""

    leaf: Logged
    answer: asyncio.Future[Refusal | None]
    call: Call | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Ending:
    """A call that has ended, and the digest of its answer."""

    settlement: Settlement
    answer_sha256: bytes


@dataclass(slots=True)
class Batch:
    """One transaction's work, as it is decided; ``live`` is what this process has open on each account."""

    live: Counter[UUID]
    balances: dict[UUID, Balance] = field(default_factory=dict)
    let_through: list[Call] = field(default_factory=list)
    refused: list[tuple[Call, Refusal]] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    alarms: list[tuple[UUID, Settlement, Alarm]] = field(default_factory=list)
    leaves: list[Logged] = field(default_factory=list)


def decide(
    waiting: Sequence[Waiting],
    endings: Sequence[Ending],
    live: Mapping[UUID, int],
    reading: Reading,
    *,
    now: datetime,
    keys: KeyRing,
) -> Batch:
    """Return what becomes of each call; ``live`` is what this process has open on each account.

    Ended calls come first, so that what they leave is free for those that wait.
    """
    batch = Batch(Counter(live))
    batch.balances = {
        account: Balance(stock.balance.used + Amount(live=batch.live[account]))
        for account, stock in reading.accounts.items()
    }
    _settle(batch, endings, reading, now, keys)
    _admit(batch, waiting, reading)
    return batch


def _settle(batch: Batch, endings: Sequence[Ending], reading: Reading, now: datetime, keys: KeyRing) -> None:
    """Replace reservations by charges; a call that was closed otherwise, or never came to be, only leaves its place."""
    for ending in endings:
        settlement = ending.settlement
        call, accounts = settlement.call, accounts_of(settlement.call.standing)
        reserved, charged = call.reservation.amount, settlement.charge.amount
        batch.live.subtract({account.id: 1 for account in accounts})
        if call.id in reading.closed:
            for account in accounts:
                batch.balances = release(batch.balances, account.id, Amount(live=1), Amount())
            continue
        for account in accounts:
            held = chargeable(batch.balances[account.id], account, reserved, charged)
            batch.balances = release(batch.balances, account.id, reserved, held)
        batch.settled.append(settlement)
        batch.alarms.extend((new_id(now), settlement, alarm) for alarm in settlement.charge.alarms)
        batch.leaves.append(witness_settlement(keys, settlement, ending.answer_sha256))


def _admit(batch: Batch, waiting: Sequence[Waiting], reading: Reading) -> None:
    """Reserve the calls that stand and that their budgets hold, in their order."""
    judged: list[tuple[Waiting, Call]] = []
    used = set(reading.used_proofs)
    for one in waiting:
        if one.call is None:
            batch.leaves.append(one.leaf)
        elif one.call.standing.grant in reading.over:
            batch.refused.append((one.call, OVER))
        elif one.call.proof is not None and one.call.proof.id in used:
            batch.refused.append((one.call, REPLAYED))
        else:
            used |= {one.call.proof.id} if one.call.proof is not None else set()
            judged.append((one, one.call))
    wanted = [Wanted(call.reservation, accounts_of(call.standing)) for _, call in judged]
    refusals, batch.balances = admit(batch.balances, wanted)
    for (one, call), refusal in zip(judged, refusals, strict=True):
        if refusal is not None:
            batch.refused.append((call, refusal))
            continue
        batch.let_through.append(call)
        batch.leaves.append(one.leaf)
        batch.live.update({account.id: 1 for account in accounts_of(call.standing)})


def forfeit(settlement: Settlement) -> Settlement:
    """Return the plainest end that a call can have: all that it reserved is charged, and nothing told of its answer."""
    reserved = settlement.call.reservation.amount
    charge = Charge(Amount(reserved.requests, reserved.tokens, reserved.micro_usd))
    return Settlement(settlement.call, Answered(Ended.FORFEITED, 0, 0, 0, None), charge, settlement.at)
