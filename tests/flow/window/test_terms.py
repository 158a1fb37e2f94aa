"""What can be meant, and what cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.window.networks import comes_from, lie_within
from leadtime.flow.window.records import GrantWanted, Limits, Upstream, Variant
from leadtime.flow.window.terms import (
    check_instant,
    check_limits,
    check_line,
    check_model_name,
    check_networks,
    check_note,
    check_terms,
    check_upstream,
    check_variants,
    check_wanted,
)
from leadtime.flow.window.vocabulary import DeveloperMay, RecordMode
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused
from leadtime.foundation.markings import Marking
from tests.flow.window.factories import NOW, TERMS, VARIANTS

NONE: frozenset[Marking] = frozenset()


def sentence(act):
    with pytest.raises(LeadtimeError) as caught:
        act()
    return str(caught.value)


def test_model_names_are_what_programs_send():
    assert check_model_name("orion-1.5_b", where="name") == "orion-1.5_b"
    assert check_model_name("a" * 100, where="name") == "a" * 100
    for wrong in ("", "a" * 101, "-a", "a b", "a/b", "ä", "a\n"):
        assert sentence(lambda w=wrong: check_model_name(w, where="name")) == (
            "name: a name is 1 to 100 letters, digits, dots, dashes and underscores. Write it like orion-1."
        )


def test_lines_and_notes_are_bounded_visible_and_unmarked():
    assert check_line("  a b ", where="x", held=NONE) == "a b"
    assert check_note("  ", where="x", held=NONE) == ""
    assert check_note("a\n\tb", where="x", held=NONE) == "a\n\tb"
    assert sentence(lambda: check_line(" ", where="x", held=NONE)) == "x: this is empty. Fill it in."
    assert sentence(lambda: check_line("a" * 301, where="x", held=NONE)) == (
        "x: this has more than 300 characters. Shorten it."
    )
    assert check_line("a" * 300, where="x", held=NONE) == "a" * 300
    assert sentence(lambda: check_note("a\u202eb", where="x", held=NONE)) == (
        "x: this holds characters that cannot be seen. Remove them."
    )
    with pytest.raises(Refused):
        check_note("SECRET//NOFORN", where="x", held=NONE)
    assert check_note("SECRET//NOFORN", where="x", held={Marking.CLASSIFIED}) == "SECRET//NOFORN"


def test_variants_are_named_apart():
    assert check_variants(VARIANTS) == VARIANTS
    twenty = tuple(Variant(f"v{number}", "u") for number in range(20))
    assert check_variants(twenty) == twenty
    for wrong in ((), (*twenty, Variant("more", "u"))):
        assert sentence(lambda w=wrong: check_variants(w)) == "variants: a model has 1 to 20 variants. Name them."
    assert sentence(lambda: check_variants((Variant("a", "u"), Variant("a", "w")))) == (
        "variants: two variants have one name. Name them apart."
    )


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        (Variant("a b", "u"), "variants.name: a name is 1 to 100"),
        (Variant("a", ""), "variants.upstream_model: this is no name of an upstream model."),
        (Variant("a", "u v"), "variants.upstream_model: this is no name of an upstream model."),
        (Variant("a", "u" * 301), "variants.upstream_model: this is no name of an upstream model."),
        (
            Variant("a", "u", "md5:aa"),
            "variants.declared_digest: a digest is sha256: and 64 lowercase hexadecimal digits.",
        ),
        (Variant("a", "u", "sha256:" + "A" * 64), "variants.declared_digest: a digest is sha256:"),
        (Variant("a", "u", None, -1), "variants.price: a price is 0 to 1000000000000000."),
        (Variant("a", "u", None, 0, 10**15 + 1), "variants.price: a price is 0 to 1000000000000000."),
    ],
)
def test_a_variant_that_cannot_be_meant_is_malformed(variant, told):
    assert sentence(lambda: check_variants((variant,))).startswith(told)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://a/b",
        "http://",
        "https://user:word@host/v1",
        "https://host/v1?key=1",
        "https://host/#x",
        "http://169.254.169.254/latest",
        "http://169.254.169.254./latest",
        "http://2852039166/latest",
        "http://0xa9fea9fe/latest",
        "http://0xA9.254.0251.0376/latest",
        "http://169.254.43518/latest",
        "http://169.16689662/latest",
        "http://%31%36%39.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/latest",
        "http://[::ffff:a9fe:a9fe]/latest",
        "http://[::169.254.169.254]/latest",
        "http://[64:ff9b::169.254.169.254]/latest",
        "http://[2002:a9fe:a9fe::1]/latest",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/",
        "http://[fd20:ce::254]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://[::]/",
        "http://0/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://host:99999/",
        "http://ho st/",
        "http://[::1/",
        "https://host/" + "a" * 300,
    ],
)
def test_an_upstream_that_cannot_be_meant_is_malformed(address):
    assert sentence(lambda: check_upstream(Upstream(address, "key"))) == (
        "upstream: this is no upstream address. Write it like https://api.example.org/v1."
    )


def test_an_upstream_may_be_anywhere_else():
    for address in (
        "https://api.example.org/v1",
        "http://127.0.0.1:9000",
        "http://10.0.0.1/v1",
        "http://[::1]:9000",
        "http://[::ffff:10.0.0.1]/v1",
        "http://[fd00:ec2::253]/v1",
    ):
        assert check_upstream(Upstream(address + "/", "key")).address == address
    assert check_upstream(Upstream("http://h", "")).credential == ""
    assert check_upstream(Upstream("http://h", "k" * 4096)).credential == "k" * 4096
    for wrong in ("a b", "k" * 4097, "k\n"):
        assert sentence(lambda w=wrong: check_upstream(Upstream("http://h", w))) == (
            "credential: this is no credential. Copy it from the upstream."
        )


def test_terms_are_bounded():
    assert check_terms(TERMS, ["on"], held=NONE) == TERMS
    whole = replace(TERMS, instrument=" X ", networks=("192.0.2.7",), variants=("on",), export_note=" e ")
    assert check_terms(whole, ["on"], held=NONE) == replace(
        whole, instrument="X", networks=("192.0.2.7/32",), export_note="e"
    )
    for changes, told in (
        ({"purposes": ()}, "purposes: an agreement has 1 to 20 purposes. Name them."),
        ({"purposes": ("a",) * 21}, "purposes: an agreement has 1 to 20 purposes. Name them."),
        ({"purposes": ("Training",)}, "purposes: a barred use is no purpose. Say what the access is for."),
        ({"variants": ("off",)}, "variants: the model has no such variant. Choose one that it has."),
        ({"retention_days": 0}, "retention_days: records are kept 1 to 3650 days. Choose within that."),
        ({"retention_days": 3651}, "retention_days: records are kept 1 to 3650 days. Choose within that."),
        ({"instrument": ""}, "instrument: this is empty. Fill it in."),
        ({"limits": Limits(tokens=0)}, "limits.tokens: this limit is 1 to 1000000000000000. Correct it."),
    ):
        assert sentence(lambda c=changes: check_terms(replace(TERMS, **c), ["on"], held=NONE)) == told
    assert check_terms(replace(TERMS, purposes=("a",) * 20, retention_days=3650), [], held=NONE).retention_days == 3650
    with pytest.raises(Refused):
        check_terms(replace(TERMS, export_note="(S//NF) x"), [], held=NONE)


@pytest.mark.parametrize("record_mode", RecordMode)
@pytest.mark.parametrize("may", [(), (DeveloperMay.LOG_CONTENT,), (DeveloperMay.READ_CONTENT,), tuple(DeveloperMay)])
def test_records_are_sealed_to_both_sides_only_where_the_developer_may_read_content(record_mode, may):
    terms = replace(TERMS, record_mode=record_mode, developer_may=frozenset(may))
    if record_mode is RecordMode.COMMITMENTS or DeveloperMay.READ_CONTENT in may:
        assert check_terms(terms, [], held=NONE) == terms
    else:
        assert sentence(lambda: check_terms(terms, [], held=NONE)) == (
            "developer_may: sealed records open to both sides, and these terms do not let the developer read content. "
            "Add read content, or keep commitments only."
        )


def test_a_wanted_grant_is_bounded():
    whole = GrantWanted(" a ", variants=("on",), networks=("::1",), key_thumbprint="A" * 43, ends_at=NOW)
    assert check_wanted(whole, ["on"], held=NONE) == replace(whole, purpose="a", networks=("::1/128",))
    for changes, told in (
        ({"variants": ("off",)}, "variants: the model has no such variant. Choose one that it has."),
        ({"ends_at": NOW.replace(tzinfo=None)}, "ends_at: a time zone is missing. Add one, like +00:00."),
        (
            {"key_thumbprint": "A" * 42},
            (
                "key_thumbprint: a key's thumbprint has 43 characters of base64url (RFC 7638). "
                "Compute it from the client's public key."
            ),
        ),
        ({"limits": Limits(requests=0)}, "limits.requests: this limit is 1 to 1000000000000000. Correct it."),
    ):
        assert sentence(lambda c=changes: check_wanted(replace(whole, **c), ["on"], held=NONE)) == told
    assert check_instant(None, where="x") is None


@pytest.mark.parametrize(
    ("name", "most"), [("requests", 10**15), ("tokens", 10**15), ("concurrency", 10_000), ("micro_usd", 10**15)]
)
def test_each_limit_has_bounds(name, most):
    for right in (1, most):
        assert check_limits(Limits(**{name: right}), where="limits") == Limits(**{name: right})
    for wrong in (0, most + 1):
        told = sentence(lambda w=wrong: check_limits(Limits(**{name: w}), where="limits"))
        assert told == f"limits.{name}: this limit is 1 to {most}. Correct it."


def test_an_instant_is_one_that_can_be_meant():
    assert check_instant(NOW, where="x") == NOW
    for year in (2000, 2199):
        assert check_instant(NOW.replace(year=year), where="x") == NOW.replace(year=year)
    for year in (1, 1999, 2200, 9999):
        told = sentence(lambda y=year: check_instant(NOW.replace(year=y), where="x"))
        assert told == "x: this is no date that is meant. Check the year."


def test_networks_have_one_spelling():
    assert check_networks(("192.0.2.0/255.255.255.0", "2001:DB8::/32")) == ("192.0.2.0/24", "2001:db8::/32")
    for wrong in ("192.0.2.1/24", "x", "::/129"):
        assert sentence(lambda w=wrong: check_networks((w,))) == (
            "networks: this is no network. Write it like 192.0.2.0/24."
        )
    assert len(check_networks(("::1",) * 50)) == 50
    assert sentence(lambda: check_networks(("::1",) * 51)) == "networks: there are at most 50 networks. Join them."


def test_networks_lie_within_others_of_their_kind():
    assert lie_within(["192.0.2.0/24"], [])
    assert lie_within([], ["192.0.2.0/24"])
    assert lie_within(["192.0.2.0/25"], ["2001:db8::/32", "192.0.2.0/24"])
    assert lie_within(["2001:db8:1::/48"], ["192.0.2.0/24", "2001:db8::/32"])
    assert not lie_within(["192.0.2.0/23"], ["192.0.2.0/24"])
    assert not lie_within(["192.0.2.0/25", "::/0"], ["192.0.2.0/24"])


def test_a_caller_comes_from_one_network_of_each_list():
    assert comes_from(((), ()), "203.0.113.9")
    assert comes_from((("192.0.2.0/24", "203.0.113.0/24"), ()), "203.0.113.9")
    assert not comes_from((("203.0.113.0/24",), ("192.0.2.0/24",)), "203.0.113.9")
    assert comes_from((("203.0.113.0/24",),), "::ffff:203.0.113.9")
    assert not comes_from((("203.0.113.0/24",),), "2001:db8::1")
    assert not comes_from((("0.0.0.0/0",),), "nonsense")


@given(st.text(max_size=60))
def test_no_text_is_more_than_refused(text):
    for act in (
        lambda: check_upstream(Upstream(text, "k")),
        lambda: check_networks((text,)),
        lambda: check_line(text, where="x", held=NONE),
    ):
        try:
            act()
        except Malformed:
            pass
        except Refused:
            pass
