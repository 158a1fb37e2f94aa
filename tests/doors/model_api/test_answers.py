"""What an upstream calls itself is text that every table and leaf can hold, whatever it sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.doors.model_api.answers import Measured
from leadtime.flow.gateway import Address, Fingerprint


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
