from __future__ import annotations

import pytest

from leadtime.foundation.errors import Malformed
from leadtime.foundation.settings import WitnessAt, read_settings

KEY = "witness.example+91cd0aff+AU3fabc"


def witnesses(text):
    return read_settings({"LEADTIME_WITNESSES": text}).witnesses


def test_witnesses_are_keys_at_addresses_apart_by_spaces():
    assert witnesses("") == ()
    assert witnesses(f" {KEY}@https://w.example/log\n{KEY}@http://127.0.0.1:8430 ") == (
        WitnessAt(KEY, "https://w.example/log"),
        WitnessAt(KEY, "http://127.0.0.1:8430"),
    )


@pytest.mark.parametrize("text", [KEY, "@https://w.example", f"{KEY}@http://w.example", f"{KEY}@w.example"])
def test_a_witness_that_nobody_could_ask_safely_is_refused(text):
    with pytest.raises(Malformed, match="a witness is KEY@URL") as refused:
        witnesses(text)
    assert refused.value.where == "LEADTIME_WITNESSES"


def test_there_are_eight_at_most():
    assert len(witnesses(f"{KEY}@https://w.example " * 8)) == 8
    with pytest.raises(Malformed, match="there are more than 8 witnesses"):
        witnesses(f"{KEY}@https://w.example " * 9)
