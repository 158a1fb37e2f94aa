"""Which releases were published, as the indexes list them."""

from __future__ import annotations

import pytest

from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.packages import limits
from leadtime.packages.fetch import Fetcher
from leadtime.packages.published import Published, in_order, published_on_pypi
from leadtime.packages.purls import parse_purl
from leadtime.packages.releases import Offer
from tests.packages.registries import Answer, Registry, distributed, listed

SIX = parse_purl("pkg:pypi/six@1.0", where="")
PADS = parse_purl("pkg:npm/%40left/pad@1.0.0", where="")


def offered(*names: str, yanked: bool = False) -> tuple[Offer, ...]:
    return tuple(Offer(name, "", None, yanked=yanked) for name in names)


def test_a_version_is_listed_once_whatever_files_it_has() -> None:
    offers = offered("six-1.0-py3-none-any.whl", "six-1.0.tar.gz", "six-1.0.zip", "six-2.0-py3-none-any.whl")

    assert published_on_pypi(offers, "six") == (Published("1.0"), Published("2.0", has_source=False))


@pytest.mark.parametrize("order", [1, -1])
def test_a_version_with_a_source_archive_has_it_whatever_comes_first(order: int) -> None:
    offers = offered("six-1.0-py3-none-any.whl", "six-1.0.tar.gz")[::order]

    assert published_on_pypi(offers, "six") == (Published("1.0"),)


def test_versions_are_read_from_names_in_whatever_letters() -> None:
    offers = offered("a-b-1.0-1.tar.gz", "A_b-2.0RC1.zip", "a.b-1-3.0.tar.gz", "a-b-nothing.tar.gz", "c-9.tar.gz", "x")

    assert published_on_pypi(offers, "a-b") == (
        Published("1.0.post1"),
        Published("2.0rc1", is_prerelease=True),
    )
    assert published_on_pypi(offered("a-b-1-3.0.tar.gz"), "a-b") == ()
    assert published_on_pypi(offered("a-b-1-3.0.tar.gz"), "a-b-1") == (Published("3.0"),)
    assert published_on_pypi(offered("other-1.0-py3-none-any.whl", "six-1.0-bad.whl"), "six") == ()


@pytest.mark.parametrize(
    ("first", "second", "yanked"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_version_is_yanked_if_all_its_files_are(first: bool, second: bool, yanked: bool) -> None:  # noqa: FBT001
    offers = offered("six-1.0.tar.gz", yanked=first) + offered("six-1.0.zip", yanked=second)

    assert published_on_pypi(offers, "six") == (Published("1.0", is_yanked=yanked),)


def test_releases_come_in_version_order_and_what_no_order_reads_is_left_out() -> None:
    releases = [Published(version) for version in ("1.10.0", "what", "1.9.0", "1.10.0-rc.1")]

    assert [each.version for each in in_order("npm", releases, where="")] == ["1.9.0", "1.10.0-rc.1", "1.10.0"]


def test_too_many_releases_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELEASES_LISTED_MAX", 2)
    releases = [Published(version) for version in ("1", "2", "3")]

    assert len(in_order("pypi", releases[:2], where="")) == 2
    with pytest.raises(Refused) as caught:
        in_order("pypi", releases, where="here")
    assert (caught.value.what, caught.value.where, caught.value.next_step) == (
        "this package has more than 2 releases",
        "here",
        "Give a range by hand.",
    )


def test_a_kind_without_an_order_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        in_order("composer", [], where="here")
    assert (caught.value.what, caught.value.where, caught.value.next_step) == (
        "the order of its versions is not known here",
        "here",
        "Give a range by hand.",
    )


def test_every_index_is_asked_and_the_first_that_has_a_version_says_what_it_is(
    registry: Registry, other: Registry, fetcher_for
) -> None:
    registry.project("six", listed("six-2.0.tar.gz", "x", b"", yanked=True), listed("six-1.10.tar.gz", "x", b""))
    other.project("six", listed("six-2.0.tar.gz", "x", b""), listed("six-1.9-py3-none-any.whl", "x", b""))

    assert fetcher_for(registry, other).published(SIX) == (
        Published("1.9", has_source=False),
        Published("1.10"),
        Published("2.0", is_yanked=True),
    )


def test_an_npm_registry_lists_what_it_has(registry: Registry, fetcher: Fetcher) -> None:
    file = distributed("x", b"")
    registry.package("@left%2Fpad", {"1.10.0": file, "1.9.0+build-7": file, "2.0.0-rc.1": file})

    assert fetcher.published(PADS) == (
        Published("1.9.0+build-7"),
        Published("1.10.0"),
        Published("2.0.0-rc.1", is_prerelease=True),
    )


@pytest.mark.parametrize(
    ("purl", "kind", "what"),
    [
        ("pkg:pypi/six", Missing, "the package index has no such release"),
        ("pkg:npm/six", Missing, "the package index has no such thing"),
        ("pkg:npm/broken", Malformed, "the registry's answer is not a package document"),
        ("pkg:gem/six", Refused, "no index lists the releases of type gem"),
    ],
)
def test_where_nothing_is_listed_it_is_said(
    registry: Registry, fetcher: Fetcher, purl: str, kind: type[LeadtimeError], what: str
) -> None:
    registry.serve("/npm/broken", Answer(b"[]"))

    with pytest.raises(kind) as caught:
        fetcher.published(parse_purl(purl, where=""))
    assert caught.value.what == what


def test_without_an_index_nothing_is_listed(fetcher_for) -> None:
    with pytest.raises(Unavailable):
        fetcher_for().published(SIX)
