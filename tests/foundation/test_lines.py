from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.foundation.lines import check_line, check_prose, one_line

BARRED = "\x00\x07\x08\x0b\x1b\x1f\x7f\x85\x9f\u2028\u2029\u202a\u202e\u2066\u2069\ud800\udfff"


def told(check, text):
    with pytest.raises(Malformed) as caught:
        check(text, where="version", chars_max=5)
    return caught.value.what, caught.value.where, caught.value.next_step


@pytest.mark.parametrize("check", [check_line, check_prose])
def test_a_text_is_neither_empty_nor_longer_than_its_bound(check):
    assert check("  5.2.0\n", where="version", chars_max=5) == "5.2.0"
    assert told(check, " \n") == ("this is empty", "version", "Fill it in.")
    assert told(check, "123456") == ("this has more than 5 characters", "version", "Shorten it.")


@pytest.mark.parametrize("check", [check_line, check_prose])
@pytest.mark.parametrize("barred", BARRED)
def test_what_commands_or_reorders_is_no_text(check, barred):
    expected = ("this holds characters that are not text", "version", "Remove them.")
    assert told(check, f"a{barred}b") == expected


@pytest.mark.parametrize("fine", ["é", "\u3000", "\u200f", "\u200d", "\u2065", "\u206a", "😀"])
def test_every_script_can_be_written(fine):
    assert check_line(f"a{fine}b", where="name", chars_max=5) == f"a{fine}b"


@pytest.mark.parametrize("between", "\n\t")
def test_prose_has_lines_and_a_line_has_not(between):
    assert check_prose(f"a{between}b", where="note", chars_max=5) == f"a{between}b"
    assert told(check_line, f"a{between}b")[0] == "this holds characters that are not text"


def test_any_text_becomes_a_line():
    assert one_line("  a\n\n b\x07c\u202ed ", chars_max=20) == "a b c d"
    assert one_line("abc def", chars_max=4) == "abc"
    assert one_line("\x00 \n", chars_max=4) == ""


@given(st.text(), st.integers(1, 20))
def test_what_was_made_a_line_is_one(text, chars_max):
    made = one_line(text, chars_max=chars_max)
    assert made == "" or check_line(made, where="title", chars_max=chars_max) == made
