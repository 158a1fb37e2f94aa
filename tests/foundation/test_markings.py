"""Marked text is told from prose about secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed, Refused
from leadtime.foundation.markings import TEXT_CHARS_MAX, Marking, check_unmarked, find_marking
from leadtime.foundation.settings import read_settings

VECTORS = Path(__file__).parents[1] / "vectors"
BAD = sorted((VECTORS / "bad" / "markings").glob("*.txt"))
GOOD = sorted((VECTORS / "good" / "markings").glob("*.txt"))
PROSE = st.text(alphabet="abcdefghijklmnopqrstuvwxyz ,.\n", max_size=80)


def test_there_are_vectors_of_both_kinds():
    assert len(BAD) > 20
    assert len(GOOD) > 10


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_marked_text_is_told_as_what_it_is(path):
    assert find_marking(path.read_text()) is Marking(path.stem.partition("-")[0])


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_prose_about_secrets_is_no_marked_text(path):
    assert find_marking(path.read_text()) is None


@given(PROSE, st.sampled_from(BAD), PROSE)
def test_a_marking_is_found_wherever_it_stands(before, path, after):
    assert find_marking(f"{before}\n{path.read_text()}\n{after}") is not None


@given(st.text(max_size=500))
def test_every_text_gets_an_answer(text):
    assert find_marking(text) in {None, *Marking}


@given(PROSE)
def test_lower_case_prose_is_never_marked(text):
    assert find_marking(text) is None


@pytest.mark.parametrize("part", ["(", "(S", "SECRET//", "/", "CUI //", "\n", " ", "a. ", "1) ", "TOP SECRET "])
def test_no_text_takes_long(part):
    assert find_marking(part * (TEXT_CHARS_MAX // len(part))) in {None, *Marking}


def test_a_text_that_is_too_long_is_not_looked_at():
    assert find_marking("a" * TEXT_CHARS_MAX) is None
    with pytest.raises(Malformed) as caught:
        find_marking("a" * (TEXT_CHARS_MAX + 1))
    assert str(caught.value) == "text: a text has at most 200000 characters. Shorten it."


def test_a_refusal_says_why():
    with pytest.raises(Refused) as caught:
        check_unmarked("(S//NF) x", where="note", held=frozenset())
    assert str(caught.value) == (
        "note: this text bears a classification marking, and this installation is not configured to hold such text. "
        "Leave only unclassified facts here, and send the rest by a system that is meant for it."
    )
    with pytest.raises(Refused) as caught:
        check_unmarked("CUI//SP-CTI", where="note", held={Marking.CLASSIFIED})
    assert str(caught.value).startswith("note: this text bears a marking of controlled information (CUI), and this")


def test_an_installation_may_be_configured_to_hold_marked_text():
    assert check_unmarked("CUI//SP-CTI", where="note", held={Marking.CUI}) == "CUI//SP-CTI"
    assert check_unmarked("plain", where="note", held=frozenset()) == "plain"
    assert read_settings({}).marked_text == frozenset()
    assert read_settings({"LEADTIME_MARKED_TEXT": "cui, Classified"}).marked_text == frozenset(Marking)
    with pytest.raises(Malformed) as caught:
        read_settings({"LEADTIME_MARKED_TEXT": "secret"})
    assert str(caught.value) == "LEADTIME_MARKED_TEXT: a marking is neither cui nor classified. Correct it."
