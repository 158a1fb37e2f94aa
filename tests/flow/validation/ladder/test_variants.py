"""Inputs like a given one: new, within bounds, the same for the same chance, and text where the input is text."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.ladder import byte_mutators, text_mutators, variants
from leadtime.flow.validation.ladder.variants import BYTE_KINDS, TEXT_KINDS, Mutate, kinds_for, mutants

CHANCES = st.randoms(use_true_random=False)
NESTED = b'{"indent": 9000, "value": [[[1]]]}'


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode), st.integers(0, 2**32))
def test_every_input_is_new_and_the_same_chance_brings_the_same_ones(content: bytes, seed: int) -> None:
    first, second = (
        [mutant.content for mutant in itertools.islice(mutants(content, random.Random(seed), []), 30)] for _ in range(2)
    )

    assert first == second
    assert len(set(first)) == len(first)
    assert content not in first


@given(st.sampled_from([mutate for _, mutate in TEXT_KINDS]), st.text(max_size=60), CHANCES)
def test_text_stays_text(mutate: Mutate, text: str, chance: random.Random) -> None:
    content = text.encode()
    changed = mutate(content, chance)

    assert changed is None or changed.decode() is not None
    assert changed is None or text_mutators.is_text(changed) >= text_mutators.is_text(content)


@given(st.sampled_from([mutate for _, mutate in BYTE_KINDS]), st.binary(max_size=60), CHANCES)
def test_what_is_empty_gives_nothing_and_anything_else_gives_bytes(
    mutate: Mutate, content: bytes, chance: random.Random
) -> None:
    assert (mutate(content, chance) is None) == (content == b"")


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"select 1;\n\tfrom a\r\n", TEXT_KINDS),
        ("väl".encode(), TEXT_KINDS),
        (b"\x00\x01", BYTE_KINDS),
        (b"text\x7f", BYTE_KINDS),
        (b"\xff\xd8\xff", BYTE_KINDS),
    ],
)
def test_kinds_are_chosen_by_what_the_input_is(content: bytes, kinds: object) -> None:
    assert kinds_for(content) is kinds


def test_every_kind_has_its_turn() -> None:
    found = [mutant.kind for mutant in itertools.islice(mutants(NESTED, random.Random(1), []), 200)]

    assert set(found) == {"parts changed", *(kind for kind, _ in TEXT_KINDS)}
    assert max(found.count(kind) for kind in set(found)) < 40


def walked(content: bytes, kept: bytes) -> list[bytes]:
    """Return what is taken up of the first inputs if all must hold ``kept``."""
    pool: list[bytes] = []
    for mutant in itertools.islice(mutants(content, random.Random(1), pool), 80):
        if kept in mutant.content:
            pool.append(mutant.content)  # noqa: PERF401 - it is read while it grows
    return pool


def test_all_of_a_text_that_may_change_is_changed_first() -> None:
    words = {"key", "1", "other", "22", "third"}
    left = [words & set(text_mutators.tokens_of(content)) for content in walked(b"key=1 other=22 third", b"key")]

    assert min(left, key=len) == {"key"}


def test_all_bytes_that_may_change_are_changed_first() -> None:
    content = bytes(range(128, 192))
    same = [sum(map(int.__eq__, content, one)) for one in walked(content, b"\x96")]

    assert min(same) <= 1


def test_a_part_that_may_not_change_is_left_after_some_tries() -> None:
    found = list(itertools.islice(mutants(b"10", random.Random(1), []), 20))

    assert [mutant.kind for mutant in found].count("parts changed") <= variants.TRIES_A_PART


def test_most_of_what_is_made_of_a_document_is_still_one() -> None:
    def is_json(content: bytes) -> bool:
        try:
            json.loads(content)
        except ValueError:
            return False
        return True

    made = [mutant.content for mutant in itertools.islice(mutants(NESTED, random.Random(1), []), 200)]

    assert sum(map(is_json, made)) > 80


def test_what_is_put_into_the_pool_is_changed_further() -> None:
    pool: list[bytes] = []
    made = mutants(b"aaaa", random.Random(1), pool)
    next(made)
    pool.append(b"zzzz zzzz")

    assert any(b"zzz" in mutant.content for mutant in itertools.islice(made, 30))


def test_it_ends_where_nothing_new_comes_out_and_brings_nothing_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "INPUT_BYTES_MAX", 2)

    found = [mutant.content for mutant in mutants(b"\x00", random.Random(1), [])]

    assert 8 < len(found) < 300
    assert max(map(len, found)) == 2


@pytest.mark.parametrize(
    ("mutate", "content", "possible"),
    [
        (byte_mutators.flip_bit, b"\x01", {bytes([1 ^ 1 << bit]) for bit in range(8)}),
        (byte_mutators.delete_block, b"ab", {b"", b"a", b"b"}),
        (byte_mutators.repeat_block, b"a", {b"aa", b"aaa", b"a" * 17}),
        (byte_mutators.edge_integer, b"\x05", {b"\x00", b"\x01", b"\xff", b"\x80", b"\x7f", b"\x06", b"\x04", b"\x0a"}),
        (byte_mutators.copy_block, b"ab", {b"ab", b"aa", b"bb", b"aab", b"bab"}),
        (text_mutators.rename_word, b"1 ab ab", {b"1 abx abx", b"1 xab xab", b"1 AB AB", b"1 ba ba"}),
        (text_mutators.repeat_line, b"a\n", {b"a\na\n", b"a\na\na\n", b"a\n" * 17}),
        (text_mutators.unnest_group, b"(x)[", {b"x[", b"["}),
        (
            text_mutators.nest_group,
            b"{x}",
            {b"{{x}}", b"{{{x}}}", b"{" * 17 + b"x" + b"}" * 17, b"{x},{x}"},
        ),
        (text_mutators.delete_token, b"a 1", {b"", b"a", b"a ", b"a1", b" 1", b"1"}),
        (text_mutators.copy_token, b"a-1", {b"a-1", b"--1", b"1-1", b"aa1", b"a11", b"a-a", b"a--"}),
        (text_mutators.change_character, b"-Z", {f"-{letter}".encode() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}),
        (text_mutators.widen_space, b"", {b" ", b"\n", b"\t", b"  "}),
    ],
)
def test_each_kind_changes_one_thing(mutate: Mutate, content: bytes, possible: set[bytes]) -> None:
    made = {mutate(content, random.Random(seed)) for seed in range(400)}

    assert made <= possible
    assert len(made) > len(possible) // 2


def test_a_number_is_changed_to_an_edge_or_something_near() -> None:
    made = {text_mutators.change_number(b"a=10", random.Random(seed)) for seed in range(400)}
    numbers = {int(content.removeprefix(b"a=")) for content in made if content is not None}

    assert {0, 1, 9, 11, 20, 5, 2**15, 2**16, 2**31 - 1} <= numbers
    assert max(numbers - {2**15, 2**16, 2**31 - 1}) < 1010


@pytest.mark.parametrize(
    "mutate",
    [text_mutators.change_number, text_mutators.rename_word, text_mutators.nest_group, text_mutators.unnest_group],
)
def test_where_there_is_nothing_of_its_kind_nothing_comes(mutate: Mutate) -> None:
    assert mutate(b"-- ;", random.Random(1)) is None


def test_a_text_of_too_many_tokens_is_cut_into_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_mutators, "TOKENS_MAX", 3)

    assert text_mutators.copy_token(b"ab" * 40, random.Random(1)) is not None
    assert text_mutators.rename_word(b"a " * 40, random.Random(1)) is not None
