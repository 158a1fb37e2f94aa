"""What both sides learn of each other, and that it is no more than that."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.private_match import ASKED_MAX, ASKED_MIN, Asker, Holder, count_asked, library, limits, messages, roles

psi = pytest.importorskip("private_set_intersection.python", reason="openmined-psi has no wheel for this machine")


def element(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


HELD = frozenset(element(f"held {number}") for number in range(20))
HOLDER = Holder.of(HELD)


def ask(*elements: bytes) -> frozenset[bytes]:
    asker = Asker.of(elements)
    return asker.read(HOLDER.answer(asker.request))


def test_the_asker_learns_which_of_its_own_are_held_and_no_others():
    mine = element("held 3")
    assert ask(element("mine alone"), mine) == {mine}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20, unique=True), st.integers(0, 20))
def test_never_what_only_one_side_has(fresh, shared):
    both = sorted(HELD)[:shared]
    assert ask(*fresh, *both) == frozenset(both) | (frozenset(fresh) & HELD)


def test_all_or_nothing_held():
    assert ask(*HELD) == HELD
    assert ask(element("a"), element("b")) == frozenset()


def test_nothing_asked_for_stands_in_the_message_in_any_spelling():
    mine = element("held 1"), element("mine alone")
    asker = Asker.of(mine)
    for each in mine:
        assert each not in asker.request
        assert each.hex().encode() not in asker.request
    answer = HOLDER.answer(asker.request)
    for each in (*mine, *HELD):
        assert each not in answer
        assert each.hex().encode() not in answer


def test_the_same_question_never_looks_the_same():
    points = [set(messages.read_request(Asker.of([element("a")]).request).encrypted_elements) for _ in range(3)]
    assert not points[0] & points[1]
    assert not points[0] & points[2]


def test_two_holders_of_one_set_cannot_be_compared():
    asker = Asker.of([element("held 1")])
    first, second = (messages.read_answer(Holder.of(HELD).answer(asker.request), asked=ASKED_MIN) for _ in range(2))
    assert first[0].gcs.bits != second[0].gcs.bits
    assert not set(first[1].encrypted_elements) & set(second[1].encrypted_elements)
    with_other = messages.write_answer(first[0], second[1])
    assert asker.read(with_other) == frozenset()


@pytest.mark.parametrize(("asked", "shown"), [(1, 8), (8, 8), (9, 16), (16, 16), (17, 32), (1024, 1024)])
def test_the_number_of_questions_is_told_as_a_power_of_two(asked, shown):
    assert count_asked(Asker.of([element(str(number)) for number in range(asked)]).request) == shown


def test_the_size_of_the_set_is_told_as_a_power_of_two():
    sizes = {len(prepared(held).gcs.bits) // 512 for held in (0, 1, 1024)}
    assert len(sizes) == 1
    assert len(roles._filled([element(str(number)) for number in range(1025)], limits.HELD_MIN)) == 2048
    assert len(roles._filled([element(str(number)) for number in range(2048)], limits.HELD_MIN)) == 2048


def prepared(held: int) -> Any:
    return Holder.of(frozenset(element(str(number)) for number in range(held)))._set


def test_an_empty_set_holds_nothing():
    asker = Asker.of([element("a")])
    assert asker.read(Holder.of(frozenset()).answer(asker.request)) == frozenset()


@pytest.mark.parametrize("asked", [0, ASKED_MAX + 1])
def test_too_few_or_too_many_are_refused_before_they_are_blinded(asked):
    with pytest.raises(Malformed, match="1 to 1024 elements"):
        Asker.of([element(str(number)) for number in range(asked)])


def test_a_set_that_is_too_large_is_not_prepared(monkeypatch):
    monkeypatch.setattr(roles, "HELD_MAX", 2)
    with pytest.raises(Unavailable, match="more than 2 elements"):
        Holder.of(frozenset(map(element, "abc")))


def a_request(*points: bytes, reveal: bool = True) -> bytes:
    return messages.write_request(psi.Request(encrypted_elements=points, reveal_intersection=reveal))


POINT = b"\x02" + b"\x01" * 32
HOSTILE = {
    "empty": b"",
    "no magic": b"\x0a\x00",
    "another version": b"LTPM\x02" + Asker.of([b"a" * 32]).request[5:],
    "not protobuf": messages.MAGIC + b"\xff\xff\xff",
    "larger than any": messages.MAGIC + b"\x00" * limits.REQUEST_BYTES_MAX,
    "points of no curve": a_request(*[b"\x02" + b"\xff" * 32] * 8),
    "the point at infinity": a_request(*[b"\x00" * 33] * 8),
    "points of another length": a_request(*[POINT + b"\x00"] * 8),
    "only how many": a_request(*[POINT] * 8, reveal=False),
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
def test_what_no_asker_made_is_refused_in_a_sentence(message):
    with pytest.raises(Malformed, match="this is no message of private matching, version 1"):
        HOLDER.answer(message)


@pytest.mark.parametrize("count", [0, 4, 12, 2048])
def test_a_number_of_points_that_is_none_of_ours_is_refused(count):
    message = a_request(*[POINT] * count)
    with pytest.raises(Malformed, match=r"a power of two of elements, from 8 to 1024|no message of private"):
        count_asked(message)


def test_an_answer_that_is_none_to_this_request_is_refused():
    asker, other = Asker.of([element("a")]), Asker.of([element(str(number)) for number in range(9)])
    answer = HOLDER.answer(other.request)
    held, points = messages.read_answer(answer, asked=16)
    for wrong in (
        answer,
        b"LTPM\x01\xff\xff\xff\xff",
        messages.MAGIC,
        messages.write_answer(psi.ServerSetup(), points),
    ):
        with pytest.raises(Malformed, match="no message of private matching"):
            asker.read(wrong)
    del points.encrypted_elements[:]
    points.encrypted_elements.extend([b"\x02" + b"\xff" * 32] * 8)
    with pytest.raises(Malformed, match="no message of private matching"):
        asker.read(messages.write_answer(held, points))


def test_without_the_library_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "private_set_intersection.python", None)
    with pytest.raises(Unavailable) as refused:
        library.find_library()
    assert str(refused.value) == (
        "held: private matching needs openmined-psi, which is not on this machine. "
        "Use CPython 3.11 to 3.13 on x86-64 Linux with glibc 2.35 or later."
    )
