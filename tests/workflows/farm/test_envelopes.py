"""What crosses between hosts opens to its receiver alone, as what it is, from whom it is."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed, Refused, Unavailable
from leadtime.foundation.keys import KeyRing, open_sealed, seal_to, sealing_key_of
from leadtime.workflows.farm.answers import WORDS_CHARS_MAX, as_answer, as_question, read_answer, read_question
from leadtime.workflows.farm.envelopes import ANSWER, RUN, OwnKeys, close, keys_of, new_keys, open_up, read_own
from leadtime.workflows.farm.records import PublicKeys, What

HERE, THERE, OTHER = (OwnKeys(bytes([n]) * 32, bytes([n + 1]) * 32) for n in (1, 3, 5))
THIS_RUN, THAT_RUN = UUID(int=1), UUID(int=2)
CLOSED = close(RUN, b"a canary", run=THIS_RUN, role="leadtime_runner_a", by=HERE, to=THERE.public)
RIGHT = {"kind": RUN, "run": THIS_RUN, "role": "leadtime_runner_a", "by": HERE.public, "to": THERE}


def opened(message: bytes = CLOSED, **other: object) -> bytes:
    given_ = RIGHT | other
    return open_up(given_.pop("kind"), message, **given_)


def test_a_message_opens_to_its_receiver():
    assert opened() == b"a canary"
    assert b"canary" not in CLOSED


@pytest.mark.parametrize(
    "other",
    [{"kind": ANSWER}, {"run": THAT_RUN}, {"role": "leadtime_runner_b"}, {"by": OTHER.public}, {"to": OTHER}],
    ids=lambda other: next(iter(other)),
)
def test_a_message_is_of_one_kind_about_one_run_from_one_sender_to_one_receiver(other):
    with pytest.raises(Malformed):
        opened(**other)


@given(st.integers(0, len(CLOSED) - 1), st.integers(1, 255))
def test_no_bit_of_a_message_can_be_changed(place, change):
    changed = bytearray(CLOSED)
    changed[place] ^= change
    with pytest.raises(Malformed):
        opened(bytes(changed))


@given(st.binary(max_size=300))
def test_nothing_else_opens(message):
    with pytest.raises(Malformed, match="a sealed message does not open"):
        opened(message)


def test_who_signed_is_told_apart_from_who_sealed():
    """Anybody may seal to a runner; only its installation signs."""
    unsigned = seal_to(THERE.public.sealing, bytes(64) + b"content", context=f"{RUN}:{THIS_RUN}:leadtime_runner_a")
    with pytest.raises(Malformed, match="is not signed by whom it names"):
        opened(unsigned)


def test_an_installation_opens_with_a_key_made_of_its_own(keys):
    other = KeyRing(wrapping=b"v" * 32, blinding=keys.blinding, signing=keys.signing)
    sealed = seal_to(keys_of(keys).public.sealing, b"x", context="c")
    assert open_sealed(keys.opening_key, sealed, context="c") == b"x"
    assert keys.opening_key == keys.opening_key != keys.wrapping
    with pytest.raises(Malformed):
        open_sealed(other.opening_key, sealed, context="c")
    assert sealing_key_of(keys.opening_key) == keys_of(keys).public.sealing
    assert keys_of(keys).public.signing == keys.public_key


def test_keys_are_written_and_read():
    assert read_own(HERE.as_bytes(), where="f") == HERE
    assert PublicKeys.from_text(HERE.public.as_text(), where="f") == HERE.public
    with pytest.raises(Malformed, match="f: a key file is damaged"):
        read_own(HERE.as_bytes()[1:], where="f")


def test_new_keys_are_new():
    assert new_keys() != new_keys()


@pytest.mark.parametrize("text", ["", "nonsense!", HERE.public.as_text()[:-4], HERE.public.as_text() + "AAAA", "ä"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(Malformed, match="f: this is not a public key"):
        PublicKeys.from_text(text, where="f")


def test_an_answer_is_a_verdict_or_a_sentence():
    assert read_answer(as_answer(b"\x00verdict")) == b"\x00verdict"
    with pytest.raises(Unavailable, match="a runner says: the index does not answer"):
        read_answer(as_answer(Unavailable("the index does not answer")))
    with pytest.raises(Refused, match=r"^a runner says: it took too long\. Look at its recipe\.$"):
        read_answer(as_answer(Refused("it took too long")))
    with pytest.raises(Unavailable, match="x" * WORDS_CHARS_MAX):
        read_answer(as_answer(Unavailable("x" * 10_000)))


@pytest.mark.parametrize("what", What)
def test_a_question_is_read_as_it_was_asked(what):
    assert read_question(as_question(what, b"\x00\n")) == (what, b"\x00\n")


@pytest.mark.parametrize("raw", [b"", b"\n{}", b"provee\n{}", b"prove"])
def test_a_question_that_cannot_be_meant_is_refused(raw):
    with pytest.raises(Malformed):
        read_question(raw)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"[]", b"{}", b'{"answer": 1}', b'{"answer": "\xc3\xa4"}', b'{"answer": "a"}', b'{"unavailable": null}'),
        b'{"unavailable": "' + b"x" * (WORDS_CHARS_MAX + 1) + b'"}',
        b'{"refused": "' + b"x" * (WORDS_CHARS_MAX + 1) + b'"}',
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(raw):
    with pytest.raises(Malformed):
        read_answer(raw)
