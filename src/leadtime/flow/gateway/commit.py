"""Group commit: calls that wait are reserved, witnessed and let through in one transaction, and ended ones settled.

While one transaction is on its way to the disk the next one's calls collect, so that a call waits for one commit, two
at the most, whatever the load. What the last commit left behind is known here; a batch is decided by it and written
in one statement, which writes nothing if anything has changed since. Then, and before anybody is refused, the batch is
decided anew by what is read under locks.
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
from psycopg import Error, InterfaceError, OperationalError
from psycopg.errors import SerializationFailure

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.batch import (
    Asking,
    Connection,
    Reading,
    Stock,
    Writing,
    begin_session,
    end_process,
    read_locked,
    write,
)
from leadtime.flow.gateway.records import (
    Alarm,
    Amount,
    Answered,
    Balance,
    Call,
    Charge,
    Ended,
    ProcessId,
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
OVER = Refusal(Reason.ENDED, "this access is over", "Ask the model's developer.")

OUTAGES = (OperationalError, InterfaceError, OSError, TimeoutError, Unavailable)
"""What passes by itself; any other failure is of something that was to be written."""


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
    """One transaction's work, as it is decided; ``live`` is what this process has open on each account."""

    waiting: list[_Waiting]
    endings: list[_Ending]
    live: Counter[UUID]
    balances: dict[UUID, Balance] = field(default_factory=dict)
    let_through: list[Call] = field(default_factory=list)
    refused: list[tuple[Call, Refusal]] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    alarms: list[tuple[UUID, Settlement, Alarm]] = field(default_factory=list)
    leaves: list[Logged] = field(default_factory=list)


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
        self._stocks: dict[UUID, Stock] = {}
        self._leased: dict[UUID, int] = {}
        self._alone = 0
        self._monotonic = monotonic
        self._seen_at = float("-inf")
        self._closing = False
        self.commits, self.commit_seconds, self.calls = 0, 0.0, 0

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
        endings, waiting = self._take()
        if self._waiting or self._endings:
            self._wake.set()
            self._urgent.set()
        try:
            async with asyncio.timeout(limits.COMMIT_SECONDS_MAX):
                batch = await self._commit(waiting, endings)
        except OUTAGES as problem:
            await self._fail(waiting, endings, problem)
            return
        except Exception as problem:  # noqa: BLE001  # one thing that cannot be written must not stop the others
            await self._set_apart(waiting, endings, problem)
            return
        refusals = {call.id: refusal for call, refusal in batch.refused}
        for one in waiting:
            if not one.answer.done():
                one.answer.set_result(refusals.get(one.call.id) if one.call else None)
            elif one.call is not None and one.call.id not in refusals:
                self._void(one.call)

    def _take(self) -> tuple[list[_Ending], list[_Waiting]]:
        """Return what the next transaction is about: much, or one thing alone after something could not be written."""
        room = 1 if self._alone else limits.BATCH_CALLS_MAX
        endings = [self._endings.popleft() for _ in range(min(len(self._endings), room))]
        room -= len(endings) if self._alone else 0
        waiting = [self._waiting.popleft() for _ in range(min(len(self._waiting), room))]
        self._alone = max(0, self._alone - 1)
        return endings, waiting

    async def _commit(self, waiting: list[_Waiting], endings: list[_Ending]) -> _Batch:
        """Decide and write; by what the last commit left behind if that holds, else by what is read under locks."""
        if self._connection is None:
            self._connection = await self._connect()
            await begin_session(self._connection)
        asking = self._asking(waiting, endings)
        if self._stocks.keys() >= set(asking.accounts):
            known = Reading({account: self._stocks[account] for account in asking.accounts})
            batch = self._decide(waiting, endings, known)
            if not batch.refused:
                with suppress(SerializationFailure):
                    await self._write(asking, known, batch)
                    return batch
        reading = await read_locked(self._connection, self._process, asking)
        batch = self._decide(waiting, endings, reading)
        self._witness_refusals(batch)
        await self._write(asking, reading, batch)
        return batch

    def _decide(self, waiting: list[_Waiting], endings: list[_Ending], reading: Reading) -> _Batch:
        """Return what becomes of each call; nothing outside of the batch is changed."""
        batch, now = _Batch(waiting, endings, self._live.copy()), self._clock.now()
        batch.balances = {
            account: Balance(stock.balance.used + Amount(live=batch.live[account]))
            for account, stock in reading.accounts.items()
        }
        _settle(batch, reading, now, self._keys)
        _admit(batch, reading)
        return batch

    async def _write(self, asking: Asking, reading: Reading, batch: _Batch) -> None:
        """Write a batch, and remember how it leaves the accounts."""
        if self._connection is None:
            raise _not_kept()
        seen_at = self._monotonic()
        if seen_at - self._seen_at >= limits.PROCESS_SECONDS_MAX / 2:
            # Another process may have taken this one for dead, and its places away.
            self._leased = {}
        writing = Writing(
            accounts={
                account: Stock(batch.balances[account], stock.version) for account, stock in reading.accounts.items()
            },
            live_here={one: batch.live[one] for one in asking.crowded if batch.live[one] != self._leased.get(one)},
            let_through=batch.let_through,
            settled=batch.settled,
            alarms=batch.alarms,
            leaves=batch.leaves,
            seen=seen_at - self._seen_at >= limits.HEARTBEAT_SECONDS / 2,
        )
        self._stocks, stocks = {}, self._stocks
        self._leased, leased = {}, self._leased
        await write(self._connection, self._process, writing)
        for account, stock in writing.accounts.items():
            elsewhere = stock.balance.used - Amount(live=batch.live[account])
            stocks[account] = Stock(Balance(elsewhere), stock.version + 1)
        self._stocks, self._leased, self._live = stocks, {**leased, **writing.live_here}, batch.live
        if writing.seen:
            self._seen_at = seen_at
        self.commits += 1
        self.commit_seconds += self._monotonic() - seen_at
        self.calls += len(batch.let_through)

    def _asking(self, waiting: list[_Waiting], endings: list[_Ending]) -> Asking:
        calls = [one.call for one in waiting if one.call is not None]
        ending = [one.settlement.call for one in endings]
        accounts = {account.id: account for call in (*ending, *calls) for account in accounts_of(call.standing)}
        return Asking(
            accounts=sorted(accounts),
            crowded=sorted(one.id for one in accounts.values() if one.limits.concurrency is not None),
            proofs=[call.proof.id for call in calls if call.proof is not None],
            grants=sorted({call.standing.grant for call in calls}),
            ending=[call.id for call in ending],
        )

    def _witness_refusals(self, batch: _Batch) -> None:
        now = self._clock.now()
        for call, refusal in batch.refused:
            uncounted = self._refusals.note(call.standing.grant, now)
            if uncounted is not None:
                _, leaf = witness_refusal(
                    self._keys,
                    call.standing,
                    call.caller,
                    refusal,
                    address=call.asked.address.value,
                    at=now,
                    uncounted=uncounted,
                )
                batch.leaves.append(leaf)

    async def _fail(self, waiting: list[_Waiting], endings: list[_Ending], problem: Exception) -> None:
        """Refuse what waits; what may have been committed all the same is voided, and what has ended kept."""
        log.warning("gateway could not commit", kind=type(problem).__name__)
        await self._hang_up()
        self._endings.extendleft(reversed(endings))
        for one in waiting:
            if one.call is not None:
                self._void(one.call, held=False)
            if not one.answer.done():
                one.answer.set_exception(_not_kept())

    async def _set_apart(self, waiting: list[_Waiting], endings: list[_Ending], problem: Exception) -> None:
        """After a batch of which nothing was written: write its parts one by one, and without the one that fails."""
        await self._hang_up()
        if len(waiting) + len(endings) > 1:
            self._waiting.extendleft(reversed(waiting))
            self._endings.extendleft(reversed(endings))
            self._alone = len(waiting) + len(endings)
            self._wake.set()
            self._urgent.set()
            return
        log.error("gateway cannot write this, whatever it is", kind=type(problem).__name__)
        for one in waiting:
            if not one.answer.done():
                one.answer.set_exception(_not_kept())
        for ending in endings:
            if ending.settlement.answered.ended is not Ended.FORFEITED:
                self._endings.appendleft(_Ending(_forfeit(ending.settlement), b""))

    async def _hang_up(self) -> None:
        connection, self._connection, self._stocks = self._connection, None, {}
        if connection is not None:
            with suppress(Error, OSError):
                await connection.close()

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


def _admit(batch: _Batch, reading: Reading) -> None:
    """Reserve the calls that stand and that their budgets hold, in their order."""
    judged: list[tuple[_Waiting, Call]] = []
    used = set(reading.used_proofs)
    for one in batch.waiting:
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


def _forfeit(settlement: Settlement) -> Settlement:
    """Return the plainest end that a call can have: all that it reserved is charged, and nothing told of its answer."""
    reserved = settlement.call.reservation.amount
    charge = Charge(Amount(reserved.requests, reserved.tokens, reserved.micro_usd))
    return Settlement(settlement.call, Answered(Ended.FORFEITED, 0, 0, 0, None), charge, settlement.at)


def _not_kept() -> Unavailable:
    return Unavailable(
        "the gateway cannot write its record just now, so it lets no call through", next_step="Try again in a second."
    )
