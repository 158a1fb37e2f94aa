from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed, Refused
from leadtime.foundation.keys import public_key_of
from leadtime.ledger.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from leadtime.ledger.cosignatures import cosign, cosigned_by
from leadtime.ledger.notes import (
    Algorithm,
    Note,
    Signature,
    VerifierKey,
    parse_note,
    parse_signatures,
    parse_verifier_key,
    sign_text,
    signed_by,
)
from tests.conftest import START

SEED = b"s" * 32
TEXT = "example.org/log\n1\n" + base64.b64encode(b"r" * 32).decode() + "\n"

# c2sp.org/signed-note: the example note; c2sp.org/tlog-cosignature: the example checkpoint.
EXAMPLE = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def key_of(seed=SEED, name="example.org/log"):
    return VerifierKey(name, Algorithm.ED25519, public_key_of(seed))


def note_of(*seeds):
    return Note(TEXT, tuple(sign_text(TEXT, name="example.org/log", signing_key=seed) for seed in seeds))


def test_the_standards_example_is_read_and_written_the_same():
    note = parse_note(EXAMPLE.encode())
    assert note.raw.decode() == EXAMPLE
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert [each.name for each in note.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]


def test_a_verifier_key_is_the_one_that_go_knows():
    # golang.org/x/mod/sumdb/note, its own example.
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = parse_verifier_key(text)
    assert (key.name, key.algorithm, str(key)) == ("PeterNeumann", Algorithm.ED25519, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+Axpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T=",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "x" * 600,
    ],
)
def test_what_is_no_verifier_key_is_refused(text):
    with pytest.raises(Malformed, match="this is not a verifier key"):
        parse_verifier_key(text)


def test_a_note_is_signed_by_the_keys_that_signed_it():
    note = parse_note(note_of(SEED, b"t" * 32).raw)
    assert signed_by(note, [key_of()]) == (key_of(),)
    assert signed_by(note, [key_of(b"t" * 32), key_of(), key_of(b"u" * 32)]) == (key_of(b"t" * 32), key_of())


def test_unknown_keys_sign_nothing_even_under_a_known_name():
    with pytest.raises(Refused, match="no known key signed this note"):
        signed_by(note_of(SEED), [key_of(b"u" * 32)])
    with pytest.raises(Refused, match="no known key signed this note"):
        signed_by(note_of(SEED), [])


def test_a_known_keys_bad_signature_refuses_the_note_whoever_else_signed():
    note = note_of(SEED, b"t" * 32)
    bad = replace(note.signatures[0], content=bytes(64))
    with pytest.raises(Refused, match=r"the signature of example\.org/log does not verify"):
        signed_by(Note(TEXT, (bad, note.signatures[1])), [key_of(), key_of(b"t" * 32)])


@given(st.integers(0, 2000), st.integers(0, 7))
def test_every_changed_bit_of_a_signed_note_is_refused(at, bit):
    raw = bytearray(note_of(SEED).raw)
    raw[at % len(raw)] ^= 1 << bit
    with pytest.raises((Malformed, Refused)):
        signed_by(parse_note(bytes(raw)), [key_of()])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_note_or_malformed(raw):
    try:
        note = parse_note(raw)
    except Malformed:
        return
    assert note.raw == raw


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no signature follows a text"),
        (b"text\n", "no signature follows a text"),
        (b"text\n\n\xe2\x80\x94 a AAAAAAAA", "no signature follows a text"),
        (b"text\n\n\n", "no signature follows a text"),
        (b"text\n\n- a AAAAAAAA\n", "a signature line is not one"),
        (b"text\n\n\xe2\x80\x94 a+b AAAAAAAA\n", "a signature line is not one"),
        (b"text\n\n\xe2\x80\x94 a AAAA\n", "a signature line is not one"),
        (b"te\txt\n\n\xe2\x80\x94 a AAAAAAAA\n", "it holds control characters"),
        (b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAAA\n", "it is not UTF-8"),
        (b"x" * 65_537, "it is larger than 65536 bytes"),
    ],
)
def test_what_is_no_note_is_refused(raw, why):
    with pytest.raises(Malformed) as refused:
        parse_note(raw)
    assert refused.value.what == f"this is not a signed note: {why}"


def test_32_signatures_are_read_and_33_are_not():
    line = Signature("a", b"1234", b"x").line
    assert len(parse_signatures(line * 32)) == 32
    with pytest.raises(Malformed):
        parse_signatures(line * 33)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        "o\n1\nAAAA\n",
        TEXT.replace("\n1\n", "\n01\n"),
        TEXT.replace("\n1\n", "\n-1\n"),
        TEXT.replace("\n1\n", "\n1 \n"),
        TEXT.replace("\n1\n", f"\n{1 << 63}\n"),
        f"{TEXT}\n",
        f"\n{TEXT}",
        TEXT.rstrip("\n"),
        TEXT + "extension\n" * 14,
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(Malformed, match="this is not a checkpoint"):
        parse_checkpoint(text)


def test_a_checkpoint_keeps_its_extension_lines():
    text = f"{TEXT}one\ntwo\n"
    assert parse_checkpoint(text) == Checkpoint("example.org/log", 1, b"r" * 32, ("one", "two"))
    assert parse_checkpoint(text).text == text


def test_a_checkpoint_is_opened_for_its_own_log_only():
    raw = note_of(SEED).raw
    checkpoint, note = open_checkpoint(raw, origin="example.org/log", keys=[key_of()])
    assert (checkpoint.size, note.text) == (1, TEXT)
    with pytest.raises(Refused, match="this checkpoint is of another log"):
        open_checkpoint(raw, origin="example.org/other", keys=[key_of()])


def witness_key(seed=b"w" * 32):
    return VerifierKey("w.example", Algorithm.COSIGNATURE, key_of(seed).public)


def test_a_cosignature_tells_its_witness_and_its_time():
    line = cosign(TEXT, name="w.example", signing_key=b"w" * 32, at=START)
    note = note_of(SEED).with_signatures([line])
    (found,) = cosigned_by(parse_note(note.raw), [witness_key(), witness_key(b"x" * 32)])
    assert (found.key, found.at) == (witness_key(), START)
    assert signed_by(note, [key_of()]) == (key_of(),)


def test_a_cosignature_is_of_its_time_and_text():
    line = cosign(TEXT, name="w.example", signing_key=b"w" * 32, at=START)
    for content in (
        bytes([line.content[0], *line.content[1:7], line.content[7] ^ 1]) + line.content[8:],
        line.content[:-1],
        b"\xff" * 8 + line.content[8:],
    ):
        with pytest.raises(Refused, match=r"the cosignature of w\.example does not verify"):
            cosigned_by(Note(TEXT, (replace(line, content=content),)), [witness_key()])
    with pytest.raises(Refused):
        cosigned_by(Note(TEXT.replace("\n1\n", "\n2\n"), (line,)), [witness_key()])


def test_a_logs_own_key_cosigns_nothing_and_a_witnesses_signs_nothing():
    line = cosign(TEXT, name="w.example", signing_key=b"w" * 32, at=START)
    assert cosigned_by(note_of(SEED), [key_of()]) == ()
    with pytest.raises(Refused):
        signed_by(Note(TEXT, (line,)), [witness_key()])


def test_signing_again_replaces_ones_own_line():
    first = cosign(TEXT, name="w.example", signing_key=b"w" * 32, at=START)
    second = cosign(TEXT, name="w.example", signing_key=b"w" * 32, at=START.replace(hour=10))
    assert note_of(SEED).with_signatures([first]).with_signatures([second]).signatures[1:] == (second,)
