from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import JsonBounds, path_to, read_json

BOUNDS = JsonBounds(bytes_max=1000, depth_max=4, values_max=100)
LARGE = JsonBounds(bytes_max=1 << 20, depth_max=64, values_max=100_000)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def refusal(raw: bytes, bounds: JsonBounds = BOUNDS) -> tuple[str, str]:
    with pytest.raises(Malformed) as caught:
        read_json(raw, bounds)
    return caught.value.what, caught.value.where


@given(VALUES)
def test_every_document_is_read_as_it_was_written(document: object) -> None:
    assert read_json(json.dumps(document).encode(), LARGE) == document
    assert read_json(json.dumps(document, ensure_ascii=False).encode(), LARGE) == document


@given(st.binary(max_size=200))
def test_whatever_bytes_come_only_malformed_is_raised(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        read_json(raw, LARGE)


@given(st.text(alphabet='[]{}",:0123456789eE+-.NaInfity\\ud8tru ', max_size=60))
def test_whatever_text_like_json_comes_only_malformed_is_raised(text: str) -> None:
    with contextlib.suppress(Malformed):
        read_json(text.encode(), LARGE)


def test_the_size_is_judged_before_parsing_and_its_bound_is_allowed() -> None:
    assert read_json(b'"' + b"x" * 998 + b'"', BOUNDS) == "x" * 998
    assert refusal(b"not json" * 200) == ("this is larger than 1000 bytes", "$")


def test_values_are_counted_before_parsing_and_their_bound_is_allowed() -> None:
    assert read_json(b"[" + b"0," * 99 + b"0]", BOUNDS) == [0] * 100
    assert refusal(b"[" + b"0," * 100 + b"0]") == ("this holds more than 100 values", "$")
    assert refusal(b"{" * 101) == ("this holds more than 100 values", "$")


def test_depth_is_bounded_and_its_bound_is_allowed() -> None:
    assert read_json(b'[[[{"a": 1}]]]', BOUNDS) == [[[{"a": 1}]]]
    assert refusal(b'[[[{"a": []}]]]') == ("this is nested more than 4 levels deep", "$")
    deep = b"[" * 90_000 + b"]" * 90_000
    assert refusal(deep, LARGE) == ("this is nested more than 64 levels deep", "$")


def test_bytes_that_are_not_utf_8_are_refused_with_their_place() -> None:
    assert refusal(b'{"a": "\xff"}') == ("this is not UTF-8", "byte 7")


def test_what_is_not_json_is_refused_with_its_place() -> None:
    assert refusal(b'{"a": 1,\n}') == ("this is not JSON", "line 2, column 1")
    assert refusal(b"") == refusal(b" \n") == ("this is empty", "$")
    assert refusal(b"{\n") == ("this is not JSON", "line 2, column 1")


def test_two_values_under_one_name_are_refused() -> None:
    assert refusal(b'{"b": 0, "a": 1, "a": 2}') == ("a name stands twice in one object", "$..a")


def test_nan_and_infinity_and_numbers_beyond_them_are_refused() -> None:
    assert refusal(b"[NaN]") == ("NaN and Infinity are not JSON", "$")
    assert refusal(b"-Infinity") == ("NaN and Infinity are not JSON", "$")
    assert refusal(b"1e999") == ("a number is too large", "$")


def test_a_number_of_many_digits_is_refused_and_the_bound_is_allowed() -> None:
    assert read_json(b"1" * 64, BOUNDS) == int("1" * 64)
    assert refusal(b"1" * 65) == ("a number has more than 64 characters", "$")
    assert refusal(b"0." + b"1" * 63) == ("a number has more than 64 characters", "$")


def test_half_a_surrogate_pair_is_refused_as_value_and_as_name() -> None:
    assert refusal(b'{"a": ["x", "\\ud800"]}') == ("half of a surrogate pair is not text", "$.a[1]")
    assert refusal(b'{"a": {"\\udfff": 1}}') == ("half of a surrogate pair is not text", "$.a")
    assert read_json(b'"\\ud83d\\ude00"', BOUNDS) == "\N{GRINNING FACE}"


def test_a_name_that_is_not_plain_is_not_repeated_in_messages() -> None:
    assert path_to("$", "found_by") == "$.found_by"
    assert path_to("$", "a" * 64) == "$." + "a" * 64
    assert path_to("$", "a" * 65) == "$.(a name that is not plain)"
    assert path_to("$", "\x1b[2J") == "$.(a name that is not plain)"
    assert path_to("$", "a\n") == "$.(a name that is not plain)"
