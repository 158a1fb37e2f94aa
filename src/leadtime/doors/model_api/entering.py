"""Who calls, with what body: judged before the body is read and again when it is here; refusals are leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from aiohttp import ClientSession

from leadtime.doors.model_api.asked import (
    BusyError,
    Credential,
    Exchange,
    GoneError,
    Networks,
    TooLargeError,
)
from leadtime.doors.model_api.sealing import Sealing
from leadtime.doors.model_api.shapes import (
    BUSY,
    TOO_LARGE,
    TOO_SLOW,
    UNKNOWN_CREDENTIAL,
    Wrong,
    wrong_of_error,
    wrong_of_refusal,
)
from leadtime.flow.gateway import (
    Caller,
    Committer,
    Marks,
    Presented,
    Proof,
    Reason,
    Refusal,
    RefusalCount,
    Standings,
    judge_proof,
    limits,
    refusal_of_caller,
    witness_refusal,
)
from leadtime.flow.window import PREFIX_OF_GRANTS, Standing
from leadtime.foundation.clock import Clock
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.keys import KeyRing, token_hash

PURPOSE_HEADER = b"leadtime-purpose"
PURPOSE_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, repr=False)
class Works:
    """What every call of one gateway process shares."""

    clock: Clock
    keys: KeyRing
    standings: Standings
    committer: Committer
    refusals: RefusalCount
    marks: Marks
    sealing: Sealing
    session: ClientSession
    url: str
    proxies: Networks


@dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """Who calls: standing, the digest of its secret, where from and what for, and the proof that it held."""

    standing: Standing
    secret_hash: bytes
    caller: Caller
    proof: Proof | None


class Entrance:
    """Where every call comes in; one for a gateway process."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._held_bytes = 0
        self._arriving = 0

    async def enter(self, exchange: Exchange) -> Holder | None:
        """Return who calls, or None after refusing it; known callers' refusals are leaves, strangers are counted."""
        credential = exchange.credential()
        if credential is None or not credential.secret.startswith(f"{PREFIX_OF_GRANTS}_"):
            # Nothing of ours: not worth asking for.
            self._works.standings.strangers += 1
            await exchange.refuse(UNKNOWN_CREDENTIAL)
            return None
        secret_hash = token_hash(credential.secret)
        standing = await self._standing_of(exchange, secret_hash)
        if standing is None:
            return None
        purpose = exchange.header(PURPOSE_HEADER)[:PURPOSE_CHARS_MAX]
        caller = Caller(exchange.network(self._works.proxies), purpose)
        refusal = refusal_of_caller(standing, caller, self._works.clock.now())
        proof = None if refusal else self._proof(exchange, credential, standing)
        if isinstance(proof, Refusal):
            refusal, proof = proof, None
        if refusal is not None:
            await self.refuse(exchange, standing, caller, refusal)
            return None
        return Holder(standing, secret_hash, caller, proof)

    @contextmanager
    def hold(self) -> Iterator[Callable[[int], None]]:
        """Give what counts a body's bytes as they come, all of which are let go of at the end of the block."""
        held = 0

        def take(size_bytes: int) -> None:
            nonlocal held
            held += size_bytes
            self._held_bytes += size_bytes
            if self._held_bytes > limits.HELD_BYTES_MAX:
                raise BusyError

        try:
            yield take
        finally:
            self._held_bytes -= held

    async def body(self, exchange: Exchange, holder: Holder, take: Callable[[int], None]) -> bytes | None:
        """Return the body, or None after refusing it."""
        if self._works.standings.live + self._arriving >= limits.LIVE_CALLS_MAX:
            await exchange.refuse(BUSY)
            return None
        self._arriving += 1
        try:
            async with asyncio.timeout(limits.BODY_SECONDS_MAX):
                return await exchange.body(take)
        except GoneError:
            return None
        except BusyError:
            await exchange.refuse(BUSY)
        except TimeoutError:
            await exchange.refuse(TOO_SLOW)
        except TooLargeError:
            refusal = Refusal(Reason.FORM, "the request is larger than any may be", "Send less.")
            await self.refuse(exchange, holder.standing, holder.caller, refusal, wrong=TOO_LARGE)
        finally:
            self._arriving -= 1
        return None

    async def enter_again(self, exchange: Exchange, holder: Holder) -> Holder | None:
        """Return who calls as it stands now that the body is here, or None after refusing it."""
        standing = await self._standing_of(exchange, holder.secret_hash)
        if standing is None:
            return None
        refusal = refusal_of_caller(standing, holder.caller, self._works.clock.now())
        if refusal is not None:
            await self.refuse(exchange, standing, holder.caller, refusal)
            return None
        return replace(holder, standing=standing)

    async def _standing_of(self, exchange: Exchange, secret_hash: bytes) -> Standing | None:
        """Return how a credential stands, or None after saying why that is not known."""
        try:
            standing = await self._works.standings.of(secret_hash)
        except Unavailable as error:
            await exchange.refuse(wrong_of_error(error))
            return None
        if standing is None:
            await exchange.refuse(UNKNOWN_CREDENTIAL)
        return standing

    async def refuse(
        self, exchange: Exchange, standing: Standing, caller: Caller, refusal: Refusal, *, wrong: Wrong | None = None
    ) -> None:
        """Commit the leaf of a refusal, then tell it."""
        works, now = self._works, self._works.clock.now()
        uncounted = works.refusals.note(standing.grant, now)
        if uncounted is not None:
            leaf = witness_refusal(
                works.keys, standing, caller, refusal, address=exchange.path, at=now, uncounted=uncounted
            )
            with suppress(Unavailable):
                await works.committer.keep_leaf(leaf)
        await exchange.refuse(wrong or wrong_of_refusal(refusal))

    def _proof(self, exchange: Exchange, credential: Credential, standing: Standing) -> Proof | Refusal | None:
        if standing.key_thumbprint is None:
            return None
        presented = Presented(
            proof=exchange.header(b"dpop"),
            scheme=credential.scheme,
            method=exchange.method,
            url=self._works.url + exchange.path,
            secret=credential.secret,
        )
        return judge_proof(presented, standing.key_thumbprint, self._works.clock.now())
