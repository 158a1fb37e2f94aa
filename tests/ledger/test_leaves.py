from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.foundation.keys import KeyRing
from leadtime.ledger.leaves import (
    CALL,
    Leaf,
    new_leaf,
    open_leaf,
    opening_as_json,
    parse_leaf,
    parse_opening,
    verify_opening,
)
from leadtime.ledger.records import LeafId, LogName, parse_log_name
from tests.conftest import START

LOG = LogName("m1")
FIELDS = {"person": b"evaluator", "purpose": b"hunt", "prompt": b"yes"}


def leaf_of(keys, fields=FIELDS, **more):
    return new_leaf(keys, LOG, kind=CALL, at=START, fields=fields, **more)


def test_an_entry_is_canonical_and_holds_commitments_alone(keys):
    leaf = leaf_of(keys)
    document = json.loads(leaf.entry)
    assert set(document) == {"schema", "id", "kind", "at", "commitments"}
    assert (document["schema"], document["kind"], document["at"]) == (
        "leadtime.leaf/1", "call", "2026-08-03T09:00:00.000000Z")  # fmt: skip
    assert set(document["commitments"]) == set(FIELDS)
    assert leaf.entry == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert all(value not in leaf.entry for value in FIELDS.values())
    assert parse_leaf(leaf.entry) == leaf


def test_a_leaf_may_speak_of_another(keys):
    first = leaf_of(keys)
    second = leaf_of(keys, {}, about=first.id)
    assert parse_leaf(second.entry) == second
    assert second.about == first.id


def test_the_same_value_is_committed_to_differently_in_every_leaf_field_log_and_installation(keys):
    one = leaf_of(keys, {"a": b"yes", "b": b"yes"})
    two = leaf_of(keys, {"a": b"yes"})
    values = {*one.commitments.values(), *two.commitments.values()}
    assert len(values) == 3
    salts = {
        opened.salt
        for ring, log in (
            (keys, LOG),
            (keys, LogName("m2")),
            (KeyRing(wrapping=b"w" * 32, blinding=b"other" * 6 + b"xx", signing=b"s" * 32), LOG),
        )
        for opened in open_leaf(ring, log, one.id, {"a": b"yes", "b": b"yes"}).fields
    }
    assert len(salts) == 6
    assert all(len(salt) == 32 for salt in salts)


def test_one_leaf_is_opened_without_the_others(keys):
    leaf, other = leaf_of(keys), leaf_of(keys)
    opening = open_leaf(keys, LOG, leaf.id, FIELDS)
    assert verify_opening(leaf, opening)
    assert not verify_opening(other, opening)
    assert not verify_opening(other, replace(opening, leaf=other.id))
    for field in opening.fields:
        assert leaf.commitments[field.name] == sha256(field.salt + field.value).digest()
        # What one field's opening tells is no help to guess another's value, or the same one's in another leaf.
        assert all(sha256(field.salt + FIELDS[name]).digest() != other.commitments[name] for name in FIELDS)


def test_some_fields_may_stay_closed(keys):
    leaf = leaf_of(keys)
    opening = open_leaf(keys, LOG, leaf.id, {"purpose": b"hunt"})
    assert verify_opening(leaf, opening)
    assert [field.name for field in opening.fields] == ["purpose"]


@pytest.mark.parametrize("change", ["value", "salt", "name", "unknown", "empty", "long salt"])
def test_every_change_of_an_opening_fails(keys, change):
    leaf = leaf_of(keys)
    opening = open_leaf(keys, LOG, leaf.id, {"prompt": b"yes"})
    (field,) = opening.fields
    changed = {
        "value": replace(field, value=b"no"),
        "salt": replace(field, salt=bytes(32)),
        "name": replace(field, name="purpose"),
        "unknown": replace(field, name="answer"),
        # The same bytes under the hash, cut in another place.
        "long salt": replace(field, salt=field.salt + b"y", value=b"es"),
    }
    fields = () if change == "empty" else (changed[change],)
    assert not verify_opening(leaf, replace(opening, fields=fields))


def test_an_opening_is_read_as_it_is_written(keys):
    leaf = leaf_of(keys)
    opening = open_leaf(keys, LOG, leaf.id, FIELDS)
    assert parse_opening(opening_as_json(opening)) == opening


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b'{"leaf": "x", "fields": {}}',
        b'{"leaf": "01890a5d-ac96-774b-bcce-b302099a8057", "fields": []}',
        b'{"leaf": "01890a5d-ac96-774b-bcce-b302099a8057", "fields": {"a": {"salt": "zz", "value": ""}}}',
        b'{"leaf": "01890a5d-ac96-774b-bcce-b302099a8057", "fields": {"a": {"salt": ""}}}',
        b'{"leaf": "01890a5d-ac96-774b-bcce-b302099a8057", "fields": {"a": "b"}}',
    ],
)
def test_what_is_no_opening_is_refused(raw):
    with pytest.raises(Malformed):
        parse_opening(raw)


def test_32_fields_are_taken_and_33_are_not(keys):
    most = {f"f{number}" + "x" * 61: b"" for number in range(10, 42)}
    assert len(leaf_of(keys, most).entry) < 8_192
    assert parse_leaf(leaf_of(keys, most).entry).commitments.keys() == most.keys()
    with pytest.raises(Malformed):
        leaf_of(keys, {**most, "more": b""})


@pytest.mark.parametrize("name", ["", "Upper", "with space", "x" * 65, "1st", 'a"'])
def test_names_and_kinds_are_short_lower_case_words(keys, name):
    with pytest.raises(Malformed):
        leaf_of(keys, {name: b""})
    with pytest.raises(Malformed):
        new_leaf(keys, LOG, kind=name, at=START, fields={})


GOOD = Leaf(LeafId(UUID(int=7)), "call", START, {"a": b"c" * 32}).entry


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"leadtime.leaf/1", b"leadtime.leaf/2"),
        (b'"call"', b"5"),
        (b'"call"', b'"Call"'),
        (b'"at":"2026', b'"at":"never'),
        (b'"at":"2026', b'"at": "2026'),
        (b".000000Z", b"Z"),
        (b".000000Z", b".000000+00:00"),
        (b"0007", b"000x"),
        (b'"63', b'"6G'),
        (b'"63', b'"'),
        (b'{"a":', b'{"a":1,"b":'),
        (b'"id"', b'"more":1,"id"'),
        (b'"id"', b'"about":5,"id"'),
    ],
)
def test_no_second_spelling_is_a_leaf(old, new):
    assert parse_leaf(GOOD).kind == "call"
    assert old in GOOD
    with pytest.raises(Malformed):
        parse_leaf(GOOD.replace(old, new, 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_leaf_or_malformed(raw):
    with pytest.raises(Malformed):
        parse_leaf(raw)


@pytest.mark.parametrize("text", ["m", "m1", "reads", "a-b", "a" * 63])
def test_logs_have_plain_names(text):
    assert parse_log_name(text) == text


@pytest.mark.parametrize("text", ["", "A", "a/b", "..", "-a", "a-", "a" * 64, "a\n", "a.b"])
def test_no_other_name_gets_into_a_path(text):
    with pytest.raises(Malformed, match="this is not a log's name"):
        parse_log_name(text)
