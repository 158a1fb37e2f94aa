from __future__ import annotations

import gzip
from functools import cmp_to_key
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadtime.flow.exposure.matching import affected_range, package_of
from leadtime.formats.osv import read_osv
from leadtime.packages.purls import Purl, purl_for
from leadtime.packages.ranges import (
    Affected,
    AffectedRange,
    Answer,
    Event,
    EventKind,
    RangeType,
    VersionRange,
    is_affected,
)
from leadtime.packages.versions import compare, key_or_none, order_for

YES, NO, UNKNOWN = Affected.YES, Affected.NO, Affected.UNKNOWN


def events(*steps: str) -> tuple[Event, ...]:
    """``introduced 0``, ``fixed 5.2.0`` … as events."""
    return tuple(Event(EventKind(kind), version) for kind, version in (step.split(" ", 1) for step in steps))


def package(
    *steps: str, ecosystem: str = "PyPI", kind: RangeType = RangeType.ECOSYSTEM, versions: tuple[str, ...] = ()
) -> AffectedRange:
    ranges = (VersionRange(kind, events(*steps)),) if steps else ()
    return AffectedRange(purl_for(ecosystem, "a:b" if ecosystem == "Maven" else "a"), ecosystem, ranges, versions)


def test_each_answer_says_why() -> None:
    ujson = package("introduced 0", "fixed 5.2.0")

    assert is_affected(ujson, "5.0.0") == Answer(
        YES, "5.0.0 is at or after the introduced 0 and before the fixed 5.2.0 (PEP 440)", "5.2.0"
    )
    assert is_affected(ujson, "5.2.0") == Answer(NO, "5.2.0 is outside the affected range", None)
    assert is_affected(ujson, "newest") == Answer(UNKNOWN, "newest is not a version in the order of PEP 440", None)
    assert is_affected(package("introduced 1.0"), "1.0") == Answer(
        YES, "1.0 is at or after the introduced 1.0 (PEP 440)", None
    )


@pytest.mark.parametrize(
    ("ecosystem", "fixed", "before"),
    [
        ("PyPI", "5.2.0", "5.2.0rc1"),
        ("PyPI", "5.2.0", "5.2.0.dev1"),
        ("PyPI", "5.2.0", "5.2.0a1+local"),
        ("npm", "4.2.0", "4.2.0-beta.1"),
        ("Go", "1.2.3", "v1.2.3-0.20200101000000-abcdefabcdef"),
        ("crates.io", "1.0.0", "1.0.0-alpha"),
        ("Debian:12", "1.0-1", "1.0~rc1-1"),
        ("Debian:12", "1.0-1+deb12u1", "1.0-1"),
        ("Debian:12", "1.0-1", "1.0-1~bpo11+1"),
        ("Red Hat:9", "1.0-1", "1.0~rc1-1"),
        ("Maven", "1.0", "1.0-SNAPSHOT"),
        ("RubyGems", "1.0", "1.0.rc1"),
        ("NuGet", "1.0.0", "1.0.0-beta"),
        ("Alpine:v3.18", "1.0-r0", "1.0_rc1"),
    ],
)
def test_a_pre_release_of_the_fixed_version_is_affected(ecosystem: str, fixed: str, before: str) -> None:
    answer = is_affected(package("introduced 0", f"fixed {fixed}", ecosystem=ecosystem), before)

    assert (answer.affected, answer.fixed) == (YES, fixed)
    assert is_affected(package("introduced 0", f"fixed {fixed}", ecosystem=ecosystem), fixed).affected is NO


@pytest.mark.parametrize(
    ("steps", "version", "affected", "fixed"),
    [
        (("introduced 0", "fixed 5"), "0.dev0", YES, "5"),
        (("introduced 1.0", "fixed 2.0"), "0.9", NO, None),
        (("introduced 1.0", "fixed 2.0"), "1.0", YES, "2.0"),
        (("introduced 1.0", "fixed 2.0"), "1.0rc1", NO, None),
        (("introduced 1.0", "fixed 2.0"), "2.0+local", NO, None),
        (("introduced 1.0", "fixed 2.0"), "2.0.post1", NO, None),
        (("fixed 2.0", "introduced 1.0"), "1.5", YES, "2.0"),
        (("introduced 1.0", "last_affected 1.5"), "1.5", YES, None),
        (("introduced 1.0", "last_affected 1.5"), "1.5.0", YES, None),
        (("introduced 1.0", "last_affected 1.5"), "1.5+local", YES, None),
        (("introduced 1.0", "last_affected 1.5"), "1.5.post1", NO, None),
        (("introduced 1.0", "last_affected 1.5"), "1.6", NO, None),
        (("introduced 1.0", "last_affected 1.5+a"), "1.5+b", NO, None),
        (("introduced 1.0", "last_affected 1.0"), "1.0", YES, None),
        (("introduced 1.0", "last_affected 1.0"), "1.1", NO, None),
        (("introduced 0", "fixed 1.0", "introduced 2.0", "fixed 2.1"), "0.5", YES, "1.0"),
        (("introduced 0", "fixed 1.0", "introduced 2.0", "fixed 2.1"), "1.5", NO, None),
        (("introduced 0", "fixed 1.0", "introduced 2.0", "fixed 2.1"), "2.0", YES, "2.1"),
        (("introduced 0", "fixed 1.0", "introduced 2.0", "fixed 2.1"), "2.1", NO, None),
        (("introduced 0", "fixed 1.0", "introduced 1.0", "fixed 2.0"), "1.0", YES, "2.0"),
        (("introduced 0", "introduced 1.0", "fixed 2.0"), "0.1", YES, "2.0"),
        (("introduced 0", "limit 2.0"), "1.9", YES, None),
        (("introduced 0", "limit 2.0"), "2.0", NO, None),
        (("introduced 0", "limit 1.0", "limit 2.0"), "1.5", YES, None),
        (("introduced 0", "limit *", "limit 1.0"), "9", YES, None),
        (("introduced 0",), "9!9", YES, None),
    ],
)
def test_a_range_is_walked_as_osv_says(
    steps: tuple[str, ...], version: str, affected: Affected, fixed: str | None
) -> None:
    answer = is_affected(package(*steps), version)

    assert (answer.affected, answer.fixed) == (affected, fixed)


def test_the_reason_names_where_the_stretch_began() -> None:
    twice = package("introduced 0", "fixed 1.0", "introduced 2.0", "introduced 2.5", "fixed 3.0")

    assert (
        is_affected(twice, "2.9").reason == "2.9 is at or after the introduced 2.0 and before the fixed 3.0 (PEP 440)"
    )
    assert is_affected(twice, "0.9").reason == "0.9 is at or after the introduced 0 and before the fixed 1.0 (PEP 440)"


def test_a_debian_rebuild_of_the_last_affected_version_is_affected() -> None:
    last = package("introduced 0", "last_affected 1.0-1", ecosystem="Debian:12")

    assert is_affected(last, "1.0-1+b3").affected is YES
    assert is_affected(last, "1.0-1+deb12u1").affected is NO


def test_a_build_of_the_last_affected_semantic_version_is_affected() -> None:
    last = package("introduced 0", "last_affected 1.0.0", ecosystem="npm", kind=RangeType.SEMVER)

    assert is_affected(last, "v1.0.0+build").affected is YES


class TestWhatCannotBeEvaluatedIsUnknown:
    def test_an_event_that_is_no_version(self) -> None:
        assert is_affected(package("introduced 0", "fixed soon"), "1.0") == Answer(
            UNKNOWN, "soon is not a version in the order of PEP 440"
        )

    def test_a_limit_that_is_no_version(self) -> None:
        assert is_affected(package("introduced 0", "limit soon"), "1.0").affected is UNKNOWN

    def test_a_range_that_begins_nowhere(self) -> None:
        assert is_affected(package("fixed 2.0"), "1.0") == Answer(UNKNOWN, "the range does not say where it begins")

    def test_an_ecosystem_without_an_order(self) -> None:
        composer = package("introduced 0", "fixed 2.0", ecosystem="Packagist")

        assert is_affected(composer, "1.0") == Answer(
            UNKNOWN, "the order of this ecosystem's versions is not known here"
        )

    def test_a_record_without_versions(self) -> None:
        assert is_affected(package(), "1.0") == Answer(UNKNOWN, "the advisory names no versions that can be compared")

    def test_commits_only(self) -> None:
        commits = package("introduced 0", "fixed abc", kind=RangeType.GIT)

        assert is_affected(commits, "1.0") == Answer(UNKNOWN, "the advisory names no versions that can be compared")

    def test_a_list_in_an_ecosystem_whose_letters_may_differ(self) -> None:
        listed = package(ecosystem="Packagist", versions=("1.0",))

        assert is_affected(listed, "1.0") == Answer(YES, "1.0 is listed as affected")
        assert is_affected(listed, "1.0.0") == Answer(
            UNKNOWN, "it is not listed, and this ecosystem may write the same version otherwise"
        )

    def test_a_version_that_is_none_beside_a_list(self) -> None:
        assert is_affected(package(versions=("1.0",)), "0.7.11p1") == Answer(
            UNKNOWN, "0.7.11p1 is not a version in the order of PEP 440"
        )

    def test_one_unknown_range_among_others(self) -> None:
        unknown = VersionRange(RangeType.ECOSYSTEM, events("introduced 0", "fixed soon"))
        known = VersionRange(RangeType.ECOSYSTEM, events("introduced 0", "fixed 2.0"))
        both = AffectedRange(Purl("pypi", None, "a"), "PyPI", (unknown, known))

        assert is_affected(both, "1.0").affected is YES
        assert is_affected(both, "3.0") == Answer(UNKNOWN, "soon is not a version in the order of PEP 440")


class TestLists:
    def test_a_listed_version_is_affected_whatever_the_ranges_say(self) -> None:
        both = package("introduced 0", "fixed 2.0", versions=("2.5", "1.0"))

        assert is_affected(both, "2.5") == Answer(YES, "2.5 is listed as affected", None)
        assert is_affected(both, "1.0") == Answer(YES, "1.0 is listed as affected", "2.0")
        assert is_affected(both, "0.1").affected is YES
        assert is_affected(both, "2.0") == Answer(NO, "2.0 is in no affected range and not listed")

    @pytest.mark.parametrize("version", ["1.0", "1.0.0", "v1.0", "1.0+local", "0.7.11p1"])
    def test_a_version_is_listed_in_whatever_letters(self, version: str) -> None:
        assert is_affected(package(versions=("2.0", "0.7.11p1", "1.0", "0.1")), version) == Answer(
            YES, f"{version} is listed as affected"
        )

    @pytest.mark.parametrize("version", ["1.0rc1", "3.0", "0.0.1", "1.5"])
    def test_a_version_that_is_not_listed_is_not_affected(self, version: str) -> None:
        assert is_affected(package(versions=("1.0", "2.0")), version) == Answer(
            NO, f"{version} is not among the listed versions"
        )

    def test_commits_beside_a_list_leave_the_list_to_decide(self) -> None:
        listed = package("introduced 0", "fixed abc", kind=RangeType.GIT, versions=("1.0",))

        assert is_affected(listed, "1.0").affected is YES
        assert is_affected(listed, "2.0") == Answer(NO, "2.0 is not among the listed versions")


def test_a_semantic_range_has_an_order_even_where_the_ecosystem_has_none() -> None:
    semantic = package("introduced 0", "fixed 2.0.0", ecosystem="Packagist", kind=RangeType.SEMVER)

    assert is_affected(semantic, "1.9.9") == Answer(
        YES,
        "1.9.9 is at or after the introduced 0 and before the fixed 2.0.0 (Semantic Versioning 2.0.0)",
        "2.0.0",
    )


def test_an_unknown_ecosystem_text_falls_back_on_the_package_type() -> None:
    named = AffectedRange(
        Purl("pypi", None, "a"), "Elsewhere", (VersionRange(RangeType.ECOSYSTEM, events("introduced 0", "fixed 1.0")),)
    )

    assert is_affected(named, "1.0rc1").affected is YES


@pytest.mark.parametrize("ecosystem", ["PyPI", "npm", "Debian:12", "Maven"])
def test_a_range_is_one_stretch(ecosystem: str) -> None:
    """Between two affected versions lies no unaffected one where a range has one stretch; and the ends are sharp."""
    number = st.integers(0, 4).map(str)
    version = st.lists(number, min_size=3, max_size=3).map(".".join)

    @settings(max_examples=150, deadline=None, database=None)
    @given(introduced=version, fixed=version, versions=st.lists(version, min_size=3, max_size=8))
    def monotone(introduced: str, fixed: str, versions: list[str]) -> None:
        if compare(ecosystem, introduced, fixed) >= 0:
            introduced, fixed = "0", introduced
        stretch = package(f"introduced {introduced}", f"fixed {fixed}", ecosystem=ecosystem)
        ordered = sorted(versions, key=cmp_to_key(lambda one, other: compare(ecosystem, one, other)))
        answers = [is_affected(stretch, each).affected for each in ordered]
        assert UNKNOWN not in answers
        for each, answer in zip(ordered, answers, strict=True):
            after = introduced == "0" or compare(ecosystem, each, introduced) >= 0
            assert (answer is YES) == (after and compare(ecosystem, each, fixed) < 0)
        assert "".join("y" if each is YES else "n" for each in answers).strip("n").count("n") == 0

    monotone()


@settings(max_examples=100, deadline=None, database=None)
@given(order=st.permutations(events("introduced 0", "fixed 1.0", "introduced 2.0", "fixed 2.1", "limit 9")))
def test_the_order_of_events_does_not_matter(order: list[Event]) -> None:
    shuffled = AffectedRange(Purl("pypi", None, "a"), "PyPI", (VersionRange(RangeType.ECOSYSTEM, tuple(order)),))

    answers = [is_affected(shuffled, each).affected for each in ("0.1", "1.0", "2.0", "2.1", "9")]
    assert answers == [YES, NO, YES, NO, NO]


CORPUS = Path(__file__).parents[3] / "shared/data/corpora/osv-pypi.jsonl.gz"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpora of real advisories are not beside this checkout")
def test_ranges_agree_with_the_versions_that_real_advisories_list() -> None:
    agree = differ = 0
    with gzip.open(CORPUS) as lines:
        for line in lines:
            for affected in read_osv(line).affected:
                package = package_of(affected)
                assert package is not None
                whole = affected_range(affected, package)
                order = order_for(whole.ecosystem)
                assert order is not None
                if not any(each.type is RangeType.ECOSYSTEM for each in whole.ranges):
                    continue
                ranges_only = AffectedRange(whole.package, whole.ecosystem, whole.ranges)
                for version in whole.versions[:: max(1, len(whole.versions) // 5)]:
                    if key_or_none(order, version) is not None:
                        agree += is_affected(ranges_only, version).affected is YES
                        differ += is_affected(ranges_only, version).affected is NO

    assert agree > 10_000
    assert differ < agree / 1_000
