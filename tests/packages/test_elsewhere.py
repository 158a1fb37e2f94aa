"""Releases that no index lists: by address and digest, and by commit; and where such addresses may lead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
import pytest

from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused, Unavailable
from leadtime.packages import limits
from leadtime.packages.addresses import Guard, Pinned, is_public, look_up
from leadtime.packages.elsewhere import NOWHERE, Elsewhere, commit_offer, generic_offer, read_elsewhere
from leadtime.packages.fetch import Fetcher
from leadtime.packages.indexes import Indexes
from leadtime.packages.purls import Purl, parse_purl
from leadtime.packages.releases import Offer, Release
from tests.packages.registries import FOUND, Answer, Registry

ARCHIVE = b"\x1f\x8b an archive"
DIGEST = digest_of(ARCHIVE)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
STEP = "Write it like pkg:generic/name@1.0?download_url=https://…&checksum=sha256:…"
PUBLIC = "93.184.215.14"

Make = Callable[..., Fetcher]


def generic(address: str, checksum: str = DIGEST) -> Purl:
    qualifiers = (("checksum", checksum), ("download_url", address))
    return Purl("generic", None, "lib", "1.0", tuple(pair for pair in qualifiers if pair[1]))


@pytest.fixture
def make(tmp_path: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make fetchers that know the loopback under the name that a test gives it."""
    monkeypatch.setattr(limits, "RETRY_WAIT_SECONDS", 0)

    def make(*hosts: str, github: str = "", look: Callable[[str], Iterable[str]] = look_up) -> Fetcher:
        return Fetcher(tmp_path / "cache", Indexes((), ""), client, Elsewhere(frozenset(hosts), github), look)

    return make


class TestGeneric:
    def test_an_archive_with_its_digest_is_fetched_checked_and_kept(
        self, registry: Registry, make: Make, tmp_path: Path
    ) -> None:
        purl = generic(registry.file("lib-1.0.tgz", ARCHIVE))

        release = make("127.0.0.1").release(purl)

        archive = tmp_path / "cache/objects" / DIGEST.removeprefix("sha256:")
        assert release == Release(purl, archive, DIGEST, "lib-1.0.tgz", DIGEST)
        assert make("127.0.0.1").release(purl) == release
        assert registry.asked == ["/files/lib-1.0.tgz"]

    def test_bytes_that_differ_are_refused_and_not_kept(self, registry: Registry, make: Make, tmp_path: Path) -> None:
        purl = generic(registry.file("lib-1.0.tgz", b"something else"))

        with pytest.raises(Refused) as caught:
            make("127.0.0.1").release(purl)
        assert caught.value.what == "the archive's sha256 is not what the index promised"
        assert list((tmp_path / "cache/objects").iterdir()) == []

    @pytest.mark.parametrize("checksum", ["", "sha1:" + "0" * 40, "sha256:12", DIGEST + "0", DIGEST[:-1] + "g"])
    def test_without_a_digest_nothing_is_fetched(self, make: Make, checksum: str) -> None:
        with pytest.raises(Refused) as caught:
            make().release(generic("https://there.example/lib.tgz", checksum))
        assert (caught.value.what, caught.value.where, caught.value.next_step) == (
            "a generic release is fetched only with the SHA-256 of its archive",
            "pkg:generic/lib",
            STEP,
        )

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "ftp://there.example/lib.tgz",
            "file:///etc/passwd",
            "https:///lib.tgz",
            "https://me:secret@there.example/lib.tgz",
            "https://@there.example/lib.tgz",
            "https://[bad/lib.tgz",
        ],
    )
    def test_an_address_is_of_the_web_and_holds_no_password(self, make: Make, address: str) -> None:
        with pytest.raises(Malformed) as caught:
            make().release(generic(address))
        assert (caught.value.what, caught.value.where, caught.value.next_step) == (
            "this is no address of an archive",
            "pkg:generic/lib",
            STEP,
        )

    def test_the_digest_may_be_one_of_several_and_in_capitals(self) -> None:
        upper = DIGEST.upper().replace("SHA256", "sha256")

        offer = generic_offer(generic("http://there.example/", f"sha1:{'0' * 40},{upper}"))

        assert offer == Offer("archive", "http://there.example/", DIGEST)

    def test_a_wheel_of_it_there_is_not(self, make: Make) -> None:
        with pytest.raises(Refused):
            make().release(generic("https://there.example/lib.tgz"), wheel=True)


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "ff0e::1",
            "fe80::1%eth0",
            "nothing",
        ],
    )
    def test_what_is_not_public_is_told(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::93.184.215.14"])
    def test_what_is_public_is_told(self, address: str) -> None:
        assert is_public(address)

    def test_a_private_host_is_refused_unless_the_operator_opened_it(self, registry: Registry, make: Make) -> None:
        purl = generic(registry.file("lib.tgz", ARCHIVE))

        with pytest.raises(Refused) as caught:
            make("another.example").release(purl)
        assert (caught.value.what, caught.value.where, caught.value.next_step) == (
            "a recipe may not name an address that is not public",
            str(purl),
            "Name a public one; an operator may list the host in LEADTIME_DOWNLOAD_HOSTS.",
        )
        assert registry.asked == []

    def test_one_private_address_of_a_name_is_enough(self) -> None:
        guard = Guard(frozenset(), lambda _: (PUBLIC, "10.0.0.1"))

        with pytest.raises(Refused):
            guard.pin("https://there.example/x", what="it")

    def test_a_redirect_into_the_private_network_is_refused(
        self, registry: Registry, other: Registry, make: Make
    ) -> None:
        inside = other.file("lib.tgz", ARCHIVE).replace("127.0.0.1", "inside.example")
        start = registry.serve("/start", Answer(status=FOUND, headers={"location": inside}))

        with pytest.raises(Refused):
            make("opened.example", look=lambda _: ("127.0.0.1",)).release(
                generic(start.replace("127.0.0.1", "opened.example"))
            )
        assert other.asked == []

    def test_a_name_is_looked_up_once_a_request_and_asked_for_by_its_name(self, registry: Registry, make: Make) -> None:
        looked: list[str] = []

        def look(host: str) -> tuple[str, ...]:
            looked.append(host)
            return ("127.0.0.1",)

        address = registry.file("lib.tgz", ARCHIVE).replace("127.0.0.1", "opened.example")

        assert make("opened.example", look=look).release(generic(address)).digest == DIGEST
        assert looked == ["opened.example"]

    def test_the_connection_goes_to_what_was_looked_at(self) -> None:
        guard = Guard(frozenset(), lambda _: (PUBLIC,))

        assert guard.pin("https://there.example:8443/a?b=c", what="it") == Pinned(
            f"https://{PUBLIC}:8443/a?b=c", "there.example:8443", "there.example"
        )

    def test_a_host_that_is_nowhere_is_unavailable(self, make: Make) -> None:
        def nowhere(host: str) -> tuple[str, ...]:
            raise OSError(host)

        for look in (nowhere, lambda _: ()):
            with pytest.raises(Unavailable) as caught:
                make(look=look).release(generic("https://there.example/lib.tgz"))
            assert caught.value.what == "the host of the release was not found"
            assert caught.value.next_step == "Check the address and the network."


class TestCommits:
    GITHUB = "{at}/files/{owner}-{name}-{commit}.tgz"

    def test_the_archive_of_a_commit_is_fetched_and_its_digest_recorded(self, registry: Registry, make: Make) -> None:
        registry.file(f"owner-name-{COMMIT}.tgz", ARCHIVE)
        github = self.GITHUB.replace("{at}", registry.address)

        release = make("127.0.0.1", github=github).release(parse_purl(f"pkg:github/Owner/Name@{COMMIT}", where=""))

        assert (release.digest, release.declared_digest) == (DIGEST, None)
        assert release.filename == f"name-{COMMIT}.tar.gz"
        assert str(release.purl) == f"pkg:github/owner/name@{COMMIT}"

    @pytest.mark.parametrize("version", ["v1.0", "main", COMMIT[:-1], COMMIT + "0", "../" + COMMIT, ""])
    def test_what_can_move_is_no_commit(self, version: str) -> None:
        with pytest.raises(Malformed) as caught:
            commit_offer(Purl("github", "owner", "name", version), self.GITHUB)
        assert caught.value.what == "a release on GitHub is named by its commit"
        assert caught.value.next_step == "Give all its hexadecimal digits."

    def test_longer_commits_are_commits_too(self) -> None:
        commit = "ab" * 32

        assert commit_offer(Purl("github", "o", "n", commit), self.GITHUB).address == f"{{at}}/files/o-n-{commit}.tgz"

    @pytest.mark.parametrize(
        ("owner", "name"), [(None, "name"), ("..", "name"), ("o", ".."), ("a/b", "n"), ("o", "a b")]
    )
    def test_owner_and_name_cannot_climb(self, owner: str | None, name: str) -> None:
        with pytest.raises(Malformed) as caught:
            commit_offer(Purl("github", owner, name, COMMIT), self.GITHUB)
        assert (caught.value.what, caught.value.next_step) == (
            "this is no repository on GitHub",
            "Write it like pkg:github/owner/name.",
        )

    def test_without_an_address_commits_are_unavailable(self) -> None:
        with pytest.raises(Unavailable) as caught:
            commit_offer(Purl("github", "o", "n", COMMIT), "")
        assert caught.value.what == "no address for the archives of GitHub is configured"
        assert caught.value.next_step == "Set LEADTIME_GITHUB_ARCHIVES, with {owner}, {name} and {commit} in it."

    def test_who_does_not_answer_is_unavailable(self, make: Make) -> None:
        fetcher = make("127.0.0.1", github="http://127.0.0.1:1/{owner}/{name}/{commit}")

        with pytest.raises(LeadtimeError) as caught:
            fetcher.release(Purl("github", "o", "n", COMMIT))
        assert type(caught.value) is Unavailable


class TestSettings:
    def test_what_is_configured_is_allowed(self) -> None:
        found = read_elsewhere(
            {
                "LEADTIME_DOWNLOAD_HOSTS": "Files.example 10.0.0.7",
                "LEADTIME_GITHUB_ARCHIVES": "https://mirror.example/{owner}/{name}/{commit}",
            }
        )

        assert found == Elsewhere(
            frozenset({"files.example", "10.0.0.7", "mirror.example"}), "https://mirror.example/{owner}/{name}/{commit}"
        )

    def test_else_the_purl_specification_says_where_commits_lie(self) -> None:
        found = read_elsewhere({})

        assert found.hosts == frozenset()
        assert all(field in found.github for field in ("{owner}", "{name}", "{commit}"))
        assert Elsewhere(frozenset(), "") == NOWHERE
