"""One call from its first byte to its last: judged, reserved and witnessed, passed on, settled.

Read `CallDoor.answer` for the order; nothing goes upstream before `Committer.let_through` has returned None.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

import structlog
from aiohttp import ClientError

from leadtime.doors.model_api.answers import GarbageError
from leadtime.doors.model_api.asked import Exchange, Header, Written
from leadtime.doors.model_api.entering import Entrance, Holder, Works
from leadtime.doors.model_api.passing import CREDENTIAL_STATUSES, CutError, Passing
from leadtime.doors.model_api.reading import Read, read_request, write_request
from leadtime.doors.model_api.shapes import (
    error_event,
    wrong_of_end,
    wrong_of_error,
    wrong_of_refusal,
)
from leadtime.doors.model_api.upstream import Sending, send_upstream
from leadtime.flow.gateway import (
    Address,
    Alarm,
    AlarmKind,
    Answered,
    Call,
    Content,
    Ended,
    LiveCall,
    Logged,
    Reason,
    Refusal,
    Request,
    Settlement,
    Sides,
    charge_of,
    limits,
    refusal_of_asked,
    reservation_of,
    variant_of,
    witness_call,
)
from leadtime.flow.window import RecordMode
from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.ledger import LEAF_HEADER

log = structlog.get_logger()

MARK_HEADER: Header = (b"leadtime-notice", b"the upstream's model name or fingerprint has changed")
LAST_WORD_SECONDS_MAX = 1.0
NO_KEYS = Refusal(
    Reason.NO_KEYS,
    "this agreement seals records to both sides, and one side has stated no key",
    "State your side's key, or ask the developer to.",
)


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """A call that waits to be let through: as it goes on, as it came where that is kept, and to whom that is closed."""

    call: Call
    leaf: Logged
    body: bytes
    wants_usage: bool
    raw: bytes
    sides: Sides | None


class CallDoor:
    """Answers calls; see the module."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self.entrance = Entrance(works)
        self._background: set[asyncio.Task[None]] = set()

    async def answer(self, exchange: Exchange, address: Address) -> None:
        """Answer one call at an address."""
        holder = await self.entrance.enter(exchange)
        if holder is None:
            return
        with self.entrance.hold() as take:
            raw = await self.entrance.body(exchange, holder, take)
            holder = await self.entrance.enter_again(exchange, holder) if raw is not None else None
            if holder is None or raw is None:
                return
            prepared = await self._prepare(exchange, holder, address, raw)
            if prepared is not None:
                await self._let_through(exchange, holder, prepared)

    async def finish(self) -> None:
        """Wait for what is still written about calls that have ended."""
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _prepare(self, exchange: Exchange, holder: Holder, address: Address, raw: bytes) -> Prepared | None:
        """Return the call with its leaf, or None after refusing it."""
        standing, works = holder.standing, self._works
        sides = None
        try:
            read = await _read(address, raw)
            refusal = refusal_of_asked(standing, read.asked)
        except Malformed as error:
            refusal = Refusal(Reason.FORM, f"{error.where}: {error.what}", error.next_step)
        if refusal is None and standing.record_mode is RecordMode.SEALED:
            sides = await works.sealing.sides_of(standing)
            refusal = None if sides else NO_KEYS
        variant = None if refusal else variant_of(standing, read.asked.model)
        if variant is None:
            await self.entrance.refuse(exchange, standing, holder.caller, refusal or NO_KEYS)
            return None
        reservation = reservation_of(standing, variant, read.asked)
        call, leaf = witness_call(
            works.keys,
            standing,
            variant,
            read.asked,
            caller=holder.caller,
            reservation=reservation,
            request=Request(len(raw), sha256(raw).digest()),
            at=works.clock.now(),
            proof=holder.proof,
        )
        body = write_request(read, variant, reservation)
        return Prepared(call, leaf, body, read.wants_usage, raw if sides else b"", sides)

    async def _let_through(self, exchange: Exchange, holder: Holder, prepared: Prepared) -> None:
        """Have the call committed, then pass it on; it is watched all the while, and ends when it may not go on."""
        works, task = self._works, asyncio.current_task()
        if task is None:
            raise RuntimeError
        live = LiveCall(task, holder.secret_hash, holder.caller, prepared.call.asked)
        works.standings.hold(live)
        timer = asyncio.get_running_loop().call_later(limits.CALL_SECONDS_MAX, live.cut, Ended.TOO_LONG)
        leaving = asyncio.create_task(_cut_when_gone(exchange, live))
        try:
            refusal = await works.committer.let_through(prepared.call, prepared.leaf)
            if refusal is not None:
                await exchange.refuse(wrong_of_refusal(refusal))
                return
            await self._pass(exchange, live, prepared)
        except Unavailable as error:
            await exchange.refuse(wrong_of_error(error))
        except asyncio.CancelledError:
            if live.ended is None:
                raise
            task.uncancel()
            await _last_word(exchange, live.ended)
        finally:
            timer.cancel()
            leaving.cancel()
            works.standings.drop(live)

    async def _pass(self, exchange: Exchange, live: LiveCall, prepared: Prepared) -> None:
        """Send the call to its upstream, pass the answer on, and settle it whatever happens."""
        works, call = self._works, prepared.call
        marks = [(LEAF_HEADER.lower().encode(), str(call.id).encode())]
        if works.marks.is_marked(call):
            marks.append(MARK_HEADER)
        passing = Passing(exchange, works.standings, call, live, marks)
        passing.kept = bytearray() if prepared.sides else None
        sending = Sending(prepared.body)
        ended, told = Ended.UPSTREAM_FAILED, None
        try:
            ended = await self._send(passing, exchange, call, sending, wants_usage=prepared.wants_usage)
        except asyncio.CancelledError:
            ended = live.ended or Ended.STOPPED
            raise
        except CutError as cut:
            ended = told = cut.ended
        except GarbageError:
            ended = told = Ended.GARBAGE
        except TimeoutError:
            ended = told = Ended.SILENT
        except (ClientError, OSError):
            told = Ended.UPSTREAM_FAILED
        finally:
            self._settle(passing, prepared, ended if sending.begun else Ended.NOT_SENT)
        if told is not None:
            await _last_word(exchange, told)

    async def _send(
        self, passing: Passing, exchange: Exchange, call: Call, sending: Sending, *, wants_usage: bool
    ) -> Ended:
        works = self._works
        try:
            credential = await works.standings.credential_of(call.standing.model)
        except Unavailable as error:
            await exchange.refuse(wrong_of_error(error))
            return Ended.NOT_SENT
        answer = await send_upstream(works.session, call, credential, sending, exchange.headers)
        try:
            return await passing.run(answer, wants_usage=wants_usage)
        finally:
            answer.close()

    def _settle(self, passing: Passing, prepared: Prepared, ended: Ended) -> None:
        works, call, measured = self._works, prepared.call, passing.measured
        answered = Answered(
            ended=ended,
            status=passing.status,
            answer_bytes=measured.bytes,
            text_bytes=measured.text_bytes,
            usage=measured.usage,
            upstream_model=measured.named.model,
            fingerprint=measured.named.system,
        )
        charge = charge_of(call, answered)
        if passing.status in CREDENTIAL_STATUSES:
            alarm = Alarm(AlarmKind.CREDENTIAL_REFUSED, f"upstream answered with status {passing.status}")
            charge = replace(charge, alarms=(*charge.alarms, alarm))
        works.committer.settle(Settlement(call, answered, charge, works.clock.now()), measured.sha256.digest())
        if works.marks.is_new(call, measured.named):
            self._later(works.marks.note(call, measured.named))
        if prepared.sides is not None and passing.kept is not None:
            whole = len(passing.kept) == measured.bytes
            content = Content(prepared.raw, bytes(passing.kept), whole)
            self._later(works.sealing.keep(call, prepared.sides, content))

    def _later(self, work: Awaitable[None]) -> None:
        """Have something written about a call that has ended; its own failure is only logged."""
        task = asyncio.ensure_future(_logged(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _read(address: Address, raw: bytes) -> Read:
    """Read a request; a large one in a thread."""
    if len(raw) <= limits.REQUEST_INLINE_BYTES_MAX:
        return read_request(address, raw)
    return await asyncio.to_thread(read_request, address, raw)


async def _logged(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as problem:  # noqa: BLE001  # nobody waits for it: the log is all that can be told
        log.warning("something about a call could not be kept", kind=type(problem).__name__)


async def _cut_when_gone(exchange: Exchange, live: LiveCall) -> None:
    await exchange.until_gone()
    live.cut(Ended.CALLER_LEFT)


async def _last_word(exchange: Exchange, ended: Ended) -> None:
    """Tell a caller why its answer ends here, unless it has left or does not read."""
    if ended is Ended.CALLER_LEFT or exchange.written is Written.WHOLE:
        return
    wrong = wrong_of_end(ended)
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORD_SECONDS_MAX):
            if exchange.written is Written.NOTHING:
                await exchange.refuse(wrong)
            else:
                await exchange.end(error_event(wrong, exchange.wire_format))
