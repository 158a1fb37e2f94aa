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
from time import monotonic
from uuid import UUID

import structlog
from psycopg import DataError, Error, IntegrityError
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
from leadtime.flow.gateway.decide import Batch, Ending, Waiting, decide, forfeit
from leadtime.flow.gateway.records import (
    Amount,
    Answered,
    Balance,
    Call,
    Charge,
    Ended,
    ProcessId,
    Refusal,
    Settlement,
)
from leadtime.flow.gateway.refusals import RefusalCount
from leadtime.flow.gateway.rules import accounts_of
from leadtime.flow.gateway.witness import Logged, witness_refusal
from leadtime.foundation.clock import Clock
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.keys import KeyRing

log = structlog.get_logger()

OUTAGES = (Error, OSError, TimeoutError, Unavailable)
"""What passes by itself. Any other failure, and these of the database, are of something that was to be written."""

OF_CONTENT = (DataError, IntegrityError)
LOCKED_TRIES_MAX = 3


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
        self._waiting: deque[Waiting] = deque()
        self._endings: deque[Ending] = deque()
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._connection: Connection | None = None
        self._live: Counter[UUID] = Counter()
        self._stocks: dict[UUID, Stock] = {}
        self._leased: dict[UUID, int] = {}
        self._alone = 0
        self._monotonic = monotonic
        self.seen_at = monotonic()
        self._closing = False
        self.commits, self.commit_seconds, self.calls = 0, 0.0, 0

    async def let_through(self, call: Call, leaf: Logged) -> Refusal | None:
        """Reserve a call and commit its leaf; None: it may go out now, else why its budgets or its proof refuse it.

        Raises `Unavailable` if nothing could be made durable; the call then must not go out.
        """
        return await self._wait(Waiting(leaf, asyncio.get_running_loop().create_future(), call))

    async def keep_leaf(self, leaf: Logged) -> None:
        """Commit a leaf that stands alone (a refusal)."""
        await self._wait(Waiting(leaf, asyncio.get_running_loop().create_future()))

    def settle(self, settlement: Settlement, answer_sha256: bytes) -> None:
        """Have a call's end written with one of the next commits; its budgets are free again from then on."""
        self._endings.append(Ending(settlement, answer_sha256))
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

    async def _wait(self, waiting: Waiting) -> Refusal | None:
        full = len(self._waiting) >= limits.WAITING_CALLS_MAX or len(self._endings) >= limits.UNWRITTEN_ENDS_MAX
        if full or self._closing:
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
        except Exception as problem:  # noqa: BLE001  # one thing that cannot be written must not stop the others
            if isinstance(problem, OUTAGES) and not isinstance(problem, OF_CONTENT):
                await self._fail(waiting, endings, problem)
            else:
                await self._set_apart(waiting, endings, problem)
            return
        refusals = {call.id: refusal for call, refusal in batch.refused}
        for one in waiting:
            if not one.answer.done():
                one.answer.set_result(refusals.get(one.call.id) if one.call else None)
            elif one.call is not None and one.call.id not in refusals:
                self._void(one.call)

    def _take(self) -> tuple[list[Ending], list[Waiting]]:
        """Return what the next transaction is about: much, or one thing alone after something could not be written."""
        room = 1 if self._alone else limits.BATCH_CALLS_MAX
        endings = [self._endings.popleft() for _ in range(min(len(self._endings), room))]
        room -= len(endings) if self._alone else 0
        waiting = [self._waiting.popleft() for _ in range(min(len(self._waiting), room))]
        self._alone = max(0, self._alone - 1)
        return endings, waiting

    async def _commit(self, waiting: list[Waiting], endings: list[Ending]) -> Batch:
        """Decide and write; by what the last commit left behind if that holds, else by what is read under locks."""
        if self._connection is None:
            self._connection = await self._connect()
            await begin_session(self._connection)
        asking = self._asking(waiting, endings)
        if self._stocks.keys() >= set(asking.accounts):
            known = Reading({account: self._stocks[account] for account in asking.accounts})
            batch = decide(waiting, endings, self._live, known, now=self._clock.now(), keys=self._keys)
            if not batch.refused:
                with suppress(SerializationFailure):
                    await self._write(known, batch)
                    return batch
        for _ in range(LOCKED_TRIES_MAX):
            reading = await read_locked(self._connection, self._process, asking)
            batch = decide(waiting, endings, self._live, reading, now=self._clock.now(), keys=self._keys)
            self._witness_refusals(batch)
            with suppress(SerializationFailure):
                await self._write(reading, batch)
                return batch
            # A grant ended between the two: its row is not locked, so that whoever ends it never waits for calls.
            await self._connection.execute("rollback")
        raise _not_kept()

    async def _write(self, reading: Reading, batch: Batch) -> None:
        """Write a batch, and remember how it leaves the accounts."""
        if self._connection is None:
            raise _not_kept()
        seen_at = self._monotonic()
        told = {*reading.accounts}
        if seen_at - self.seen_at >= limits.PROCESS_SECONDS_MAX / 2:
            # Another process may have taken this one for dead, and its places away.
            self._leased, told = {}, told | batch.live.keys()
        writing = Writing(
            accounts={
                account: Stock(batch.balances[account], stock.version) for account, stock in reading.accounts.items()
            },
            live_here={one: batch.live[one] for one in told if batch.live[one] != self._leased.get(one)},
            let_through=batch.let_through,
            settled=batch.settled,
            alarms=batch.alarms,
            leaves=batch.leaves,
            seen=not self._leased or seen_at - self.seen_at >= limits.HEARTBEAT_SECONDS / 2,
        )
        self._stocks, stocks = {}, self._stocks
        self._leased, leased = {}, self._leased
        await write(self._connection, self._process, writing)
        for account, stock in writing.accounts.items():
            elsewhere = stock.balance.used - Amount(live=batch.live[account])
            stocks[account] = Stock(Balance(elsewhere), stock.version + 1)
        self._stocks, self._leased, self._live = stocks, {**leased, **writing.live_here}, +batch.live
        if writing.seen:
            self.seen_at = seen_at
        if batch.leaves:
            self.commits += 1
            self.commit_seconds += self._monotonic() - seen_at
        self.calls += len(batch.let_through)

    def _asking(self, waiting: list[Waiting], endings: list[Ending]) -> Asking:
        calls = [one.call for one in waiting if one.call is not None]
        ending = [one.settlement.call for one in endings]
        accounts = {account.id: account for call in (*ending, *calls) for account in accounts_of(call.standing)}
        return Asking(
            accounts=sorted(accounts),
            proofs=[call.proof.id for call in calls if call.proof is not None],
            grants=sorted({call.standing.grant for call in calls}),
            ending=[call.id for call in ending],
        )

    def _witness_refusals(self, batch: Batch) -> None:
        now = self._clock.now()
        for call, refusal in batch.refused:
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
                batch.leaves.append(leaf)

    async def _fail(self, waiting: list[Waiting], endings: list[Ending], problem: Exception) -> None:
        """Refuse what waits; what may have been committed all the same is voided, and what has ended kept."""
        log.warning("gateway could not commit", kind=type(problem).__name__)
        await self._hang_up()
        self._endings.extendleft(reversed(endings))
        for one in waiting:
            if one.call is not None:
                self._void(one.call, held=False)
            if not one.answer.done():
                one.answer.set_exception(_not_kept())

    async def _set_apart(self, waiting: list[Waiting], endings: list[Ending], problem: Exception) -> None:
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
        self._endings.extend(Ending(forfeit(ending.settlement), b"") for ending in endings)

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


def _not_kept() -> Unavailable:
    return Unavailable(
        "the gateway cannot write its record just now, so it lets no call through", next_step="Try again in a second."
    )
