"""Standings as a process keeps them: fresh or not used, changes heard, and nobody let in when nothing can be read."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from leadtime.flow.gateway.limits import ASKING_MAX
from leadtime.flow.gateway.live import LiveCall, Standings
from leadtime.flow.gateway.records import Ended
from leadtime.flow.window import Ending
from leadtime.foundation.clock import FixedClock
from leadtime.foundation.errors import Unavailable
from tests.flow.gateway.factories import ASKED, CALLER, DAY, NOW, STANDING

HASH = b"h" * 32


class Source:
    """Standings in memory; ``fails`` stands for a database that does not answer."""

    def __init__(self) -> None:
        self.standings = {HASH: STANDING}
        self.fails = False
        self.found = 0
        self.go = None

    def _answer(self) -> None:
        if self.fails:
            raise OSError

    async def find(self, secret_hash):
        self._answer()
        if self.go is not None:
            await self.go.wait()
        self.found += 1
        return self.standings.get(secret_hash)

    async def read_again(self, secret_hashes):
        self._answer()
        return {one: standing for one, standing in self.standings.items() if one in secret_hashes}

    async def credential_of(self, model):
        self._answer()
        return "sk"

    async def hear(self, seconds_max):
        self._answer()
        return frozenset()

    async def close(self):
        pass


class Time:
    """A clock that never goes back and stands still until told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Task:
    def __init__(self) -> None:
        self.cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def standings(source, time):
    return Standings(source, FixedClock(NOW), time)


def held(standings) -> tuple[LiveCall, Task]:
    task = Task()
    call = LiveCall(task, HASH, CALLER, ASKED)
    standings.hold(call)
    return call, task


def refresh(standings, changed=frozenset()):
    return asyncio.run(standings._refresh(changed))


def test_a_standing_is_read_once_a_second_at_most_for_callers(standings, source, time):
    assert asyncio.run(standings.of(HASH)) == STANDING
    time.now += 1.0
    assert asyncio.run(standings.of(HASH)) == STANDING
    assert source.found == 1
    time.now += 0.001
    assert asyncio.run(standings.of(HASH)) == STANDING
    assert source.found == 2


def test_what_cannot_be_read_lets_nobody_in(standings, source, time):
    asyncio.run(standings.of(HASH))
    source.fails = True
    assert asyncio.run(standings.of(HASH)) == STANDING
    time.now += 1.001
    with pytest.raises(Unavailable) as unread:
        asyncio.run(standings.of(HASH))
    assert str(unread.value) == (
        "how your access stands cannot be read just now, so no call is let through. Try again in a second."
    )
    with pytest.raises(Unavailable):
        asyncio.run(standings.credential_of(STANDING.model))


def test_unknown_credentials_are_counted_and_not_asked_for_again_at_once(standings, source, time):
    assert [asyncio.run(standings.of(b"x")) for _ in range(3)] == [None] * 3
    assert (standings.strangers, source.found) == (3, 1)
    time.now += 0.6
    asyncio.run(standings.of(b"x"))
    assert (standings.strangers, source.found) == (4, 2)


def test_a_stale_standing_cuts_its_calls(standings, time):
    asyncio.run(standings.of(HASH))
    call, task = held(standings)
    time.now += 1.0
    standings.judge()
    assert standings.may_go_on(call)
    assert (call.ended, task.cancelled) == (None, 0)
    time.now += 0.001
    assert not standings.may_go_on(call)
    standings.judge()
    standings.judge()
    assert (call.ended, task.cancelled) == (Ended.STALE, 1)


@pytest.mark.parametrize(
    "now_stands",
    [
        replace(STANDING, ended=Ending.WITHDRAWN),
        replace(STANDING, ends_at=NOW),
        replace(STANDING, begins_at=NOW + DAY),
        replace(STANDING, networks=(("203.0.113.0/24",),)),
        replace(STANDING, variants=STANDING.variants[:1]),
        None,
    ],
)
def test_a_changed_standing_cuts_its_calls(standings, source, now_stands):
    asyncio.run(standings.of(HASH))
    call, _ = held(standings)
    source.standings = {HASH: now_stands} if now_stands else {}
    refresh(standings)
    assert call.ended is Ended.ACCESS_ENDED


def test_a_replaced_credential_cuts_its_calls(standings, source):
    asyncio.run(standings.of(HASH))
    call, _ = held(standings)
    refresh(standings)
    assert call.ended is None
    source.standings = {b"n" * 32: STANDING}
    refresh(standings)
    assert call.ended is Ended.ACCESS_ENDED
    assert asyncio.run(standings.of(HASH)) is None


def test_a_call_of_a_credential_that_ended_meanwhile_is_cut_at_once(standings):
    call, _ = held(standings)
    assert call.ended is Ended.ACCESS_ENDED
    standings.drop(call)
    assert standings.live == 0


def test_strangers_are_read_a_few_at_a_time_and_hold_up_nobody(standings, source):
    """What many unknown credentials wait for is bounded; beyond that they are told to come again."""

    async def run():
        await standings.of(HASH)
        source.go = asyncio.Event()
        asking = [asyncio.create_task(standings.of(number.to_bytes(32))) for number in range(ASKING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await standings.of(b"s" * 32)
        known = await standings.of(HASH)
        source.go.set()
        return known, await asyncio.gather(*asking), await standings.of(b"s" * 32)

    assert asyncio.run(run()) == (STANDING, [None] * ASKING_MAX, None)
    assert standings.strangers == ASKING_MAX + 1


def test_what_cannot_be_judged_is_cut(standings, monkeypatch):
    asyncio.run(standings.of(HASH))
    call, _ = held(standings)

    async def run():
        monkeypatch.setattr(standings, "judge", broken)
        watching = asyncio.create_task(standings.watch_always())
        await asyncio.sleep(0)
        assert not watching.done()
        watching.cancel()

    def broken():
        raise ValueError

    asyncio.run(run())
    assert call.ended is Ended.STALE


def test_a_process_that_cannot_write_cuts_its_streams_before_it_counts_as_dead(source, time):
    recorded = Time()
    standings = Standings(source, FixedClock(NOW), time, recorded)
    asyncio.run(standings.of(HASH))
    call, _ = held(standings)
    time.now += 4.0
    refresh(standings)
    assert call.ended is None
    time.now += 0.001
    refresh(standings)
    assert call.ended is Ended.STALE


def test_what_nobody_uses_is_forgotten_and_what_is_open_is_not(standings, source, time):
    asyncio.run(standings.of(HASH))
    call, _ = held(standings)
    time.now += 61
    refresh(standings)
    assert standings.may_go_on(call)
    standings.drop(call)
    refresh(standings)
    assert not standings.may_go_on(call)


def test_upstream_credentials_are_kept_until_their_model_changes(standings, source):
    assert asyncio.run(standings.credential_of(STANDING.model)) == "sk"
    source.fails = True
    assert asyncio.run(standings.credential_of(STANDING.model)) == "sk"
    source.fails = False
    refresh(standings, frozenset({STANDING.model}))
    source.fails = True
    with pytest.raises(Unavailable):
        asyncio.run(standings.credential_of(STANDING.model))
