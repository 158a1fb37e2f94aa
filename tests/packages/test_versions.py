from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.packages.versions import (
    VersionKey,
    VersionOrder,
    compare,
    in_version_order,
    key_or_none,
    order_for,
    shown_version,
    sort_key,
    without_local_part,
)

SMALL = st.integers(0, 3).map(str)
DOTTED = st.lists(SMALL, min_size=1, max_size=4).map(".".join)
WORD = st.sampled_from(["a", "alpha", "b1", "rc", "rc1", "0", "10", "x-y", "1a"])
SEMVER = st.builds(
    lambda numbers, pre, build: ".".join(numbers) + ("-" + ".".join(pre) if pre else "") + build,
    st.lists(SMALL, min_size=1, max_size=3),
    st.lists(WORD, max_size=3),
    st.sampled_from(["", "+build", "+1.2"]),
)


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


GENERATED = {
    VersionOrder.PEP440: joined(
        st.sampled_from(["", "1!", "v"]),
        DOTTED,
        st.sampled_from(["", "a1", "b2", "rc1", "-rc.1"]),
        st.sampled_from(["", ".post1", "-1"]),
        st.sampled_from(["", ".dev0", ".dev3"]),
        st.sampled_from(["", "+local", "+1.a"]),
    ),
    VersionOrder.SEMVER: SEMVER,
    VersionOrder.DEBIAN: joined(
        st.sampled_from(["", "0:", "1:"]),
        SMALL,
        st.text("01a~+.", max_size=5),
        st.sampled_from(["", "-1", "-1~bpo1", "-0.1", "-1+b2", "-0"]),
    ),
    VersionOrder.RPM: joined(
        st.sampled_from(["", "0:", "1:"]), SMALL, st.text("01a~^._", max_size=5), st.sampled_from(["", "-1", "-1.el9"])
    ),
    VersionOrder.MAVEN: joined(
        DOTTED, st.sampled_from(["", "-1", "-SNAPSHOT", ".Final", "-alpha-1", "a1", "-rc1", "-jre", "-sp.2", ".GA"])
    ),
    VersionOrder.RUBYGEMS: joined(DOTTED, st.sampled_from(["", ".a", ".rc1", ".pre.2", "-1", "-java", ".a.1.b"])),
    VersionOrder.NUGET: joined(DOTTED, st.sampled_from(["", "-beta", "-BETA.2", "-beta.10", "+x", "-a+x"])),
    VersionOrder.ALPINE: joined(
        DOTTED,
        st.sampled_from(["", "a", "b"]),
        st.sampled_from(["", "_rc1", "_p1", "_alpha_p2"]),
        st.sampled_from(["", "-r0", "-r3"]),
    ),
}


@pytest.mark.parametrize("order", VersionOrder)
def test_every_order_is_total(order: VersionOrder) -> None:
    @settings(max_examples=300, deadline=None, database=None)
    @given(GENERATED[order], GENERATED[order], GENERATED[order])
    def laws(one: str, two: str, three: str) -> None:
        assume(all(key_or_none(order, each) is not None for each in (one, two, three)))
        assert compare(order, one, one) == 0
        assert compare(order, one, two) == -compare(order, two, one)
        if compare(order, one, two) <= 0 and compare(order, two, three) <= 0:
            assert compare(order, one, three) <= 0
        if compare(order, one, two) == 0:
            assert compare(order, one, three) == compare(order, two, three)

    laws()


@pytest.mark.parametrize("order", VersionOrder)
def test_any_text_has_a_key_or_none_and_never_another_end(order: VersionOrder) -> None:
    @settings(max_examples=200, deadline=None, database=None)
    @given(st.text("0123abrcv.-+~^_:!= \n٣é", max_size=12), st.text("01ab.-+~", max_size=8))
    def read(one: str, two: str) -> None:
        if key_or_none(order, one) is not None and key_or_none(order, two) is not None:
            assert compare(order, one, two) in {-1, 0, 1}

    read()


ASCENDING = {
    "PyPI": ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0+local", "1.0.post1", "1.0.1", "1.10", "1!0.1"],
    "npm": ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"],
    "Go": ["v1.2.3-0.20200101000000-abcdefabcdef", "v1.2.3", "1.2.10", "2"],
    "crates.io": ["0.9.9", "1.0.0-0", "1.0.0"],
    "Debian:12": ["1.0~~", "1.0~rc1-1", "1.0", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1", "1.0a", "1:0.1"],
    "Red Hat:9": ["1.0~rc1-1", "1.0-1", "1.0-1.el9", "1.0^git1-1", "1.0.1-1", "1:0.1-1"],
    "Maven": [
        "1.0-alpha-1",
        "1.0-beta",
        "1.0-M2",
        "1.0-RC1",
        "1.0-SNAPSHOT",
        "1.0",
        "1.0-sp",
        "1.0-jre",
        "1.0-1",
        "1.0.1",
        "1.10",
    ],
    "RubyGems": ["1.0.a", "1.0.rc1", "1.0", "1.0.0.1", "1.10"],
    "NuGet": ["1.0.0-beta.2", "1.0.0-beta.10", "1.0", "1.0.0.1", "1.0.1"],
    "Alpine:v3.18": ["1.0_alpha1", "1.0_rc1", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.0.1-r0", "1.10"],
}


@pytest.mark.parametrize("kind", ASCENDING)
def test_each_ecosystem_has_its_own_order(kind: str) -> None:
    versions = ASCENDING[kind]

    backwards = versions[::-1]
    backwards.sort(key=lambda each: sort_key(kind, each))
    assert backwards == versions
    for earlier, later in pairwise(versions):
        assert (compare(kind, earlier, later), compare(kind, later, earlier)) == (-1, 1)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("pypi", "1.0", "1.0.0"),
        ("pypi", "v1.0RC1", "1.0rc1"),
        ("npm", "v1.2.3", "=1.2.3"),
        ("npm", "1.2.3+build.1", "1.2.3"),
        ("golang", "v2.0.0+incompatible", "2.0.0"),
        ("deb", "1.0-0", "0:1.0"),
        ("rpm", "1.0", "0:1.0"),
        ("maven", "1.0.0-GA", "1"),
        ("maven", "1-a1", "1-alpha1"),
        ("maven", "1-cr2", "1-RC-2"),
        ("maven", "1-b1", "1-beta1"),
        ("maven", "1-m1", "1-milestone1"),
        ("maven", "1-Final", "1-RELEASE"),
        ("gem", "1.0", "1.0.0"),
        ("nuget", "1.0.0-Beta", "1.0-beta"),
        ("apk", "1.0", "1.0-r0"),
    ],
)
def test_one_version_in_other_letters_is_the_same(kind: str, one: str, other: str) -> None:
    assert compare(kind, one, other) == compare(kind, other, one) == 0
    assert sort_key(kind, one) == sort_key(kind, other)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("pypi", "0.7.11p1"),
        ("pypi", "latest"),
        ("pypi", ""),
        ("pypi", " 1.0"),
        ("npm", "1.2.3.4"),
        ("npm", "^1.2.3"),
        ("npm", "1.x"),
        ("npm", "1.2.3\n"),
        ("deb", "a1"),
        ("deb", "1.0 "),
        ("rpm", "1.0-1-1"),
        ("maven", "1.0-alpha-beta"),
        ("maven", "x"),
        ("gem", "1..0"),
        ("nuget", "1.2.3.4.5"),
        ("apk", "1.0_git20200101"),
        ("apk", "٣.0"),
    ],
)
def test_what_is_no_version_is_not_comparable(kind: str, text: str) -> None:
    order = order_for(kind)
    assert order is not None
    assert key_or_none(order, text) is None
    with pytest.raises(Malformed) as caught:
        compare(kind, "1.0", text)

    assert caught.value.what == f"{shown_version(text)} is not a version in the order of {order.value}"
    assert caught.value.where == "version"
    assert caught.value.next_step == "Correct it, or treat the two as not comparable."


def test_an_unknown_order_is_said_to_be_unknown() -> None:
    with pytest.raises(Malformed) as caught:
        compare("OSS-Fuzz", "1", "2")

    assert caught.value.what == "the order of versions of OSS-Fuzz is not known here"
    assert caught.value.next_step == "Decide by hand, or use a listed version."


def test_a_long_version_is_no_version() -> None:
    assert key_or_none(VersionOrder.PEP440, "1" * 200) is not None
    assert key_or_none(VersionOrder.PEP440, "1" * 201) is None


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("PyPI", VersionOrder.PEP440),
        ("Hex", VersionOrder.SEMVER),
        ("pub", VersionOrder.SEMVER),
        ("SwiftURL", VersionOrder.SEMVER),
        ("GitHub Actions", VersionOrder.SEMVER),
        ("Bitnami", VersionOrder.SEMVER),
        ("Ubuntu:22.04:LTS", VersionOrder.DEBIAN),
        ("Rocky Linux:9", VersionOrder.RPM),
        ("Chainguard", VersionOrder.ALPINE),
        ("Packagist", None),
        ("generic", None),
        ("", None),
    ],
)
def test_which_order_an_ecosystem_has(kind: str, order: VersionOrder | None) -> None:
    assert order_for(kind) is order


@pytest.mark.parametrize(
    ("order", "text", "expected"),
    [
        (VersionOrder.PEP440, "1.0+local", "1.0"),
        (VersionOrder.PEP440, "1.0", "1.0"),
        (VersionOrder.DEBIAN, "1.0-1+b12", "1.0-1"),
        (VersionOrder.DEBIAN, "1.0-1+deb12u1", "1.0-1+deb12u1"),
        (VersionOrder.SEMVER, "1.0.0+x", "1.0.0+x"),
    ],
)
def test_what_a_version_is_a_local_build_of(order: VersionOrder, text: str, expected: str) -> None:
    assert without_local_part(order, text) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1.0~rc1", "1.0~rc1"),
        ("", "''"),
        ("a b", "'a b'"),
        ("\x1b[2J", "'\\x1b[2J'"),
        ("é", "'\\xe9'"),
        ("1" * 200, "1" * 200),
        ("1" * 201, f"'{'1' * 50}'"),
    ],
)
def test_a_version_from_outside_can_stand_in_a_sentence(text: str, shown: str) -> None:
    assert shown_version(text) == shown


def test_keys_are_sorted_and_not_hashed() -> None:
    key = sort_key("PyPI", "1.0")

    assert isinstance(key, VersionKey)
    assert key != "1.0"
    assert key >= sort_key("PyPI", "1.0.0")
    with pytest.raises(TypeError):
        hash(key)


@pytest.mark.parametrize("kind", ["PyPI", "pypi", "Debian:12"])
def test_versions_are_listed_oldest_first_and_what_is_none_after_them(kind):
    listed = ["5.10.0", "~odd", "5.9.0", "", "5.9.0"]
    assert in_version_order(kind, listed) == ("5.9.0", "5.10.0", "", "~odd")


def test_without_an_order_versions_are_listed_as_text():
    assert in_version_order("generic", {"5.9.0", "5.10.0"}) == ("5.10.0", "5.9.0")
