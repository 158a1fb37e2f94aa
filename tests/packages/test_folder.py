"""Releases out of a folder: by purl, each under its digest, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.packages.folder import LIST, ReleaseFolder
from leadtime.packages.purls import Purl, parse_purl
from leadtime.packages.releases import Release

SIX = parse_purl("pkg:pypi/six@1.0", where="")


def entry(path: str, purl: str = str(SIX), form: str = "source", content: bytes = b"six") -> dict[str, str]:
    return {"purl": purl, "form": form, "path": path, "digest": digest_of(content)}


def folder(place: Path, *entries: dict[str, str], **files: bytes) -> ReleaseFolder:
    for name, content in files.items():
        (place / name).write_bytes(content)
    (place / LIST).write_text(json.dumps(entries))
    return ReleaseFolder(place)


def test_a_release_and_its_wheel_are_given_by_purl(tmp_path: Path) -> None:
    held = folder(tmp_path, entry("a"), entry("b", form="wheel", content=b"w"), a=b"six", b=b"w")

    with held:
        assert held.release(SIX) == Release(SIX, tmp_path / "a", digest_of(b"six"), "a", digest_of(b"six"))
        wheel = held.release(SIX, wheel=True)
    assert wheel is not None
    assert wheel.archive == tmp_path / "b"


def test_without_a_wheel_there_is_none(tmp_path: Path) -> None:
    assert folder(tmp_path, entry("a"), a=b"six").release(SIX, wheel=True) is None


def test_what_builds_need_is_given_where_anything_is_asked_for(tmp_path: Path) -> None:
    held = folder(tmp_path, entry("a"), entry("b", purl="", form="wheel", content=b"w"), a=b"six", b=b"w")

    assert [release.archive.name for release in held.requirements(["setuptools<70"])] == ["b"]
    assert held.requirements([]) == ()


@pytest.mark.parametrize(
    ("path", "kind", "what"),
    [
        ("a", Refused, "this archive is not the one that is listed"),
        ("b", Missing, "the folder does not hold this archive"),
        ("../outside", Missing, "the folder does not hold this archive"),
    ],
)
def test_what_differs_is_missing_or_outside_is_not_given(
    tmp_path: Path, path: str, kind: type[LeadtimeError], what: str
) -> None:
    place = tmp_path / "held"
    place.mkdir()
    (tmp_path / "outside").write_bytes(b"six")
    held = folder(place, entry(path), a=b"other")

    with pytest.raises(kind) as caught:
        held.release(SIX)
    assert caught.value.what == what


def test_another_release_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Missing) as caught:
        folder(tmp_path, entry("a"), a=b"six").release(SIX.with_version("2.0"))
    assert caught.value.what == "the folder does not hold this release"


def test_what_was_published_a_folder_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        folder(tmp_path).published(Purl("pypi", None, "six"))


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '[{"purl": ""}]', '[{"purl": "", "form": "x", "path": "", "digest": ""}]']
)
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / LIST).write_text(text)

    with pytest.raises(Malformed) as caught:
        ReleaseFolder(tmp_path)
    assert caught.value.what == "this folder has no list of its releases"
