from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.packages import limits
from leadtime.packages.downloads import Downloads, open_client
from leadtime.packages.fetch import Fetcher, open_fetcher
from leadtime.packages.indexes import Indexes
from leadtime.packages.inner import inner_manifests
from leadtime.packages.purls import parse_purl
from leadtime.packages.releases import Release
from leadtime.packages.unpack import unpack
from tests.packages.hostile_archives import files, zipped
from tests.packages.registries import FOUND, Answer, Registry, distributed, listed

SOURCE = b"\x1f\x8b the source of ujson"
WHEEL = b"PK a wheel"
UJSON = parse_purl("pkg:pypi/ujson@5.0.0", where="")
TRY_NETWORK = "Check the network, the proxy and the index that pip or npm is configured with, then try again."

MakeFetcher = Callable[..., Fetcher]


def offer(registry: Registry, filename: str, content: bytes = SOURCE, **more: object) -> dict[str, object]:
    return listed(filename, registry.file(filename, content), content, **more)


def kept(fetcher_cache: Path) -> list[bytes]:
    return [path.read_bytes() for path in (fetcher_cache / "objects").glob("*")]


class TestPyPi:
    def test_a_source_release_is_fetched_checked_and_kept(
        self, registry: Registry, fetcher: Fetcher, tmp_path: Path
    ) -> None:
        registry.project(
            "ujson", offer(registry, "ujson-5.0.0.tar.gz"), offer(registry, "ujson-5.2.0.tar.gz", b"later")
        )

        release = fetcher.release(UJSON)

        digest = digest_of(SOURCE)
        assert release == Release(
            UJSON, tmp_path / "cache/objects" / digest.removeprefix("sha256:"), digest, "ujson-5.0.0.tar.gz", digest
        )
        assert release.archive.read_bytes() == SOURCE
        assert registry.asked == ["/simple/ujson/", "/files/ujson-5.0.0.tar.gz"]
        assert registry.accepted[0].startswith("application/vnd.pypi.simple.v1+json")

    def test_files_may_lie_on_another_host(self, registry: Registry, other: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", offer(other, "ujson-5.0.0.tar.gz"))

        assert fetcher.release(UJSON).archive.read_bytes() == SOURCE

    def test_an_index_without_json_is_read_as_html(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.file("UJSON-5.0.0.zip", SOURCE)
        digest = hashlib.sha256(SOURCE).hexdigest()
        page = f"""<html><a name="nowhere">x</a><a href="http://[bad">x</a>
            <a href="../../files/UJSON-5.0.0.zip#sha256={digest}" data-requires-python="&gt;=3">UJSON</a>"""
        registry.serve("/simple/ujson/", Answer(page.encode(), headers={"content-type": "text/html; charset=utf-8"}))

        release = fetcher.release(UJSON)

        assert (release.filename, release.declared_digest) == ("UJSON-5.0.0.zip", f"sha256:{digest}")

    @pytest.mark.parametrize(
        ("filename", "purl"),
        [
            ("Pillow-6.2.0.tar.gz", "pkg:pypi/pillow@6.2.0"),
            ("ruamel.yaml.clib-0.2.tar.gz", "pkg:pypi/ruamel-yaml-clib@0.2"),
            ("zope_interface-5.tar.gz", "pkg:pypi/zope.interface@5.0"),
            ("a-b-1.0-1.tar.gz", "pkg:pypi/a-b@1.0.post1"),
            ("old-0.7.11p1.tar.gz", "pkg:pypi/old@0.7.11p1"),
            ("x-1.0.TAR.GZ", "pkg:pypi/x@1"),
        ],
    )
    def test_names_and_versions_match_in_whatever_letters(
        self, registry: Registry, fetcher: Fetcher, filename: str, purl: str
    ) -> None:
        wanted = parse_purl(purl, where="")
        registry.project(wanted.name, offer(registry, filename))

        assert fetcher.release(wanted).filename == filename

    @pytest.mark.parametrize(
        "filename", ["ujson-5.0.0.exe", "ujson-5.0.0.tar.gz.asc", "ujson5-5.0.0.tar.gz", "5.0.0.zip"]
    )
    def test_what_is_no_source_archive_of_it_is_not_taken(
        self, registry: Registry, fetcher: Fetcher, filename: str
    ) -> None:
        registry.project("ujson", offer(registry, filename))

        with pytest.raises(Missing) as caught:
            fetcher.release(UJSON)
        assert caught.value.what == "the package index has no such release"

    def test_the_usual_archive_is_preferred(self, registry: Registry, fetcher: Fetcher) -> None:
        names = ["ujson-5.0.0.tar.bz2", "ujson-5.0.0.zip", "ujson-5.0.0.tar.gz"]
        registry.project("ujson", *(offer(registry, name, name.encode()) for name in names))

        assert fetcher.release(UJSON).filename == "ujson-5.0.0.tar.gz"

    def test_a_yanked_release_is_fetched_where_it_is_named(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz", yanked="broken"))

        assert fetcher.release(UJSON).filename == "ujson-5.0.0.tar.gz"

    def test_the_wheel_without_machine_code_is_taken(self, registry: Registry, fetcher: Fetcher) -> None:
        names = ["six-1.0-cp311-cp311-linux_x86_64.whl", "six-1.0-py2-none-any.whl", "six-1.0-py2.py3-none-any.whl"]
        registry.project("six", *(offer(registry, name, name.encode()) for name in names))

        release = fetcher.release(parse_purl("pkg:pypi/six@1.0", where=""), wheel=True)
        assert release is not None
        assert release.filename == "six-1.0-py2.py3-none-any.whl"

    def test_a_release_has_no_pure_wheel(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project(
            "ujson", offer(registry, "ujson-5.0.0.tar.gz"), offer(registry, "ujson-5.2.0-py3-none-any.whl")
        )

        assert fetcher.release(UJSON, wheel=True) is None

    def test_a_release_with_wheels_only_has_no_source(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0-cp311-cp311-win32.whl"))

        with pytest.raises(Missing) as caught:
            fetcher.release(UJSON)
        assert caught.value.what == "this release has no source archive on the index"
        assert (caught.value.where, caught.value.next_step) == (str(UJSON), "Choose one that has.")

    @pytest.mark.parametrize("wheel", [False, True])
    def test_a_release_that_does_not_exist_is_missing(
        self, registry: Registry, fetcher: Fetcher, *, wheel: bool
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-1.0.tar.gz"), offer(registry, "ujson-1.0-py3-none-any.whl"))

        for purl in ("pkg:pypi/ujson@5.0.0", "pkg:pypi/not-there@1"):
            with pytest.raises(Missing) as caught:
                fetcher.release(parse_purl(purl, where=""), wheel=wheel)  # type: ignore[call-overload]
            assert str(caught.value) == (
                f"{purl}: the package index has no such release. Check the spelling of name and version."
            )

    def test_the_first_index_that_has_the_release_is_taken(
        self, registry: Registry, other: Registry, fetcher_for: MakeFetcher
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz", b"first"))
        other.project("ujson", offer(other, "ujson-5.0.0.tar.gz", b"second"), offer(other, "ujson-6.tar.gz", b"six"))
        fetcher = fetcher_for(registry, other)

        assert fetcher.release(UJSON).archive.read_bytes() == b"first"
        assert fetcher.release(UJSON.with_version("6")).archive.read_bytes() == b"six"

    def test_a_broken_page_is_refused(self, registry: Registry, fetcher: Fetcher) -> None:
        for body in (
            b"{",
            b"[]",
            b'{"files": [1]}',
            b'{"files": [{"filename": "x"}]}',
            b'{"files": 3}',
            b"[" * 100_000,
        ):
            registry.serve("/simple/ujson/", Answer(body, headers={"content-type": "application/json"}))
            with pytest.raises(Malformed) as caught:
                fetcher.release(UJSON)
            assert caught.value.what == "the index's answer is not the JSON of PEP 691"

    def test_too_many_files_are_refused(
        self, registry: Registry, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry.project("ujson", *[offer(registry, "ujson-5.0.0.tar.gz")] * 3)
        monkeypatch.setattr(limits, "INDEX_FILES_MAX", 2)

        with pytest.raises(Malformed) as caught:
            fetcher.release(UJSON)
        assert caught.value.what == "the index lists more than 2 files"

    @pytest.mark.parametrize("algorithm", ["sha512", "sha1"])
    def test_other_promises_are_kept_too(self, registry: Registry, fetcher: Fetcher, algorithm: str) -> None:
        value = hashlib.new(algorithm, SOURCE).hexdigest()
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz", hashes={algorithm: value.upper()}))

        assert fetcher.release(UJSON).declared_digest == f"{algorithm}:{value}"

    @pytest.mark.parametrize("hashes", [{}, {"md5": "0" * 32}, {"sha256": "short"}, {"sha256": "z" * 64}])
    def test_no_promise_is_said_to_be_none(self, registry: Registry, fetcher: Fetcher, hashes: dict[str, str]) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz", hashes=hashes))

        assert fetcher.release(UJSON).declared_digest is None


class TestNpm:
    SQLITE = parse_purl("pkg:npm/sqlite3@4.1.1", where="")

    def test_a_release_is_fetched_and_checked(self, registry: Registry, other: Registry, fetcher: Fetcher) -> None:
        registry.package("sqlite3", {"4.1.1": distributed(other.file("sqlite3-4.1.1.tgz", SOURCE), SOURCE)})

        release = fetcher.release(self.SQLITE)

        assert release.archive.read_bytes() == SOURCE
        assert release.filename == "sqlite3-4.1.1.tgz"
        assert release.declared_digest == "sha512:" + hashlib.sha512(SOURCE).hexdigest()
        assert release.digest == digest_of(SOURCE)

    def test_a_scoped_package_has_one_path_component(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.package("@uswds%2Fuswds", {"3.14.0": distributed(registry.file("uswds-3.14.0.tgz", SOURCE), SOURCE)})

        assert fetcher.release(parse_purl("pkg:npm/%40uswds/uswds@3.14.0", where="")).filename == "uswds-3.14.0.tgz"

    def test_a_scope_may_have_a_registry_of_its_own(
        self, registry: Registry, other: Registry, tmp_path: Path, client: httpx.Client
    ) -> None:
        other.package("@mine%2Fx", {"1.0.0": distributed(other.file("x.tgz", SOURCE), SOURCE)})
        indexes = Indexes((), f"{registry.address}/npm", (("@mine", f"{other.address}/npm"),))

        assert (
            Fetcher(tmp_path, indexes, client).release(parse_purl("pkg:npm/%40mine/x@1.0.0", where="")).purl.name == "x"
        )
        assert registry.asked == []

    def test_an_old_release_is_checked_by_its_sha1(self, registry: Registry, fetcher: Fetcher) -> None:
        entry = distributed(registry.file("s.tgz", SOURCE), SOURCE)
        del entry["dist"]["integrity"]  # type: ignore[attr-defined]
        registry.package("sqlite3", {"4.1.1": entry})

        assert fetcher.release(self.SQLITE).declared_digest == "sha1:" + hashlib.sha1(SOURCE).hexdigest()

    @pytest.mark.parametrize("integrity", ["", "sha512-", "sha512-!!!!", "sha512-AAAA", "sha256-AAAA", "md5"])
    def test_an_integrity_that_is_none_promises_nothing(
        self, registry: Registry, fetcher: Fetcher, integrity: str
    ) -> None:
        address = registry.file("s.tgz", SOURCE)
        registry.package("sqlite3", {"4.1.1": {"dist": {"tarball": address, "integrity": integrity}}})

        assert fetcher.release(self.SQLITE).declared_digest is None

    def test_another_archive_than_promised_is_refused(
        self, registry: Registry, fetcher: Fetcher, tmp_path: Path
    ) -> None:
        registry.package("sqlite3", {"4.1.1": distributed(registry.file("s.tgz", b"swapped"), SOURCE)})

        with pytest.raises(Refused) as caught:
            fetcher.release(self.SQLITE)
        assert caught.value.what == "the archive's sha512 is not what the index promised"
        assert kept(tmp_path / "cache") == []

    def test_a_version_that_does_not_exist_is_missing(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.package("sqlite3", {})

        with pytest.raises(Missing) as caught:
            fetcher.release(self.SQLITE)
        assert str(caught.value) == (
            "npm sqlite3@4.1.1: the registry has no such version. Check the spelling of the version."
        )

    def test_a_package_that_does_not_exist_is_missing(self, fetcher: Fetcher) -> None:
        with pytest.raises(Missing) as caught:
            fetcher.release(self.SQLITE)
        assert caught.value.what == "the package index has no such thing"

    def test_a_broken_document_is_refused(self, registry: Registry, fetcher: Fetcher) -> None:
        for body in (b"{", b"[]", b'{"versions": []}', b'{"versions": {"4.1.1": {}}}', b'{"versions": {"4.1.1": 1}}'):
            registry.serve("/npm/sqlite3", Answer(body))
            with pytest.raises((Malformed, Missing)):
                fetcher.release(self.SQLITE)

    def test_no_registry_is_configured(self, fetcher_for: MakeFetcher) -> None:
        with pytest.raises(Unavailable) as caught:
            fetcher_for().release(self.SQLITE)
        assert str(caught.value) == (
            "npm: no npm registry is configured. Set NPM_CONFIG_REGISTRY to your registry's address, or install npm."
        )

    def test_npm_has_no_wheels(self, fetcher: Fetcher) -> None:
        with pytest.raises(Refused) as caught:
            fetcher.release(self.SQLITE, wheel=True)
        assert caught.value.what == "releases of type npm are not fetched as wheels"


class TestWhatIsNotFetched:
    @pytest.mark.parametrize("purl", ["pkg:cargo/zlib@1", "pkg:deb/ubuntu/x@1"])
    def test_other_kinds(self, fetcher: Fetcher, purl: str) -> None:
        with pytest.raises(Refused) as caught:
            fetcher.release(parse_purl(purl, where=""))
        kind = purl[4:].partition("/")[0]
        assert str(caught.value) == (
            f"{purl}: releases of type {kind} are not fetched. Give a purl of type pypi, npm, deb, generic or github."
        )

    def test_a_purl_without_a_version(self, fetcher: Fetcher) -> None:
        with pytest.raises(Malformed) as caught:
            fetcher.release(parse_purl("pkg:pypi/ujson", where=""))
        assert str(caught.value) == ("pkg:pypi/ujson: a release needs a version. Add one, like pkg:pypi/name@1.0.")

    @pytest.mark.parametrize("key", ["repository_url", "download_url", "vcs_url", "file_name"])
    def test_a_place_that_the_purl_names(self, registry: Registry, fetcher: Fetcher, key: str) -> None:
        with pytest.raises(Refused) as caught:
            fetcher.release(parse_purl(f"pkg:pypi/ujson@5.0.0?{key}=http://attacker.example", where=""))
        assert caught.value.what == f"a purl's {key} is not followed: releases come from the configured indexes only"
        assert registry.asked == []

    def test_other_qualifiers_are_dropped(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))

        assert fetcher.release(parse_purl("pkg:pypi/ujson@5.0.0?arch=x86#sub", where="")).purl == UJSON

    def test_no_index_is_configured(self, fetcher_for: MakeFetcher) -> None:
        with pytest.raises(Unavailable) as caught:
            fetcher_for().release(UJSON)
        assert caught.value.what == "no Python package index with an http or https address is configured"


class TestCache:
    def test_a_release_is_fetched_once(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project(
            "ujson", offer(registry, "ujson-5.0.0.tar.gz"), offer(registry, "ujson-5.0.0-py3-none-any.whl", WHEEL)
        )
        first = fetcher.release(UJSON)
        asked = len(registry.asked)

        assert fetcher.release(UJSON) == first
        assert len(registry.asked) == asked
        wheel = fetcher.release(UJSON, wheel=True)
        assert wheel is not None
        assert wheel.archive.read_bytes() == WHEEL

    @pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: overwrite(path, b"poisoned")])
    def test_a_kept_archive_that_was_changed_is_fetched_again(
        self, registry: Registry, fetcher: Fetcher, damage: Callable[[Path], None]
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        damage(fetcher.release(UJSON).archive)

        assert fetcher.release(UJSON).archive.read_bytes() == SOURCE

    @pytest.mark.parametrize("entry", [b"", b"{}", b"[]", b"null", b'{"digest": 1}', b'{"digest": "../../etc/passwd"}'])
    def test_a_damaged_entry_is_written_again(
        self, registry: Registry, fetcher: Fetcher, tmp_path: Path, entry: bytes
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        fetcher.release(UJSON)
        for path in (tmp_path / "cache/releases").iterdir():
            path.write_bytes(entry)

        assert fetcher.release(UJSON).archive.read_bytes() == SOURCE

    def test_other_indexes_do_not_share_entries(
        self, registry: Registry, other: Registry, fetcher_for: MakeFetcher
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz", b"from one"))
        other.project("ujson", offer(other, "ujson-5.0.0.tar.gz", b"from the other"))

        assert fetcher_for(registry).release(UJSON).archive.read_bytes() == b"from one"
        assert fetcher_for(other).release(UJSON).archive.read_bytes() == b"from the other"

    def test_many_at_once_leave_one_whole_archive_and_nothing_else(
        self, registry: Registry, fetcher_for: MakeFetcher, tmp_path: Path
    ) -> None:
        content = os.urandom(300_000)
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz", content))

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: fetcher_for(registry).release(UJSON), range(16)))

        assert set(found) == {found[0]}
        assert kept(tmp_path / "cache") == [content]
        assert len(list((tmp_path / "cache/releases").iterdir())) == 1

    def test_a_cache_that_cannot_be_written_is_said(self, registry: Registry, fetcher: Fetcher, tmp_path: Path) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        (tmp_path / "cache").write_text("a file in the way")

        with pytest.raises(Unavailable) as caught:
            fetcher.release(UJSON)
        assert caught.value.what == "the release cannot be kept in the cache (Not a directory)"

    def test_a_pinned_release_is_given_by_its_path(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project(
            "ujson", offer(registry, "ujson-5.0.0.tar.gz"), offer(registry, "ujson-5.0.0-py3-none-any.whl", WHEEL)
        )

        assert fetcher.fetch_pinned(UJSON, digest_of(SOURCE)).read_bytes() == SOURCE
        assert fetcher.fetch_pinned(UJSON, digest_of(WHEEL), wheel=True).read_bytes() == WHEEL

    def test_another_release_than_the_pinned_one_is_refused(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))

        for wheel in (False, True):
            with pytest.raises(Refused) as caught:
                fetcher.fetch_pinned(UJSON, digest_of(b"pinned"), wheel=wheel)
            assert caught.value.what == "the package is not the pinned one"


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


class TestBadNetworks:
    def failure(self, fetcher: Fetcher) -> LeadtimeError:
        with pytest.raises(LeadtimeError) as caught:
            fetcher.release(UJSON)
        return caught.value

    def test_another_archive_than_promised_is_refused_and_not_kept(
        self, registry: Registry, fetcher: Fetcher, tmp_path: Path
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        registry.file("ujson-5.0.0.tar.gz", b"swapped")

        found = self.failure(fetcher)
        assert isinstance(found, Refused)
        assert str(found) == (
            "pkg:pypi/ujson@5.0.0: the archive's sha256 is not what the index promised. "
            "Try again; if it stays so, tell the index's operator."
        )
        assert kept(tmp_path / "cache") == []

    def test_a_server_in_trouble_is_asked_three_times(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.serve("/simple/ujson/", Answer(status=503))

        found = self.failure(fetcher)
        assert isinstance(found, Unavailable)
        assert found.what == "the package index did not answer (status 503)"
        assert found.next_step == TRY_NETWORK
        assert len(registry.asked) == 3

    @pytest.mark.parametrize("status", [500, 429])
    def test_a_server_that_recovers_is_believed(self, registry: Registry, fetcher: Fetcher, status: int) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        registry.answers["/simple/ujson/"][:0] = [Answer(status=status)] * 2

        assert fetcher.release(UJSON).digest == digest_of(SOURCE)

    def test_a_cut_file_is_fetched_again_from_its_beginning(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        cut = Answer(SOURCE[:5], headers={"content-length": "100", "connection": "close"})
        registry.answers["/files/ujson-5.0.0.tar.gz"].insert(0, cut)

        assert fetcher.release(UJSON).archive.read_bytes() == SOURCE

    def test_no_network(self, fetcher_for: MakeFetcher) -> None:
        found = self.failure(fetcher_for(Registry("http://user:secret@127.0.0.1:9")))

        assert isinstance(found, Unavailable)
        assert str(found) == (f"pkg:pypi/ujson: the package index did not answer (ConnectError). {TRY_NETWORK}")

    @pytest.mark.parametrize("status", [401, 403, 418])
    def test_a_refusal_of_the_index_is_told(self, registry: Registry, fetcher: Fetcher, status: int) -> None:
        registry.serve("/simple/ujson/", Answer(status=status))

        found = self.failure(fetcher)
        assert isinstance(found, Unavailable)
        assert found.what == f"the package index answered with status {status}"
        assert len(registry.asked) == 1

    def test_a_file_that_went_away_is_missing(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", listed("ujson-5.0.0.tar.gz", f"{registry.address}/gone", SOURCE))

        assert isinstance(self.failure(fetcher), Missing)

    def test_redirects_are_followed(self, registry: Registry, other: Registry, fetcher: Fetcher) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        hops = [other.file("ujson-5.0.0.tar.gz", SOURCE), "/files/2", "../files/3", "4", "5"]
        for number, target in enumerate(hops, start=1):
            path = "/files/ujson-5.0.0.tar.gz" if number == 5 else f"/files/{number + 1}"
            registry.serve(path, Answer(status=FOUND, headers={"location": target}))

        assert fetcher.release(UJSON).archive.read_bytes() == SOURCE

    def test_redirects_end(self, registry: Registry, fetcher: Fetcher) -> None:
        registry.serve("/simple/ujson/", Answer(status=FOUND, headers={"location": "/simple/ujson/"}))

        found = self.failure(fetcher)
        assert isinstance(found, Refused)
        assert found.what == "the package index redirects more than 5 times"
        assert len(registry.asked) == 6

    @pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[bad", "gopher:x"])
    def test_a_redirect_elsewhere_is_refused(self, registry: Registry, fetcher: Fetcher, location: str) -> None:
        registry.serve("/simple/ujson/", Answer(status=FOUND, headers={"location": location}))

        assert self.failure(fetcher).what == "only http and https addresses are fetched"

    @pytest.mark.parametrize("address", ["file:///etc/passwd", "data:,x", "javascript:1"])
    def test_a_listed_file_elsewhere_is_refused(self, registry: Registry, fetcher: Fetcher, address: str) -> None:
        registry.project("ujson", listed("ujson-5.0.0.tar.gz", address, SOURCE))

        found = self.failure(fetcher)
        assert isinstance(found, Refused)
        assert found.what == "only http and https addresses are fetched"

    def test_a_redirect_from_https_to_http_is_refused(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(302, headers={"location": f"http://{request.url.host}/x"})

        with httpx.Client(transport=httpx.MockTransport(answer)) as client, pytest.raises(Refused) as caught:
            Downloads(client).page("https://index.example/simple/x/", accept="*/*", what="x")
        assert caught.value.what == "the package index redirects from https to http"

    def test_a_file_is_bounded(
        self, registry: Registry, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        monkeypatch.setattr(limits, "ARCHIVE_BYTES_MAX", len(SOURCE) - 1)

        found = self.failure(fetcher)
        assert isinstance(found, Refused)
        assert found.what == f"the file is larger than {len(SOURCE) - 1} bytes"
        assert kept(tmp_path / "cache") == []

        monkeypatch.setattr(limits, "ARCHIVE_BYTES_MAX", len(SOURCE))
        assert fetcher.release(UJSON).digest == digest_of(SOURCE)

    def test_a_page_is_bounded(self, registry: Registry, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        monkeypatch.setattr(limits, "PAGE_BYTES_MAX", 20)

        assert self.failure(fetcher).what == "the file is larger than 20 bytes"

    def test_a_file_that_trickles_is_given_up(self, registry: Registry, client: httpx.Client) -> None:
        address = registry.serve("/x", Answer(b"slow"))
        watch = iter([0.0, 601.0] * 3)
        waits: list[float] = []
        downloads = Downloads(client, pause=waits.append, seconds=lambda: next(watch))

        with pytest.raises(Unavailable) as caught:
            downloads.page(address, accept="*/*", what="x")
        assert caught.value.what == "the package index did not answer (slower than 600 s)"
        assert waits == [0.5, 1.0]

    def test_a_file_that_the_server_calls_encoded_is_kept_as_it_lies_there(
        self, registry: Registry, fetcher: Fetcher
    ) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        registry.file("ujson-5.0.0.tar.gz", SOURCE, content_encoding="gzip")

        assert fetcher.release(UJSON).archive.read_bytes() == SOURCE


class TestOpening:
    def test_a_certificate_bundle_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        environment = {"PIP_CONFIG_FILE": "/dev/null", "PIP_CERT": str(tmp_path / "none.pem")}

        with pytest.raises(Unavailable) as caught:
            open_client(environment)
        assert (caught.value.where, caught.value.what) == ("PIP_CERT", "the certificate bundle cannot be read")

    def test_a_fetcher_is_opened_as_the_environment_says(self, registry: Registry, tmp_path: Path) -> None:
        registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz"))
        environment = {
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_INDEX_URL": f"{registry.address}/simple/",
            "npm_config_registry": f"{registry.address}/npm",
        }

        with open_fetcher(tmp_path / "cache", environment) as fetcher:
            assert fetcher.release(UJSON).digest == digest_of(SOURCE)


def test_nothing_that_is_fetched_is_executed(
    registry: Registry, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "executed"
    trap = f"open({str(marker)!r}, 'w')".encode()
    sdist = files(tmp_path / "made.tar.gz", {"ujson-5.0.0/setup.py": trap, "ujson-5.0.0/ujson/__init__.py": trap})
    parts = {"trap.pth": b"import trap", "trap/__init__.py": trap, "trap-1.dist-info/METADATA": b"Name: trap\n\n"}
    wheel = zipped(tmp_path / "made.whl", parts)
    registry.project("ujson", offer(registry, "ujson-5.0.0.tar.gz", sdist.read_bytes()))
    registry.project("trap", offer(registry, "trap-1-py3-none-any.whl", wheel.read_bytes()))
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *_, **__: pytest.fail("a program was started"))

    unpack(fetcher.release(UJSON).archive, tmp_path / "source")
    (needed,) = fetcher.requirements(["trap"])
    unpack(needed.archive, tmp_path / "needed", strip=0)

    assert (tmp_path / "source/setup.py").read_bytes() == trap
    assert "trap" not in sys.modules
    assert not marker.exists()


@pytest.mark.fetch
class TestRealRegistries:
    def test_a_release_from_the_python_index(self, tmp_path: Path) -> None:
        with open_fetcher(tmp_path / "cache", os.environ) as fetcher:
            release = fetcher.release(UJSON)

        assert release.digest == "sha256:3ff7242816b1d22c08c04c4c6db0f6ba7c16cd624ce38534c1025defa011e50e"
        tree = unpack(release.archive, tmp_path / "tree")
        assert tree.files["lib/ultrajsonenc.c"] == digest_of((tree.root / "lib/ultrajsonenc.c").read_bytes())

    def test_a_release_from_the_npm_registry_and_the_archive_inside_it(self, tmp_path: Path) -> None:
        with open_fetcher(tmp_path / "cache", os.environ) as fetcher:
            release = fetcher.release(parse_purl("pkg:npm/sqlite3@4.1.1", where=""))

        assert release.digest == "sha256:09ddd35a26274dd54895c5772c273ea275e3943fdcc241e2ec8718742841fb07"
        (inner,) = inner_manifests(unpack(release.archive, tmp_path / "tree"))
        assert inner.archive == "deps/sqlite-autoconf-3300100.tar.gz"
        assert "sqlite-autoconf-3300100/sqlite3.c" in inner.files
        assert inner.unread == ""
