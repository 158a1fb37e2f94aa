"""What an upstream calls itself is text that every table and leaf can hold, whatever it sent."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.doors.model_api.answers import Events, GarbageError, Measured, without_usage_alone
from leadtime.flow.gateway import Address, Fingerprint, Usage
from leadtime.flow.gateway.limits import EVENT_BYTES_MAX


def named(model: object, system: object = None) -> Fingerprint:
    measured = Measured(Address.CHAT)
    measured.see_document(json.dumps({"model": model, "system_fingerprint": system}).encode())
    return measured.named


@pytest.mark.parametrize("odd", ["\ud800", "a\x00b", "line\nline", "\x1b[31m"])
def test_odd_names_are_made_plain(odd):
    told = named(odd, odd)
    assert told.model.isprintable()
    assert told.system == told.model != odd


def test_ordinary_names_are_left_alone():
    assert named("orion-1 (größe)", "fp_1") == Fingerprint("orion-1 (größe)", "fp_1")


@given(st.text())
def test_every_name_can_be_written(model):
    told = named(model).model
    told.encode()
    assert "\x00" not in told


def event(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


STREAM = event(model="m", choices=[{"delta": {"content": "All is"}}]) + event(choices=[{"delta": {"content": " well"}}])
USAGE = event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 4})
DONE = b"data: [DONE]\n\n"


@given(st.lists(st.integers(0, 200)), st.booleans())
def test_a_stream_is_the_same_however_it_is_cut(places, returns):
    """Events come out whole and in order, and every byte of them, wherever the network cut."""
    whole = STREAM + USAGE + DONE + b": rest"
    sent = whole.replace(b"\n", b"\r\n") if returns else whole
    cuts = [0, *sorted(place for place in places if place < len(sent)), len(sent)]
    events, got = Events(), []
    for begin, end in itertools.pairwise(cuts):
        got.append(events.feed(sent[begin:end]))
    assert all(not piece or piece.endswith(b"\n\n") for piece in got)
    assert b"".join(got) + events.end() == whole


@given(st.lists(st.integers(0, 200)))
def test_what_is_measured_does_not_hang_on_the_cuts(places):
    whole = STREAM + USAGE + DONE
    cuts = [0, *sorted(place for place in places if place < len(whole)), len(whole)]
    events, measured, passed = Events(), Measured(Address.CHAT), b""
    for begin, end in itertools.pairwise(cuts):
        piece = events.feed(whole[begin:end])
        if piece:
            measured.see_events(piece)
            passed += without_usage_alone(piece)
    assert (measured.text_bytes, measured.usage, measured.named) == (11, Usage(3, 4), Fingerprint("m"))
    assert passed == STREAM + DONE


def test_an_event_that_never_ends_is_garbage():
    events = Events()
    for _ in range(EVENT_BYTES_MAX // 65_536):
        assert events.feed(b"x" * 65_536) == b""
    with pytest.raises(GarbageError):
        events.feed(b"x")
