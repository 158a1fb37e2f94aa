"""Gateways that lie, each caught by the developer's own access log."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.foundation.keys import KeyRing
from leadtime.ledger.completeness import Calls, Interval, Reach, compare, read_reaches
from leadtime.ledger.leaves import CALL, FORFEITED, VOID, new_leaf
from leadtime.ledger.records import LogName
from tests.conftest import START

ALWAYS = Interval()
KEYS = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)
LATER = START + timedelta(seconds=1)


class Gateway:
    """An honest one: each call is a leaf, and reaches the model with its id."""

    def __init__(self, keys):
        self.keys, self.leaves, self.upstream = keys, [], []

    def log(self, kind=CALL, about=None):
        leaf = new_leaf(self.keys, LogName("m1"), kind=kind, at=START, fields={}, about=about)
        self.leaves.append(leaf)
        return leaf

    def send(self, leaf):
        self.upstream.append(Reach(leaf and leaf.id, LATER, len(self.upstream) + 1))

    def call(self):
        leaf = self.log()
        self.send(leaf)
        return leaf

    def compared(self, interval=ALWAYS):
        calls = Calls()
        for index, leaf in enumerate(self.leaves):
            calls.visit(index, leaf)
        return compare(calls, self.upstream, interval)


@pytest.fixture
def gateway(keys):
    gateway = Gateway(keys)
    for _ in range(3):
        gateway.call()
    gateway.log(kind="read")
    return gateway


def counts(found):
    return {
        name: getattr(found, name).count
        for name in ("skipped", "repeated", "never_came", "voided_yet_came")
        if getattr(found, name).count
    }


def test_an_honest_gateway_agrees_with_the_access_log(gateway):
    unsent = gateway.log()
    gateway.log(kind=VOID, about=unsent.id)
    found = gateway.compared()
    assert (found.holds, found.matched, found.voided, found.outside) == (True, 3, 1, 0)
    assert counts(found) == {}


def test_a_gateway_that_died_is_in_doubt_and_no_liar(gateway):
    """Its calls may have come or not; those that came are matched like any other."""
    lost, sent = gateway.log(), gateway.call()
    for leaf in (lost, sent):
        gateway.log(kind=FORFEITED, about=leaf.id)
    found = gateway.compared()
    assert (found.holds, found.matched, counts(found), found.in_doubt.first) == (True, 4, {}, [str(lost.id)])


def test_a_gateway_that_skipped_a_leaf_is_caught(gateway):
    gateway.send(None)
    found = gateway.compared()
    assert (found.holds, counts(found)) == (False, {"skipped": 1})
    assert found.skipped.first == ["line 4: no Leadtime-Leaf at 2026-08-03T09:00:01+00:00"]


def test_a_gateway_that_made_up_a_leafs_id_is_caught(gateway, keys):
    stranger = Gateway(keys).call()
    gateway.send(stranger)
    found = gateway.compared()
    assert counts(found) == {"skipped": 1}
    assert found.skipped.first == [f"line 4: {stranger.id} at 2026-08-03T09:00:01+00:00"]


def test_a_gateway_that_sends_two_calls_on_one_leaf_is_caught(gateway):
    gateway.send(gateway.leaves[0])
    assert counts(gateway.compared()) == {"repeated": 1}


def test_a_gateway_that_carries_a_leaf_of_another_kind_is_caught(gateway):
    gateway.send(gateway.leaves[3])
    assert counts(gateway.compared()) == {"skipped": 1}


def test_a_gateway_that_logged_a_call_that_never_came_is_caught(gateway):
    phantom = gateway.log()
    found = gateway.compared()
    assert (found.holds, counts(found), found.never_came.first) == (False, {"never_came": 1}, [str(phantom.id)])


def test_a_gateway_that_says_a_call_was_not_sent_and_sent_it_is_caught(gateway):
    leaf = gateway.call()
    gateway.log(kind=VOID, about=leaf.id)
    found = gateway.compared()
    assert (counts(found), found.voided_yet_came.first) == ({"voided_yet_came": 1}, [str(leaf.id)])


def test_only_the_time_that_the_access_log_covers_is_judged(gateway):
    gateway.log()
    gateway.send(None)
    assert counts(gateway.compared(Interval(since=LATER))) == {"skipped": 1}
    assert counts(gateway.compared(Interval(until=LATER))) == {"never_came": 1}
    assert gateway.compared(Interval(since=LATER, until=LATER)).holds
    assert gateway.compared(Interval(since=LATER, until=LATER)).outside == 2
    assert counts(gateway.compared(Interval(since=START, until=LATER))) == {"never_came": 1}


def test_twenty_are_told_and_the_rest_counted(gateway):
    for _ in range(25):
        gateway.send(None)
    found = gateway.compared()
    assert (found.skipped.count, len(found.skipped.first)) == (25, 20)


@given(st.data())
def test_every_call_is_counted_once(data):
    gateway = Gateway(KEYS)
    sent = data.draw(st.lists(st.sampled_from(["call", "phantom", "skip", "void"]), max_size=30))
    for what in sent:
        if what == "call":
            gateway.call()
        elif what == "skip":
            gateway.send(None)
        else:
            leaf = gateway.log()
            if what == "void":
                gateway.log(kind=VOID, about=leaf.id)
    found = gateway.compared()
    assert (found.matched, found.never_came.count, found.skipped.count, found.voided) == tuple(
        sent.count(what) for what in ("call", "phantom", "skip", "void")
    )


def test_lines_are_read_with_whatever_else_they_hold(gateway):
    leaf = gateway.leaves[0].id
    lines = [
        f'{{"leaf": "{leaf}", "at": "2026-08-03T11:00:01+02:00", "path": "/v1/x", "ms": [1, 2]}}\n'.encode(),
        b"\n",
        b'{"leaf": null, "at": "2026-08-03T09:00:01Z"}\n',
        b'{"at": "2026-08-03T09:00:01Z"}',
    ]
    assert list(read_reaches(lines)) == [Reach(leaf, LATER, 1), Reach(None, LATER, 3), Reach(None, LATER, 4)]


@given(st.binary(max_size=200))
def test_any_line_is_read_or_malformed(line):
    with suppress(Malformed):
        assert len(list(read_reaches([line]))) <= 1


def test_a_log_of_too_many_lines_is_refused(monkeypatch):
    monkeypatch.setattr("leadtime.ledger.completeness.LINES_MAX", 2)
    line = b'{"at": "2026-08-03T09:00:01Z"}'
    assert len(list(read_reaches([line] * 2))) == 2
    with pytest.raises(Malformed, match="the access log has more than 2 lines"):
        list(read_reaches([line] * 3))
