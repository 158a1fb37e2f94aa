from __future__ import annotations

import pytest

from leadtime.flow.exposure import Contents, Installed, Unmatchable, contents_of
from leadtime.formats.inventories import InventoryForm, InventoryListing, ListedComponent


def contents(*components: ListedComponent) -> Contents:
    return contents_of(InventoryListing(InventoryForm.CSV, components))


def by_purl(purl: str, version: str | None = None) -> ListedComponent:
    return ListedComponent("here", "name", version, purl)


def named(ecosystem: str | None, name: str, version: str | None = "1") -> ListedComponent:
    return ListedComponent("here", name, version, None, ecosystem)


@pytest.mark.parametrize(
    ("component", "installed"),
    [
        (by_purl("pkg:pypi/Foo.Bar_baz@1.0"), Installed("pkg:pypi/foo-bar-baz", "1.0")),
        (named("PyPI", "Foo.Bar_baz"), Installed("pkg:pypi/foo-bar-baz", "1")),
        (by_purl("pkg:npm/%40scope/name@2.0.0"), Installed("pkg:npm/%40scope/name", "2.0.0")),
        (named("npm", "@scope/name"), Installed("pkg:npm/%40scope/name", "1")),
        (
            by_purl("pkg:golang/example.org/mod@v1.2.3?type=module#sub"),
            Installed("pkg:golang/example.org/mod", "v1.2.3"),
        ),
        (named("Go", "example.org/mod"), Installed("pkg:golang/example.org/mod", "1")),
        (named("python", "Foo.Bar_baz"), Installed("pkg:pypi/foo-bar-baz", "1")),
        (named("pypi", "a"), Installed("pkg:pypi/a", "1")),
        (named("NPM", "@scope/name"), Installed("pkg:npm/%40scope/name", "1")),
        (named("debian:12", "zlib"), Installed("pkg:deb/debian/zlib", "1", "12")),
        (named("Maven", "org.example:lib"), Installed("pkg:maven/org.example/lib", "1")),
        (by_purl("pkg:maven/org.example/lib@1?type=jar"), Installed("pkg:maven/org.example/lib", "1")),
        (by_purl("pkg:pypi/a", "3"), Installed("pkg:pypi/a", "3")),
        (by_purl("pkg:pypi/a@1", "3"), Installed("pkg:pypi/a", "1")),
        (named("Debian:12", "zlib"), Installed("pkg:deb/debian/zlib", "1", "12")),
        (
            by_purl("pkg:deb/debian/bsdutils@2.36.1-8%2Bdeb11u1?arch=amd64&distro=debian-11.6&epoch=1"),
            Installed("pkg:deb/debian/bsdutils", "1:2.36.1-8+deb11u1", "11.6"),
        ),
        (by_purl("pkg:deb/debian/a@1:2?epoch=1"), Installed("pkg:deb/debian/a", "1:2")),
        (by_purl("pkg:deb/debian/a@2?epoch=0"), Installed("pkg:deb/debian/a", "2")),
    ],
)
def test_a_component_gets_its_canonical_name(component: ListedComponent, installed: Installed) -> None:
    assert contents(component) == Contents(1, (installed,), ())


def test_a_binary_package_stands_for_its_source_package_too() -> None:
    found = contents(by_purl("pkg:deb/debian/libssl1.1@1.1.1n?upstream=openssl%401.1.1n&distro=debian-11"))
    assert found.installed == (
        Installed("pkg:deb/debian/libssl1.1", "1.1.1n", "11"),
        Installed("pkg:deb/debian/openssl", "1.1.1n", "11"),
    )
    assert contents(by_purl("pkg:deb/debian/zlib@1?upstream=zlib")).installed == (
        Installed("pkg:deb/debian/zlib", "1"),
    )


@pytest.mark.parametrize(
    ("component", "why"),
    [
        (
            named(None, "in-house"),
            "it has neither an ecosystem nor a purl: add a column ecosystem (PyPI, npm, Maven, Debian:12) or purl",
        ),
        (named("PyPI", "a", None), "no exact version is given"),
        (by_purl("pkg:pypi/a"), "no exact version is given"),
        (by_purl("nothing"), "this is not a package URL"),
        (by_purl("pkg:pypi/a b@1"), "a purl has no spaces or control characters"),
        (
            named("library", "a"),
            "its ecosystem is not known here: write one that OSV names (PyPI, npm, Maven, Debian:12) or a purl",
        ),
    ],
)
def test_what_cannot_be_matched_is_said_with_its_reason(component: ListedComponent, why: str) -> None:
    assert contents(component) == Contents(
        1, (), (Unmatchable(component.where, component.name, component.version, why),)
    )


def test_each_package_and_version_is_there_once() -> None:
    found = contents(by_purl("pkg:pypi/A@1"), named("PyPI", "a"), by_purl("pkg:pypi/a@2"), named(None, "x"))
    assert found.components == 4
    assert found.installed == (Installed("pkg:pypi/a", "1"), Installed("pkg:pypi/a", "2"))
    assert [each.name for each in found.unmatchable] == ["x"]


def test_a_bill_without_a_purl_says_what_its_maker_can_do() -> None:
    found = contents_of(InventoryListing(InventoryForm.CYCLONEDX, (named(None, "in-house"),)))
    assert [each.why for each in found.unmatchable] == ["it has no purl: have the tool that writes the bill add one"]
