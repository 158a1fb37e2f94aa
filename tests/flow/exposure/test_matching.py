from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from leadtime.flow.exposure import Installed, Match, Touch, Unreadable, databases, index_flaws, match, read_database
from leadtime.formats.osv import OsvRecord, osv_record
from leadtime.foundation.errors import Malformed


def record(*affected: dict[str, object], **changes: object) -> OsvRecord:
    return osv_record({"id": "A-1", "summary": "s", "aliases": ["CVE-1"], "affected": list(affected), **changes})


def package(
    ecosystem: str, name: str, *events: dict[str, str], kind: str = "ECOSYSTEM", **more: object
) -> dict[str, object]:
    found: dict[str, object] = {"package": {"ecosystem": ecosystem, "name": name}, **more}
    if events:
        found["ranges"] = [{"type": kind, "events": list(events)}]
    return found


START = {"introduced": "0"}


def touch(affected: dict[str, object], installed: Installed) -> tuple[Touch, str | None]:
    found = match([installed], index_flaws([record(affected)]))
    return (found[0].touch, found[0].fixed) if found else (Touch.NO, None)


@pytest.mark.parametrize(
    ("affected", "installed", "expected"),
    [
        (package("PyPI", "Foo_Bar", START, {"fixed": "5.2.0"}), ("pkg:pypi/foo-bar", "5.1"), (Touch.YES, "5.2.0")),
        (package("PyPI", "a", START, {"fixed": "5.2.0"}), ("pkg:pypi/a", "5.2.0rc1"), (Touch.YES, "5.2.0")),
        (package("PyPI", "a", START, {"fixed": "5.2.0"}), ("pkg:pypi/a", "5.2.0"), (Touch.NO, None)),
        (package("PyPI", "a", START, {"fixed": "5.2.0"}), ("pkg:pypi/a", "5.2"), (Touch.NO, None)),
        (package("PyPI", "a", {"introduced": "2"}, {"fixed": "3"}), ("pkg:pypi/a", "1.9"), (Touch.NO, None)),
        (package("PyPI", "a", {"introduced": "2"}, {"last_affected": "3"}), ("pkg:pypi/a", "3"), (Touch.YES, None)),
        (package("PyPI", "a", {"introduced": "2"}, {"last_affected": "3"}), ("pkg:pypi/a", "3.0.1"), (Touch.NO, None)),
        (package("PyPI", "a", START), ("pkg:pypi/a", "not a version"), (Touch.UNKNOWN, None)),
        (package("PyPI", "a", versions=["1.0"]), ("pkg:pypi/a", "1.0.0"), (Touch.YES, None)),
        (package("PyPI", "a", versions=["1.0"]), ("pkg:pypi/a", "1.1"), (Touch.NO, None)),
        (package("PyPI", "a", START, kind="GIT"), ("pkg:pypi/a", "1.1"), (Touch.UNKNOWN, None)),
        (
            package("PyPI", "a", START, {"fixed": "c"}, kind="GIT", versions=["1.0"]),
            ("pkg:pypi/a", "1.1"),
            (Touch.NO, None),
        ),
        (
            package("npm", "@s/n", START, {"fixed": "4.2.0"}, kind="SEMVER"),
            ("pkg:npm/%40s/n", "4.2.0-beta.1"),
            (Touch.YES, "4.2.0"),
        ),
        (
            package("npm", "@s/n", START, {"fixed": "4.2.0"}, kind="SEMVER"),
            ("pkg:npm/%40s/n", "4.2.0"),
            (Touch.NO, None),
        ),
        (
            package("Go", "example.org/m", START, {"fixed": "1.2.0"}, kind="SEMVER"),
            ("pkg:golang/example.org/m", "v1.1.9"),
            (Touch.YES, "1.2.0"),
        ),
        (
            package("Go", "example.org/m", START, {"fixed": "1.2.0"}, kind="SEMVER"),
            ("pkg:golang/example.org/m", "v1.2.0+incompatible"),
            (Touch.NO, None),
        ),
        (
            package("Go", "stdlib", START, {"fixed": "1.22.1"}, kind="SEMVER"),
            ("pkg:golang/stdlib", "go1.22.0"),
            (Touch.YES, "1.22.1"),
        ),
        (
            package("Debian", "zlib", START, {"fixed": "1:1.2.13-1"}),
            ("pkg:deb/debian/zlib", "1.3-1"),
            (Touch.YES, "1:1.2.13-1"),
        ),
        (
            package("Debian", "zlib", START, {"fixed": "1:1.2.13-1"}),
            ("pkg:deb/debian/zlib", "1:1.2.13-1~rc1"),
            (Touch.YES, "1:1.2.13-1"),
        ),
        (
            package("Debian", "zlib", START, {"fixed": "1:1.2.13-1"}),
            ("pkg:deb/debian/zlib", "1:1.2.13-1"),
            (Touch.NO, None),
        ),
    ],
)
def test_a_version_is_held_against_a_range(
    affected: dict[str, object], installed: tuple[str, str], expected: tuple[Touch, str | None]
) -> None:
    assert touch(affected, Installed(*installed)) == expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [("12", Touch.YES), ("12.5", Touch.YES), ("11", Touch.NO), (None, Touch.UNKNOWN)],
)
def test_a_record_about_one_release_of_a_distribution_is_about_that_release(
    release: str | None, expected: Touch
) -> None:
    affected = package("Debian:12", "zlib", START, {"fixed": "2"})
    assert touch(affected, Installed("pkg:deb/debian/zlib", "1", release))[0] is expected
    assert touch(affected, Installed("pkg:deb/debian/zlib", "3", release))[0] is Touch.NO


def test_a_match_says_what_and_why() -> None:
    index = index_flaws([record(package("PyPI", "a", versions=["1"]))])
    assert match([Installed("pkg:pypi/a", "1"), Installed("pkg:pypi/b", "1")], index) == (
        Match(Installed("pkg:pypi/a", "1"), "A-1", ("CVE-1",), "s", Touch.YES, None, "1 is listed as affected"),
    )


def test_one_yes_among_the_parts_of_a_record_is_enough_and_it_is_reported_once() -> None:
    first = package("PyPI", "a", {"introduced": "1"}, {"fixed": "2"})
    second = package("PyPI", "a", {"introduced": "3"}, {"fixed": "4"})
    found = match([Installed("pkg:pypi/a", "3.5")], index_flaws([record(first, second)]))
    assert [(each.touch, each.fixed) for each in found] == [(Touch.YES, "4")]


def test_withdrawn_records_and_unknown_ecosystems_are_counted_and_not_matched() -> None:
    index = index_flaws(
        [
            record(package("PyPI", "a", START), withdrawn="2024-01-01T00:00:00Z"),
            record(package("Nowhere", "a", START), id="A-2"),
            record({"ranges": []}, id="A-3"),
            record({"package": {"ecosystem": "Nowhere", "name": "a", "purl": "not one"}}, id="A-4"),
            record(
                {"package": {"ecosystem": "OSS-Fuzz", "name": "a", "purl": "pkg:generic/a"}, "versions": ["1"]},
                id="A-5",
            ),
        ]
    )
    assert (index.records, index.withdrawn, index.unnamed) == (5, 1, ("A-2", "A-3", "A-4"))
    assert match([Installed("pkg:pypi/a", "1")], index) == ()
    assert [each.advisory for each in match([Installed("pkg:generic/a", "1")], index)] == ["A-5"]


def test_matches_are_in_one_order_whatever_the_input() -> None:
    records = [record(package("PyPI", name, START), id=f"A-{number}") for number in (2, 1) for name in ("b", "a")]
    installed = [Installed(f"pkg:pypi/{name}", version) for name in ("b", "a") for version in ("2", "1")]
    found = match(installed, index_flaws(records))
    assert found == match(reversed(installed), index_flaws(reversed(records)))
    assert [(each.installed.package[-1], each.installed.version, each.advisory) for each in found] == [
        (name, version, advisory) for name in "ab" for version in "12" for advisory in ("A-1", "A-2")
    ]


_VERSIONS = st.from_regex(r"(0|[1-9][0-9]?)(\.(0|[1-9][0-9]?)){0,2}((a|b|rc)[1-9])?", fullmatch=True)


@given(_VERSIONS, _VERSIONS, _VERSIONS)
def test_pypi_verdicts_are_those_of_pep_440(installed: str, introduced: str, fixed: str) -> None:
    affected = package("PyPI", "a", {"introduced": introduced}, {"fixed": fixed})
    lowest = Version("0") if introduced == "0" else Version(introduced)
    inside = (introduced == "0" or Version(installed) >= lowest) and not (
        Version(installed) >= Version(fixed) and (introduced == "0" or Version(fixed) >= lowest)
    )
    if introduced != "0" and Version(fixed) == lowest:
        return
    assert touch(affected, Installed("pkg:pypi/a", installed))[0] is (Touch.YES if inside else Touch.NO)


RAW = json.dumps({"id": "A-1", "affected": []}).encode()
BOTH = RAW + b"\n\n" + RAW.replace(b"A-1", b"A-2") + b"\n"


def ids(path: Path) -> list[str]:
    return [each.id if isinstance(each, OsvRecord) else "unreadable" for each in read_database(path)]


def test_a_database_is_read_in_every_form(tmp_path: Path) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("x/A-1.json", RAW)
        archive.writestr("readme.txt", b"no")
        archive.mkdir("y.json")
    forms = {
        "one.json": (RAW, ["A-1"]),
        "pretty.json": (json.dumps(json.loads(RAW), indent=1).encode(), ["A-1"]),
        "lines.json": (BOTH, ["A-1", "A-2"]),
        "lines.jsonl": (BOTH, ["A-1", "A-2"]),
        "lines.ndjson": (RAW, ["A-1"]),
        "one.json.gz": (gzip.compress(RAW), ["A-1"]),
        "lines.jsonl.gz": (gzip.compress(BOTH), ["A-1", "A-2"]),
        "lines.gz": (gzip.compress(BOTH), ["A-1", "A-2"]),
        "all.zip": (zipped.getvalue(), ["A-1"]),
    }
    for name, (content, expected) in forms.items():
        (tmp_path / name).write_bytes(content)
        assert (name, ids(tmp_path / name)) == (name, expected)
    (tmp_path / "other.txt").write_bytes(b"no")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "A-1.json").write_bytes(RAW)
    assert len(ids(tmp_path)) == sum(len(expected) for _, expected in forms.values()) + 1


def test_a_record_that_cannot_be_read_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n" + RAW)
    first, second = read_database(path)
    assert first == Unreadable(f"{path}, line 1", "$.id: a text is missing. Add it.")
    assert isinstance(second, OsvRecord)


@pytest.mark.parametrize("name", ["missing.json", "bad.gz", "bad.zip"])
def test_what_is_no_database_is_refused(tmp_path: Path, name: str) -> None:
    for bad in ("bad.gz", "bad.zip"):
        (tmp_path / bad).write_bytes(b"\x1f\x8b no")
    with pytest.raises(Malformed, match="the advisories cannot be read"):
        list(read_database(tmp_path / name))


def test_a_database_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(RAW + b"\n" + RAW)
    monkeypatch.setattr(databases, "DATABASE_BYTES_MAX", len(RAW) + 2)
    with pytest.raises(Malformed, match="a database has at most"):
        list(read_database(tmp_path / "a.jsonl"))
