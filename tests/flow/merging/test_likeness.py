"""What reports claim alike: inputs, places with a weakness, words."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.intake import NamedFile
from leadtime.flow.merging import Clue, LinkKind
from leadtime.flow.merging.likeness import BANDS, WORDS_MAX, WORDS_MIN, Claim, bands_of, claims_of, places_of

CLUE = Clue("pkg:pypi/thing", "src/lib/Table.c", "ns::read_row<int>(char*)", 30, "CWE-122")
PHRASE = " ".join(f"word{number}" for number in range(WORDS_MIN))


def test_a_report_claims_its_input_its_places_and_its_words():
    claims = claims_of("pkg:pypi/thing", [CLUE, CLUE], PHRASE, NamedFile("a.bin", b"[1]"))
    assert claims == (
        Claim(LinkKind.SAME_INPUT, "pkg:pypi/thing", (hashlib.sha256(b"[1]").hexdigest(),)),
        Claim(LinkKind.SAME_PLACE, "pkg:pypi/thing", ("function", "table.c", "read_row", "bounds")),
        Claim(LinkKind.SAME_PLACE, "pkg:pypi/thing", ("lines", "table.c", 1, "bounds")),
        Claim(LinkKind.SAME_PLACE, "pkg:pypi/thing", ("lines", "table.c", 2, "bounds")),
        *(Claim(LinkKind.LIKE_WORDS, "pkg:pypi/thing", band) for band in bands_of(PHRASE)),
    )


@pytest.mark.parametrize("ran", [None, NamedFile("a.bin", b"")])
def test_no_input_and_an_empty_one_claim_nothing(ran):
    assert claims_of("pkg:pypi/thing", [], "", ran) == ()


def test_of_nothing_nothing_is_claimed():
    assert claims_of("", [CLUE], PHRASE, NamedFile("a.bin", b"[1]")) == ()


@pytest.mark.parametrize(
    ("clue", "places"),
    [
        (Clue("p", "a.c", "f", None, "CWE-122"), (("function", "a.c", "f", "bounds"),)),
        (Clue("p", "a.c", "", 12, "X"), (("lines", "a.c", 0, "x"), ("lines", "a.c", 1, "x"))),
        (Clue("p", "a.c", "", None, "CWE-122"), ()),
        (Clue("p", "", "f", 12, "CWE-122"), ()),
        (Clue("p", "a.c", "f", 12, ""), ()),
    ],
)
def test_a_place_needs_a_file_a_weakness_and_a_function_or_a_line(clue, places):
    assert places_of(clue) == places


@given(st.integers(0, 10_000), st.integers(0, 40))
def test_lines_up_to_twelve_apart_meet_and_from_twenty_four_on_do_not(line, away):
    one, other = (places_of(Clue("p", "a.c", "", at, "CWE-122")) for at in (line, line + away))
    if away <= 12:
        assert not set(one).isdisjoint(other)
    if away >= 24:
        assert set(one).isdisjoint(other)


def test_too_few_words_say_nothing_and_only_so_many_count():
    assert bands_of(PHRASE.rpartition(" ")[0]) == ()
    assert [band[0] for band in bands_of(PHRASE)] == list(range(BANDS))
    long = "w " * (WORDS_MAX - 1)
    assert bands_of(f"{long}end") != bands_of(long) == bands_of(f"{long}w end")


def test_the_spelling_of_words_and_what_stands_between_them_say_nothing():
    assert bands_of(PHRASE) == bands_of(PHRASE.upper().replace(" ", ",\n"))
    assert bands_of(PHRASE) != bands_of(" ".join(reversed(PHRASE.split())))


def test_most_words_alike_meet_and_few_do_not():
    words = [f"w{number}" for number in range(200)]
    changed = [*words[:198], "other", "end"]
    half = [*words[:60], *(f"v{number}" for number in range(140))]
    assert set(bands_of(" ".join(words))) & set(bands_of(" ".join(changed)))
    assert not set(bands_of(" ".join(words))) & set(bands_of(" ".join(half)))


@given(st.text(max_size=300))
def test_any_text_has_all_bands_or_none(text):
    assert len(bands_of(text)) in {0, BANDS}
