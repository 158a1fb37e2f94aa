"""Who may call right now: standings that are never older than a second, and the calls that end with them (I2).

A process that cannot read standings, or that cannot hear of changes, lets nobody in and cuts what is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.records import Asked, Caller, Ended
from leadtime.flow.gateway.rules import is_fresh, refusal_of_asked, refusal_of_caller
from leadtime.flow.window import ModelId, Standing
from leadtime.foundation.clock import Clock
from leadtime.foundation.errors import Unavailable

log = structlog.get_logger()

WATCH_SECONDS = 0.2
IDLE_SECONDS = 60.0
"""A credential that nobody used for so long is read anew when it comes again."""

UNKNOWN_SECONDS = 0.5
"""How long an unknown credential is refused without asking the database again."""


class StandingSource(Protocol):
    """Where standings are read, and where changes are heard of; every method may raise anything when it cannot."""

    async def find(self, secret_hash: bytes) -> Standing | None:
        """Return how the grant of a credential stands, None if there is no such credential."""
        ...

    async def read_again(self, secret_hashes: Collection[bytes]) -> Mapping[bytes, Standing]:
        """Return how the grants of credentials stand now, without those that are credentials no more."""
        ...

    async def credential_of(self, model: ModelId) -> str:
        """Return what a model's upstream wants to see."""
        ...

    async def hear(self, seconds_max: float) -> frozenset[ModelId] | None:
        """Wait for changes no longer than so; return whose, None: perhaps anybody's (some may have been missed)."""
        ...

    async def close(self) -> None:
        """Let go of whatever it holds."""
        ...


class LiveCall:
    """One call that is under way in this process; it ends when its task is told to, for one reason, the first."""

    __slots__ = ("_task", "asked", "caller", "ended", "secret_hash")

    def __init__(self, task: asyncio.Task[None], secret_hash: bytes, caller: Caller, asked: Asked) -> None:
        self._task = task
        self.secret_hash = secret_hash
        self.caller = caller
        self.asked = asked
        self.ended: Ended | None = None

    def cut(self, ended: Ended) -> None:
        """End the call; whatever it waits for is abandoned at once."""
        if self.ended is None:
            self.ended = ended
            self._task.cancel()


@dataclass(slots=True, repr=False)
class _Known:
    """A credential that was used lately: how it stands, when that was read, and its calls."""

    standing: Standing
    read_at: float
    used_at: float
    calls: set[LiveCall] = field(default_factory=set)


class Standings:
    """The standings of one process; see the module.

    ``recorded_at`` tells when, by ``monotonic``, the process last told the database that it lives.
    """

    def __init__(
        self,
        source: StandingSource,
        clock: Clock,
        monotonic: Callable[[], float],
        recorded_at: Callable[[], float] | None = None,
    ) -> None:
        self._source = source
        self._recorded_at = recorded_at or monotonic
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[bytes, _Known] = {}
        self._unknown: dict[bytes, float] = {}
        self._credentials: dict[ModelId, str] = {}
        self._asking: dict[bytes, asyncio.Task[Standing | None]] = {}
        self._heard_at = float("-inf")
        self.strangers = 0
        self.live = 0

    async def of(self, secret_hash: bytes) -> Standing | None:
        """Return how a credential stands as of a second ago at most, None for an unknown one.

        Raises `Unavailable` if that cannot be read.
        """
        known, now = self._known.get(secret_hash), self._monotonic()
        if known is not None and is_fresh(known.read_at, now):
            known.used_at = now
            return known.standing
        if self._unknown.get(secret_hash, now) > now:
            self.strangers += 1
            return None
        task = self._asking.get(secret_hash)
        if task is None:
            if len(self._asking) >= limits.ASKING_MAX:
                raise _not_read()
            task = self._asking[secret_hash] = asyncio.create_task(self._find(secret_hash))
            task.add_done_callback(lambda _: self._asking.pop(secret_hash, None))
        return await asyncio.shield(task)

    async def credential_of(self, model: ModelId) -> str:
        """Return what a model's upstream wants to see; raises `Unavailable` if it cannot be read."""
        if model not in self._credentials:
            try:
                self._credentials[model] = await self._source.credential_of(model)
            except Exception as problem:
                log.warning("upstream credential could not be read", kind=type(problem).__name__)
                raise _not_read() from problem
        return self._credentials[model]

    def hold(self, call: LiveCall) -> None:
        """Watch a call: it is cut as soon as its access ends or can no longer be read."""
        self.live += 1
        known = self._known.get(call.secret_hash)
        if known is None:
            call.cut(Ended.ACCESS_ENDED)
        else:
            known.calls.add(call)

    def drop(self, call: LiveCall) -> None:
        """Stop watching a call that has ended."""
        known = self._known.get(call.secret_hash)
        if known is not None:
            known.calls.discard(call)
        self.live -= 1

    def may_go_on(self, call: LiveCall) -> bool:
        """Tell whether a call's standing is still fresh; asked before each piece of an answer is passed on."""
        known = self._known.get(call.secret_hash)
        return known is not None and is_fresh(known.read_at, self._monotonic())

    def cut_all(self, ended: Ended) -> None:
        """End every call of this process."""
        for known in self._known.values():
            for call in tuple(known.calls):
                call.cut(ended)

    async def listen_always(self) -> None:
        """Hear of changes and read what they concern at once, until cancelled."""
        while True:
            began = self._monotonic()
            try:
                async with asyncio.timeout(2 * limits.STANDING_SECONDS_MAX):
                    changed = await self._source.hear(limits.HEAR_SECONDS)
                    if changed is None or changed:
                        await self._refresh(changed)
                self._heard_at = began
            except Exception as problem:  # noqa: BLE001  # the outermost loop: the other one reads the more
                log.warning("changes of standing could not be heard", kind=type(problem).__name__)
                await asyncio.sleep(limits.REFRESH_SECONDS)

    async def refresh_always(self) -> None:
        """Read every standing again and again, until cancelled, and all that is kept while changes cannot be heard."""
        while True:
            await asyncio.sleep(limits.REFRESH_SECONDS)
            heard = self._monotonic() - self._heard_at <= 2 * limits.STANDING_SECONDS_MAX
            try:
                async with asyncio.timeout(2 * limits.STANDING_SECONDS_MAX):
                    await self._refresh(frozenset() if heard else None)
            except Exception as problem:  # noqa: BLE001  # the outermost loop: whatever it was, streams are cut
                log.warning("standings could not be read", kind=type(problem).__name__)

    async def watch_always(self) -> None:
        """Cut what may not go on, apart from how reading fares, until cancelled."""
        while True:
            try:
                self.judge()
            except Exception as problem:  # the outermost loop: what cannot be judged is cut
                log.exception("standings could not be judged", kind=type(problem).__name__)
                self.cut_all(Ended.STALE)
            await asyncio.sleep(WATCH_SECONDS)

    def judge(self) -> None:
        """Cut each call whose access is over now, or whose standing is too old to tell."""
        now, at = self._monotonic(), self._clock.now()
        recorded = now - self._recorded_at() <= limits.RECORD_SECONDS_MAX
        for known in tuple(self._known.values()):
            fresh = recorded and is_fresh(known.read_at, now)
            for call in tuple(known.calls):
                if not fresh:
                    call.cut(Ended.STALE)
                elif refusal_of_caller(known.standing, call.caller, at) or refusal_of_asked(known.standing, call.asked):
                    call.cut(Ended.ACCESS_ENDED)

    async def _find(self, secret_hash: bytes) -> Standing | None:
        began = self._monotonic()
        try:
            async with asyncio.timeout(limits.STANDING_SECONDS_MAX):
                standing = await self._source.find(secret_hash)
        except Exception as problem:
            log.warning("standing could not be read", kind=type(problem).__name__)
            raise _not_read() from problem
        if standing is None:
            self.strangers += 1
            self._remember_unknown(secret_hash, began)
            return None
        self._keep(secret_hash, standing, began)
        return standing

    def _keep(self, secret_hash: bytes, standing: Standing, read_at: float) -> None:
        known = self._known.get(secret_hash)
        if known is not None:
            known.standing, known.read_at = standing, read_at
            return
        if len(self._known) >= limits.KNOWN_CREDENTIALS_MAX:
            raise _not_read()
        self._known[secret_hash] = _Known(standing, read_at, read_at)

    def _remember_unknown(self, secret_hash: bytes, now: float) -> None:
        if len(self._unknown) >= limits.UNKNOWN_CREDENTIALS_MAX:
            self._unknown.clear()
        self._unknown[secret_hash] = now + UNKNOWN_SECONDS

    async def _refresh(self, changed: frozenset[ModelId] | None) -> None:
        """Read every known credential's standing again; ``changed`` None: whatever else is kept may be old too."""
        began = self._monotonic()
        self._forget_idle(began)
        if changed is None:
            self._credentials.clear()
        for model in changed or ():
            self._credentials.pop(model, None)
        if changed is None or changed:
            self._unknown.clear()
        again = await self._source.read_again(frozenset(self._known))
        for secret_hash, known in tuple(self._known.items()):
            if began < known.read_at:
                continue
            standing = again.get(secret_hash)
            if standing is None:
                self._end(secret_hash)
            else:
                known.standing, known.read_at = standing, began
        self.judge()

    def _forget_idle(self, now: float) -> None:
        for secret_hash, known in tuple(self._known.items()):
            if not known.calls and now - known.used_at > IDLE_SECONDS:
                del self._known[secret_hash]

    def _end(self, secret_hash: bytes) -> None:
        known = self._known.pop(secret_hash, None)
        for call in tuple(known.calls) if known else ():
            call.cut(Ended.ACCESS_ENDED)


def _not_read() -> Unavailable:
    return Unavailable(
        "how your access stands cannot be read just now, so no call is let through", next_step="Try again in a second."
    )
