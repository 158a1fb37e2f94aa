from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed
from leadtime.packages.purls import Purl, parse_purl, purl_for

STEP = "Write it like pkg:pypi/name@1.0 or pkg:npm/%40scope/name@1.0."


def refusal(text: str) -> Malformed:
    with pytest.raises(Malformed) as caught:
        parse_purl(text, where="component")
    assert caught.value.where == "component"
    return caught.value


@pytest.mark.parametrize(
    ("text", "purl", "canonical"),
    [
        ("pkg:pypi/ujson@5.0.0", Purl("pypi", None, "ujson", "5.0.0"), "pkg:pypi/ujson@5.0.0"),
        ("pkg:PyPI/Ruamel_Yaml.CLIB@1", Purl("pypi", None, "ruamel-yaml-clib", "1"), "pkg:pypi/ruamel-yaml-clib@1"),
        ("pkg:npm/%40uswds/uswds@3.14.0", Purl("npm", "@uswds", "uswds", "3.14.0"), "pkg:npm/%40uswds/uswds@3.14.0"),
        ("pkg:npm/@uswds/uswds", Purl("npm", "@uswds", "uswds"), "pkg:npm/%40uswds/uswds"),
        ("pkg:pypi/a@1.0%2Blocal", Purl("pypi", None, "a", "1.0+local"), "pkg:pypi/a@1.0%2Blocal"),
        (
            "pkg:deb/Debian/Zlib@1:2-3?distro=bookworm&arch=amd64",
            Purl("deb", "debian", "zlib", "1:2-3", (("arch", "amd64"), ("distro", "bookworm"))),
            "pkg:deb/debian/zlib@1:2-3?arch=amd64&distro=bookworm",
        ),
        (
            "pkg:rpm/RedHat/ImageMagick@1-1",
            Purl("rpm", "redhat", "ImageMagick", "1-1"),
            "pkg:rpm/redhat/ImageMagick@1-1",
        ),
        ("pkg:apk/Alpine/Curl@1-r0", Purl("apk", "alpine", "curl", "1-r0"), "pkg:apk/alpine/curl@1-r0"),
        ("pkg:cargo/Inflector@0.11.4", Purl("cargo", None, "Inflector", "0.11.4"), "pkg:cargo/Inflector@0.11.4"),
        ("pkg:golang/github.com/a/b@v1#sub/dir", Purl("golang", "github.com/a", "b", "v1", (), "sub/dir"), None),
    ],
)
def test_a_purl_is_read_into_its_canonical_form(text: str, purl: Purl, canonical: str | None) -> None:
    assert parse_purl(text, where="component") == purl
    assert str(purl) == (canonical or text)


@pytest.mark.parametrize("text", ["", "ujson", "pkg:", "pkg:pypi", "pkg:pypi/", "http://a/b", "pkg:/a", "PKG:pypi/a"])
def test_what_is_no_purl_is_refused(text: str) -> None:
    assert (refusal(text).what, refusal(text).next_step) == ("this is not a package URL", STEP)


@pytest.mark.parametrize(
    "text", ["pkg:npm/a%0Ab@1", "pkg:npm/a@1%001", "pkg:npm/a b", "pkg:npm/a@\x1b[2J", "pkg:npm/a?x=%7F"]
)
def test_control_characters_are_refused_wherever_they_hide(text: str) -> None:
    assert (refusal(text).what, refusal(text).next_step) == ("a purl has no spaces or control characters", STEP)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("pkg:pypi/a%2F..%2Fb@1", "pypi"),
        ("pkg:pypi/-@1", "pypi"),
        ("pkg:pypi/a!b@1", "pypi"),
        ("pkg:npm/..@1", "npm"),
        ("pkg:npm/%2E%2E@1", "npm"),
        ("pkg:npm/_private@1", "npm"),
        ("pkg:npm/a%2Fb@1", "npm"),
        ("pkg:cargo/a%2Fb@1", "cargo"),
    ],
)
def test_a_name_that_could_climb_in_an_address_is_refused(text: str, kind: str) -> None:
    found = refusal(text)

    assert (found.what, found.next_step) == (f"this cannot be the name of a package of type {kind}", STEP)


def test_a_pypi_name_has_no_namespace() -> None:
    assert refusal("pkg:pypi/a/b@1").what == "a PyPI package has no namespace"


def test_a_thousand_characters_are_read_and_one_more_is_not() -> None:
    start = "pkg:npm/"

    assert len(parse_purl(start + "n" * (1_000 - len(start)), where="component").name) == 992
    found = refusal(start + "n" * (1_001 - len(start)))
    assert (found.what, found.next_step) == ("a purl has at most 1000 characters", "Shorten it.")


@pytest.mark.parametrize(
    ("ecosystem", "name", "text"),
    [
        ("PyPI", "Flask_Login", "pkg:pypi/flask-login"),
        ("npm", "@angular/core", "pkg:npm/%40angular/core"),
        ("npm", "left-pad", "pkg:npm/left-pad"),
        ("Maven", "org.apache:log4j", "pkg:maven/org.apache/log4j"),
        ("Go", "github.com/gin-gonic/gin", "pkg:golang/github.com/gin-gonic/gin"),
        ("crates.io", "smallvec", "pkg:cargo/smallvec"),
        ("Packagist", "drupal/core", "pkg:composer/drupal/core"),
        ("Debian:12", "openssl", "pkg:deb/debian/openssl"),
        ("Ubuntu:22.04:LTS", "openssl", "pkg:deb/ubuntu/openssl"),
        ("Alpine:v3.18", "curl", "pkg:apk/alpine/curl"),
        ("Red Hat:enterprise_linux:9", "curl", "pkg:rpm/redhat/curl"),
        ("RubyGems", "rails", "pkg:gem/rails"),
        ("GitHub Actions", "actions/checkout", "pkg:githubactions/actions/checkout"),
    ],
)
def test_an_ecosystem_and_a_name_are_a_purl_and_back(ecosystem: str, name: str, text: str) -> None:
    purl = purl_for(ecosystem, name)

    assert str(purl) == text
    assert purl == parse_purl(text, where="")
    assert purl.ecosystem == ecosystem.partition(":")[0]
    assert purl.full_name.replace("-", "_").lower() == name.replace("-", "_").lower()


@pytest.mark.parametrize(
    ("ecosystem", "name", "what"),
    [
        ("OSS-Fuzz", "x", "this ecosystem has no purl type here"),
        ("", "x", "this ecosystem has no purl type here"),
        ("PyPI", "", "this is not a package's name"),
        ("npm", "@scope/", "this is not a package's name"),
        ("PyPI", "a b", "a purl has no spaces or control characters"),
        ("npm", "n" * 1_001, "a name has at most 1000 characters"),
    ],
)
def test_an_ecosystem_or_name_that_cannot_be_a_purl_is_refused(ecosystem: str, name: str, what: str) -> None:
    with pytest.raises(Malformed) as caught:
        purl_for(ecosystem, name, where="affected[0]")

    assert (caught.value.what, caught.value.where) == (what, "affected[0]")


def test_a_purl_without_an_osv_world_says_so() -> None:
    assert parse_purl("pkg:generic/openssl@1", where="").ecosystem is None
    assert parse_purl("pkg:deb/raspbian/a@1", where="").ecosystem is None


def test_the_package_of_a_release_and_a_release_of_a_package() -> None:
    release = parse_purl("pkg:deb/debian/a@1?arch=amd64#x", where="")

    assert release.without_version() == Purl("deb", "debian", "a")
    assert release.without_version().with_version("2") == Purl("deb", "debian", "a", "2")
    assert release.full_name == "a"


@given(st.text(max_size=60).map(lambda text: "pkg:" + text))
def test_any_text_is_a_purl_that_reads_back_or_is_refused(text: str) -> None:
    try:
        purl = parse_purl(text, where="component")
    except Malformed:
        return

    assert parse_purl(str(purl), where="component") == purl
