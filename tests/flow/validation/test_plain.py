"""Records cross a pipe as JSON, and only records come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.plain import from_plain, to_plain
from leadtime.flow.validation.records import SeenSide
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    flag: bool
    number: int


@dataclass(frozen=True)
class Outer:
    text: str
    colour: Colour
    maybe: Inner | None
    many: tuple[Inner, ...]
    pair: tuple[int, str]
    table: Mapping[str, Inner]
    names: frozenset[str]
    share: float


INNERS = st.builds(Inner, st.booleans(), st.integers())
OUTERS = st.builds(
    Outer,
    st.text(),
    st.sampled_from(Colour),
    st.none() | INNERS,
    st.lists(INNERS).map(tuple),
    st.tuples(st.integers(), st.text()),
    st.dictionaries(st.text(), INNERS),
    st.frozensets(st.text()),
    st.floats(allow_nan=False),
)


@given(OUTERS)
def test_a_record_comes_back_as_it_went(record: Outer) -> None:
    assert from_plain(Outer, to_plain(record)) == record


GOOD: dict[str, Json] = {
    "text": "a",
    "colour": "red",
    "maybe": None,
    "many": [],
    "pair": [1, "a"],
    "table": {},
    "names": [],
    "share": 0.5,
}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"text": 1}, "$.text"),
        ({"colour": "green"}, "$.colour"),
        ({"colour": 1}, "$.colour"),
        ({"maybe": {"flag": 1, "number": 1}}, "$.maybe.flag"),
        ({"maybe": {"flag": True, "number": True}}, "$.maybe.number"),
        ({"maybe": {"flag": True}}, "$.maybe"),
        ({"many": [{}]}, "$.many[0]"),
        ({"many": {}}, "$.many"),
        ({"pair": [1]}, "$.pair"),
        ({"pair": [1, 2]}, "$.pair[1]"),
        ({"table": []}, "$.table"),
        ({"table": {"a": 1}}, "$.table.*"),
        ({"names": [1]}, "$.names[0]"),
        ({"share": 1}, "$.share"),
        ({"more": 1}, "$"),
    ],
)
def test_anything_else_is_malformed_with_its_place(changes: dict[str, Json], where: str) -> None:
    assert from_plain(Outer, dict(GOOD)).text == "a"
    with pytest.raises(Malformed) as refusal:
        from_plain(Outer, {**GOOD, **changes})
    assert (refusal.value.what, refusal.value.where) == ("this is not what was agreed on", where)


def test_only_known_types_cross() -> None:
    with pytest.raises(TypeError):
        to_plain(object())
    with pytest.raises(TypeError):
        from_plain(object, "x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["purl", "scene", "runs", "x"]), inner),
    )
)
def test_hostile_answers_are_malformed(value: Json) -> None:
    with pytest.raises(Malformed):
        from_plain(SeenSide, value)
