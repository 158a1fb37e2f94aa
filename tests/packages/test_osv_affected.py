from __future__ import annotations

import pytest

from leadtime.foundation.errors import Malformed
from leadtime.packages import limits
from leadtime.packages.osv_affected import affected_from_osv
from leadtime.packages.purls import Purl
from leadtime.packages.ranges import AffectedRange, Event, EventKind, RangeType, VersionRange


def events(*steps: str) -> tuple[Event, ...]:
    return tuple(Event(EventKind(kind), version) for kind, version in (step.split(" ", 1) for step in steps))


ENTRY: dict[str, object] = {
    "package": {"ecosystem": "PyPI", "name": "UJSON", "purl": "pkg:pypi/ujson"},
    "ranges": [
        {"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.2.0"}]},
    ],
    "versions": ["1.0", "5.1.0"],
    "ecosystem_specific": {"anything": 1},
}


def test_an_entry_becomes_a_record() -> None:
    assert affected_from_osv(ENTRY, where="affected[0]") == AffectedRange(
        Purl("pypi", None, "ujson"),
        "PyPI",
        (
            VersionRange(RangeType.GIT, events("introduced 0", "fixed abc")),
            VersionRange(RangeType.ECOSYSTEM, events("introduced 0", "fixed 5.2.0")),
        ),
        ("1.0", "5.1.0"),
    )


def test_all_but_the_package_may_be_missing() -> None:
    entry = {"package": {"ecosystem": "npm", "name": "@a/b"}}

    assert affected_from_osv(entry, where="") == AffectedRange(Purl("npm", "@a", "b"), "npm")


def test_a_package_of_an_ecosystem_without_purls_needs_its_own() -> None:
    entry = {"package": {"ecosystem": "OSS-Fuzz", "name": "x", "purl": "pkg:generic/x@1"}}

    assert affected_from_osv(entry, where="").package == Purl("generic", None, "x")


def test_two_events_in_one_object_are_two_events() -> None:
    entry = {**ENTRY, "ranges": [{"type": "SEMVER", "events": [{"fixed": "2", "introduced": "1"}]}]}

    assert affected_from_osv(entry, where="").ranges == (
        VersionRange(RangeType.SEMVER, events("introduced 1", "fixed 2")),
    )


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"package": None}, "a.package", "this must be an object"),
        ({"package": {"name": "x"}}, "a.package.ecosystem", "this must be a text"),
        ({"package": {"ecosystem": "PyPI"}}, "a.package.name", "this must be a text"),
        ({"package": {"ecosystem": "PyPI", "name": 3}}, "a.package.name", "this must be a text"),
        ({"package": {"ecosystem": "X", "name": "x"}}, "a.package.name", "this ecosystem has no purl type here"),
        ({"ranges": {}}, "a.ranges", "this must be a list"),
        ({"ranges": ["x"]}, "a.ranges[0]", "this must be an object"),
        ({"ranges": [{"type": "X", "events": []}]}, "a.ranges[0].type", "this is not a range type"),
        ({"ranges": [{"type": [], "events": []}]}, "a.ranges[0].type", "this is not a range type"),
        ({"ranges": [{"type": "GIT", "events": 1}]}, "a.ranges[0].events", "this must be a list"),
        (
            {"ranges": [{"type": "GIT", "events": [{"since": "1"}]}]},
            "a.ranges[0].events[0]",
            "this event says nothing that is known",
        ),
        (
            {"ranges": [{"type": "GIT", "events": [{"fixed": 1}]}]},
            "a.ranges[0].events[0].fixed",
            "this must be a text",
        ),
        ({"versions": ["1", ""]}, "a.versions[1]", "this must be a text"),
        ({"versions": ["1" * 201]}, "a.versions[0]", "a version has at most 200 characters"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_field(change: dict[str, object], where: str, what: str) -> None:
    with pytest.raises(Malformed) as caught:
        affected_from_osv({**ENTRY, **change}, where="a")

    assert (caught.value.where, caught.value.what) == (where, what)


@pytest.mark.parametrize(
    ("bound", "change"),
    [
        ("RANGES_MAX", {"ranges": [{"type": "GIT", "events": []}] * 3}),
        ("EVENTS_MAX", {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}] * 3}]}),
        ("VERSIONS_LISTED_MAX", {"versions": ["1"] * 3}),
    ],
)
def test_lists_are_bounded(monkeypatch: pytest.MonkeyPatch, bound: str, change: dict[str, object]) -> None:
    monkeypatch.setattr(limits, bound, 3)
    affected_from_osv({**ENTRY, **change}, where="a")
    monkeypatch.setattr(limits, bound, 2)

    with pytest.raises(Malformed) as caught:
        affected_from_osv({**ENTRY, **change}, where="a")
    assert caught.value.what == "this has more than 2 entries"
