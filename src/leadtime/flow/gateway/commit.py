"""Group commit: calls that wait are reserved, witnessed and let through in one transaction, and ended ones settled.

While one transaction is on its way to the disk the next one's calls collect, so that a call waits for one commit, two
at the most, whatever the load.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from uuid import UUID

import structlog
from psycopg import Error

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.batch import Asking, Connection, Reading, Writing, end_process, read_locked, write_and_commit
from leadtime.flow.gateway.records import (
    Alarm,
    Amount,
    Answered,
    Balance,
    Call,
    CallId,
    Charge,
    Ended,
    ProcessId,
    Proof,
    Reason,
    Refusal,
    Settlement,
    Wanted,
)
from leadtime.flow.gateway.refusals import RefusalCount
from leadtime.flow.gateway.rules import accounts_of, admit, chargeable, release
from leadtime.flow.gateway.witness import Logged, witness_refusal, witness_settlement
from leadtime.foundation.clock import Clock
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import KeyRing

log = structlog.get_logger()

REPLAYED = Refusal(Reason.PROOF, "this proof was used before", "Make a fresh proof for each request.")


@dataclass(slots=True, repr=False)
class _Waiting:
    """A call, or a leaf alone, that waits for its commit; the answer is None or why the call is refused."""

    leaf: Logged
    answer: asyncio.Future[Refusal | None]
    call: Call | None = None


@dataclass(frozen=True, slots=True, repr=False)
class _Ending:
    settlement: Settlement
    answer_sha256: bytes


@dataclass(slots=True)
class _Batch:
    """One transaction's work, as it is decided."""

    waiting: list[_Waiting]
    endings: list[_Ending]
    live: Counter[UUID]
    balances: dict[UUID, Balance] = field(default_factory=dict)
    let_through: list[Call] = field(default_factory=list)
    refusals: dict[CallId, Refusal] = field(default_factory=dict)
    settled: list[Settlement] = field(default_factory=list)
    alarms: list[tuple[UUID, Settlement, Alarm]] = field(default_factory=list)
    leaves: list[Logged] = field(default_factory=list)
    proofs: set[bytes] = field(default_factory=set)


class Committer:
    """The one writer of a gateway process; see the module."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        clock: Clock,
        keys: KeyRing,
        process: ProcessId,
        refusals: RefusalCount,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._keys = keys
        self._process = process
        self._refusals = refusals
        self._waiting: deque[_Waiting] = deque()
        self._endings: deque[_Ending] = deque()
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._connection: Connection | None = None
        self._live: Counter[UUID] = Counter()
        self._known: set[UUID] = set()
        self._monotonic = monotonic
        self._seen_at = float("-inf")
        self._closing = False
        self.commits = 0

    async def let_through(self, call: Call, leaf: Logged) -> Refusal | None:
        """Reserve a call and commit its leaf; None: it may go out now, else why its budgets or its proof refuse it.

        Raises `Unavailable` if nothing could be made durable; the call then must not go out.
        """
        return await self._wait(_Waiting(leaf, asyncio.get_running_loop().create_future(), call))

    async def keep_leaf(self, leaf: Logged) -> None:
        """Commit a leaf that stands alone (a refusal)."""
        await self._wait(_Waiting(leaf, asyncio.get_running_loop().create_future()))

    def settle(self, settlement: Settlement, answer_sha256: bytes) -> None:
        """Have a call's end written with one of the next commits; its budgets are free again from then on."""
        self._endings.append(_Ending(settlement, answer_sha256))
        self._wake.set()

    async def run(self) -> None:
        """Commit until `close`; an outage fails what waits, and is tried again with what has ended."""
        while not (self._closing and not self._waiting and not self._endings):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), limits.HEARTBEAT_SECONDS)
            if not self._waiting and not self._closing:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._urgent.wait(), limits.SETTLE_SECONDS_MAX)
            self._wake.clear()
            self._urgent.clear()
            await self._turn()
        await self._end()

    def close(self) -> None:
        """Have `run` write what waits, give this process's places back, and return."""
        self._closing = True
        self._wake.set()
        self._urgent.set()

    async def _wait(self, waiting: _Waiting) -> Refusal | None:
        if len(self._waiting) >= limits.WAITING_CALLS_MAX or self._closing:
            raise _not_kept()
        self._waiting.append(waiting)
        self._wake.set()
        self._urgent.set()
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            answer = waiting.answer
            # The commit and the cut came in the same turn of the loop: nobody else knows that the call was let through.
            if waiting.call and not answer.cancelled() and not answer.exception() and answer.result() is None:
                self._void(waiting.call)
            raise

    async def _turn(self) -> None:
        waiting = [self._waiting.popleft() for _ in range(min(len(self._waiting), limits.BATCH_CALLS_MAX))]
        endings = [self._endings.popleft() for _ in range(min(len(self._endings), limits.BATCH_CALLS_MAX))]
        if self._waiting or self._endings:
            self._wake.set()
            self._urgent.set()
        batch = _Batch(waiting, endings, self._live.copy())
        try:
            async with asyncio.timeout(limits.COMMIT_SECONDS_MAX):
                await self._commit(batch)
        except (Error, OSError, TimeoutError, Unavailable) as problem:
            await self._fail(batch, problem)
            return
        self._live = batch.live
        for one in waiting:
            if not one.answer.done():
                one.answer.set_result(batch.refusals.get(one.call.id) if one.call else None)
            elif one.call is not None and one.call.id not in batch.refusals:
                self._void(one.call)

    async def _commit(self, batch: _Batch) -> None:
        if self._connection is None:
            self._connection = await self._connect()
        asking = self._asking(batch)
        reading = await read_locked(self._connection, self._process, asking)
        now = self._clock.now()
        batch.balances = {
            account: Balance(balance.used + Amount(live=batch.live[account]))
            for account, balance in reading.balances.items()
        }
        _settle(batch, reading, now, self._keys)
        self._admit(batch, reading, now)
        await write_and_commit(
            self._connection,
            self._process,
            Writing(
                balances=batch.balances,
                live_here={account: batch.live[account] for account in asking.crowded},
                let_through=batch.let_through,
                settled=batch.settled,
                alarms=batch.alarms,
                leaves=batch.leaves,
            ),
        )
        self._known.update(asking.new_accounts)
        if asking.says_it_lives:
            self._seen_at = self._monotonic()
        self.commits += 1

    def _asking(self, batch: _Batch) -> Asking:
        calls = [one.call for one in batch.waiting if one.call is not None]
        ending = [one.settlement.call for one in batch.endings]
        accounts = {account.id: account for call in (*ending, *calls) for account in accounts_of(call.standing)}
        return Asking(
            accounts=sorted(accounts),
            new_accounts=sorted(accounts.keys() - self._known),
            crowded=sorted(one.id for one in accounts.values() if one.limits.concurrency is not None),
            proofs=[call.proof for call in calls if call.proof is not None],
            ending=[call.id for call in ending],
            says_it_lives=self._monotonic() - self._seen_at >= limits.HEARTBEAT_SECONDS / 2,
        )

    def _admit(self, batch: _Batch, reading: Reading, now: datetime) -> None:
        """Reserve the calls that their budgets hold, in their order; others get the leaf of a refusal."""
        judged: list[tuple[_Waiting, Call]] = []
        for one in batch.waiting:
            if one.call is None:
                batch.leaves.append(one.leaf)
            elif one.call.proof is not None and not _is_first(batch, one.call.proof, reading):
                self._refuse(batch, one.call, REPLAYED, now)
            else:
                judged.append((one, one.call))
        wanted = [Wanted(call.reservation, accounts_of(call.standing)) for _, call in judged]
        refusals, batch.balances = admit(batch.balances, wanted)
        for (one, call), refusal in zip(judged, refusals, strict=True):
            if refusal is not None:
                self._refuse(batch, call, refusal, now)
                continue
            batch.let_through.append(call)
            batch.leaves.append(one.leaf)
            batch.live.update({account.id: 1 for account in accounts_of(call.standing)})

    def _refuse(self, batch: _Batch, call: Call, refusal: Refusal, now: datetime) -> None:
        batch.refusals[call.id] = refusal
        uncounted = self._refusals.note(call.standing.grant, now)
        if uncounted is not None:
            leaf = witness_refusal(
                self._keys,
                call.standing,
                call.caller,
                refusal,
                address=call.asked.address.value,
                at=now,
                uncounted=uncounted,
            )
            batch.leaves.append(leaf[1])

    async def _fail(self, batch: _Batch, problem: Exception) -> None:
        """Refuse what waits; what may have been committed all the same is voided, and what has ended kept."""
        log.warning("gateway could not commit", kind=type(problem).__name__)
        if self._connection is not None:
            with suppress(Error, OSError):
                await self._connection.close()
        self._connection = None
        self._endings.extendleft(reversed(batch.endings))
        for one in batch.waiting:
            if one.call is not None:
                self._void(one.call, held=False)
            if not one.answer.done():
                one.answer.set_exception(_not_kept())

    def _void(self, call: Call, *, held: bool = True) -> None:
        """Settle a call that nobody waits for any more and that was never sent."""
        if not held:
            self._live.update({account.id: 1 for account in accounts_of(call.standing)})
        answered = Answered(Ended.NOT_SENT, 0, 0, 0, None)
        self.settle(Settlement(call, answered, Charge(Amount()), self._clock.now()), b"")

    async def _end(self) -> None:
        if self._connection is not None:
            with suppress(Error, OSError):
                await end_process(self._connection, self._process)
                await self._connection.close()


def _settle(batch: _Batch, reading: Reading, now: datetime, keys: KeyRing) -> None:
    """Replace reservations by charges; a call that was closed otherwise, or never came to be, only leaves its place."""
    for ending in batch.endings:
        settlement = ending.settlement
        call, accounts = settlement.call, accounts_of(settlement.call.standing)
        reserved, charged = call.reservation.amount, settlement.charge.amount
        batch.live.subtract({account.id: 1 for account in accounts})
        if call.id not in reading.open_calls:
            for account in accounts:
                batch.balances = release(batch.balances, account.id, Amount(live=1), Amount())
            continue
        for account in accounts:
            held = chargeable(batch.balances[account.id], account, reserved, charged)
            batch.balances = release(batch.balances, account.id, reserved, held)
        batch.settled.append(settlement)
        batch.alarms.extend((new_id(now), settlement, alarm) for alarm in settlement.charge.alarms)
        batch.leaves.append(witness_settlement(keys, settlement, ending.answer_sha256))


def _is_first(batch: _Batch, proof: Proof, reading: Reading) -> bool:
    """Tell whether a proof was never used, not even by another call of this very batch."""
    first = proof.id in reading.new_proofs and proof.id not in batch.proofs
    batch.proofs.add(proof.id)
    return first


def _not_kept() -> Unavailable:
    return Unavailable(
        "the gateway cannot write its record just now, so it lets no call through", next_step="Try again in a second."
    )
