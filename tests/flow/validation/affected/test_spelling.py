"""A survey survives its JSON, and nothing else is read as one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.affected.records import (
    AffectedRange,
    Bound,
    Event,
    NewestRelease,
    ReleaseWord,
    Survey,
    Tried,
)
from leadtime.flow.validation.affected.spelling import TEXT_CHARS_MAX, read_survey, survey_as_json
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Malformed

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TRIES = st.builds(Tried, TEXTS, st.sampled_from(ReleaseWord), TEXTS, st.lists(TEXTS.map(Digest), max_size=2).map(tuple))
RANGES = st.builds(
    AffectedRange,
    TEXTS,
    st.lists(st.builds(Event, st.sampled_from(Bound), TEXTS), max_size=3).map(tuple),
    st.lists(TEXTS, max_size=3).map(tuple),
    st.lists(TRIES, max_size=3).map(tuple),
    st.lists(TEXTS, max_size=3).map(tuple),
)
NEWEST = st.one_of(st.builds(NewestRelease, TRIES, st.just("")), st.builds(NewestRelease, st.none(), TEXTS))
SURVEYS = st.one_of(
    st.builds(Survey, NEWEST, RANGES, st.just("")),
    st.builds(Survey, NEWEST, st.none(), TEXTS),
)

WHOLE: dict[str, Any] = {
    "newest": {"release": "2", "verdict": "clean", "reason": "", "evidence": []},
    "range": {
        "type": "ECOSYSTEM",
        "events": [{"introduced": "0"}],
        "tried": [{"release": "1", "word": "fails", "reason": "", "evidence": []}],
        "releases": ["1", "2"],
        "undecided": [],
    },
}


@given(SURVEYS)
def test_a_survey_survives_its_json(found: Survey) -> None:
    assert read_survey(json.dumps(survey_as_json(found)).encode()) == found


@pytest.mark.parametrize(
    ("place", "value", "where"),
    [
        (("newest",), None, "$.newest"),
        (("newest", "reason"), 1, "$.newest.reason"),
        (("newest", "release"), 1, "$.newest.release"),
        (("newest", "verdict"), "fine", "$.newest.verdict"),
        (("newest", "evidence"), "x", "$.newest.evidence"),
        (("range",), [], "$.range"),
        (("range", "type"), None, "$.range.type"),
        (("range", "events"), {}, "$.range.events"),
        (("range", "events"), [[]], "$.range.events"),
        (("range", "events"), [{"limit": "1"}], "$.range.events"),
        (("range", "events"), [{"fixed": 1}], "$.range.events"),
        (("range", "tried"), None, "$.range.tried"),
        (("range", "tried"), [{"release": "1", "word": "well", "reason": "", "evidence": []}], "$.range.tried"),
        (("range", "tried"), [{"release": "1", "word": "clean", "reason": None, "evidence": []}], "$.range.tried"),
        (
            ("range", "tried"),
            [{"release": "1", "word": "clean", "reason": "", "evidence": [1]}],
            "$.range.tried.evidence",
        ),
        (("range", "releases"), None, "$.range.releases"),
        (("range", "undecided"), ["x" * (TEXT_CHARS_MAX + 1)], "$.range.undecided"),
    ],
)
def test_nothing_else_is_read_as_one(place: tuple[str, ...], value: object, where: str) -> None:
    told = json.loads(json.dumps(WHOLE))
    holder = told
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value

    with pytest.raises(Malformed) as caught:
        read_survey(json.dumps(told).encode())
    assert (caught.value.what, caught.value.where, caught.value.next_step) == (
        "this is no survey of releases",
        where,
        "Look at its worker.",
    )


def test_a_long_text_is_read_up_to_its_bound() -> None:
    told = json.loads(json.dumps(WHOLE))
    told["range"]["undecided"] = ["x" * TEXT_CHARS_MAX]

    assert read_survey(json.dumps(told).encode()).affected is not None
