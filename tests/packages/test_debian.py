"""Debian source packages, through apt itself and a small archive on the loopback."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path

import httpx
import pytest

from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.packages import limits
from leadtime.packages.debian import Part, SourcePackages, asking_for_sources, parts_of, source_lists
from leadtime.packages.fetch import Fetcher
from leadtime.packages.indexes import Indexes
from leadtime.packages.purls import Purl, parse_purl
from leadtime.packages.unpack import unpack
from tests.packages.registries import Answer, Registry

needs_apt = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("apt-get", "dpkg-source")), reason="apt or dpkg-dev is not installed"
)
LIB = parse_purl("pkg:deb/debian/lib@1%3A1.0-1", where="")
ONE, OTHER = "a" * 64, "b" * 64
PATCH = "--- a/lib.c\n+++ b/lib.c\n@@ -1 +1 @@\n-int broken;\n+int mended;\n"


def tarred(files: dict[str, str], mode: str) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return raw.getvalue()


def sums(files: dict[str, bytes]) -> str:
    return "".join(f"\n {hashlib.sha256(content).hexdigest()} {len(content)} {name}" for name, content in files.items())


@pytest.fixture
def apt(registry: Registry, tmp_path: Path) -> Path:
    """Serve an archive with one source package, and return a folder of apt's settings that names it."""
    changes = (
        "lib (1:1.0-1) stable; urgency=low\n\n  * It.\n\n -- Me <me@there.example>  Thu, 01 Jan 2026 00:00:00 +0000\n"
    )
    package = {
        "debian/changelog": changes,
        "debian/control": "Source: lib\n",
        "debian/source/format": "3.0 (quilt)\n",
        "debian/patches/series": "mend.patch\n",
        "debian/patches/mend.patch": PATCH,
    }
    parts = {
        "lib_1.0.orig.tar.gz": tarred({"lib-1.0/lib.c": "int broken;\n"}, "w:gz"),
        "lib_1.0-1.debian.tar.xz": tarred(package, "w:xz"),
    }
    about = "Format: 3.0 (quilt)\n{} lib\nBinary: lib\nArchitecture: all\nVersion: 1:1.0-1\nMaintainer: Me <me@x>\n"
    described = (
        about.format("Source:")
        + f"Checksums-Sha256:{sums(parts)}\nFiles:"
        + "".join(f"\n {hashlib.md5(content).hexdigest()} {len(content)} {name}" for name, content in parts.items())
    )
    parts["lib_1.0-1.dsc"] = f"{described}\n".encode()
    listed = about.format("Package:") + f"Directory: pool\nChecksums-Sha256:{sums(parts)}\n\n"
    for name, content in parts.items():
        registry.serve(f"/pool/{name}", Answer(content))
    registry.serve("/./Sources", Answer(listed.encode()))
    registry.serve("/./Release", Answer(f"SHA256:{sums({'Sources': listed.encode()})}\n".encode()))
    settings = tmp_path / "settings"
    (settings / "sources.list.d").mkdir(parents=True)
    (settings / "sources.list").write_text(f"deb [trusted=yes] {registry.address} ./\n")
    return settings


@needs_apt
class TestOneArchive:
    def test_a_source_package_becomes_one_patched_tree(
        self, apt: Path, tmp_path: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SourcePackages.__init__, "__kwdefaults__", {"apt": apt})
        fetcher = Fetcher(tmp_path / "cache", Indexes((), ""), client)

        release = fetcher.release(parse_purl(f"{LIB}?arch=source", where=""))

        assert (release.purl, release.filename) == (LIB, "lib_1:1.0-1.tar")
        tree = unpack(release.archive, tmp_path / "tree")
        assert (tree.root / "lib.c").read_text() == "int mended;\n"
        assert "debian/patches/mend.patch" in tree.files
        assert fetcher.release(LIB) == release

    def test_a_version_that_is_not_there_is_missing(self, apt: Path, tmp_path: Path) -> None:
        with pytest.raises(Missing) as caught:
            SourcePackages(tmp_path / "apt", apt=apt).build_tree(LIB.with_version("2.0"), tmp_path)
        assert caught.value.what == "this machine's apt sources have no such source package"

    def test_files_that_differ_are_not_taken(self, apt: Path, tmp_path: Path, registry: Registry) -> None:
        registry.serve("/pool/lib_1.0.orig.tar.gz", Answer(b"something else"))

        with pytest.raises(Unavailable) as caught:
            SourcePackages(tmp_path / "apt", apt=apt).build_tree(LIB, tmp_path)
        assert "as its index promises it" in caught.value.what

    def test_what_is_too_large_is_not_fetched(
        self, apt: Path, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "ARCHIVE_BYTES_MAX", 100)

        with pytest.raises(Refused) as caught:
            SourcePackages(tmp_path / "apt", apt=apt).build_tree(LIB, tmp_path)
        assert caught.value.what == "the source package is larger than 100 bytes"
        assert not any(path.startswith("/pool") for path in registry.asked)

    def test_an_archive_that_does_not_answer_is_unavailable(self, apt: Path, tmp_path: Path) -> None:
        (apt / "sources.list").write_text("deb [trusted=yes] http://127.0.0.1:1 ./\n")

        with pytest.raises(Unavailable) as caught:
            SourcePackages(tmp_path / "apt", apt=apt).build_tree(LIB, tmp_path)
        assert caught.value.what == "apt could not fetch its indexes"


@pytest.mark.parametrize(
    ("namespace", "name", "version"),
    [
        ("ubuntu", "lib", "1"),
        ("debian", "-o", "1"),
        ("debian", "lib/stable", "1"),
        ("debian", "lib", "-1"),
        ("debian", "lib", "1/x"),
        ("debian", "lib", "1=2"),
        ("debian", "lib", ""),
    ],
)
def test_a_name_or_version_cannot_be_an_option_or_a_suite(
    namespace: str, name: str, version: str, tmp_path: Path
) -> None:
    with pytest.raises(Malformed) as caught:
        SourcePackages(tmp_path, apt=tmp_path).build_tree(Purl("deb", namespace, name, version), tmp_path)
    assert caught.value.what == "this is no Debian source package"


def test_without_the_tools_it_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LeadtimeError) as caught:
        SourcePackages(tmp_path, apt=tmp_path).build_tree(LIB, tmp_path)
    assert (type(caught.value), caught.value.what) == (Unavailable, "apt-get is not there or did not end")


def test_the_files_of_a_package_are_read_from_what_apt_says() -> None:
    told = (
        f"Need to get 1 B.\n'http://there.example/l_1.dsc' l_1.dsc 10 SHA256:{ONE}\n"
        f"'http://there.example/l_1.tar.gz' l_1.tar.gz 20 SHA256:{OTHER}\n"
    )

    assert parts_of(told) == (Part("l_1.dsc", 10, f"sha256:{ONE}"), Part("l_1.tar.gz", 20, f"sha256:{OTHER}"))


@pytest.mark.parametrize(
    "told",
    [
        "",
        f"'http://a' l.tar.gz 1 SHA256:{ONE}",
        f"'http://a' l.dsc 1 SHA256:{ONE}\n'http://a' m.dsc 1 SHA256:{ONE}",
        f"'http://a' ../l.dsc 1 SHA256:{ONE}",
        "'http://a' l.dsc 1 MD5Sum:0",
        f"'http://a' -l.dsc 1 SHA256:{ONE}",
    ],
)
def test_what_is_no_package_has_no_files(told: str) -> None:
    assert parts_of(told) == ()


def test_more_files_than_a_package_has_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    told = f"'http://a' l.dsc 1 SHA256:{ONE}\n'http://a' l.tar 1 SHA256:{ONE}"

    monkeypatch.setattr(limits, "SOURCE_PARTS_MAX", 2)
    assert len(parts_of(told)) == 2
    monkeypatch.setattr(limits, "SOURCE_PARTS_MAX", 1)
    assert parts_of(told) == ()


def test_every_entry_asks_for_sources_and_stands_once() -> None:
    text = (
        "# deb x\ndeb [signed-by=/k] http://a b main\ndeb-src [signed-by=/k] http://a b main\n\nTypes: deb\nURIs: x\n"
    )

    assert asking_for_sources(text) == ("# deb x\n\nTypes: deb-src\nURIs: x\ndeb-src [signed-by=/k] http://a b main\n")


def test_the_machines_lists_are_read_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    for name in ("b.list", "a.sources", "c.list.bak"):
        (folder / name).write_text("deb http://a b\n")
    (folder / "folder.list").mkdir()

    assert [name for name, _ in source_lists(tmp_path)] == ["a.sources", "b.list"]
