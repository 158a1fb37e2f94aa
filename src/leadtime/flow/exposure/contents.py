"""Normalise what an inventory lists: canonical package names, each distinct package and version once."""

from __future__ import annotations

from functools import lru_cache

from leadtime.flow.exposure.records import Contents, Installed, Unmatchable
from leadtime.formats.inventories import InventoryForm, InventoryListing, ListedComponent
from leadtime.foundation.errors import Malformed
from leadtime.packages.ecosystems import ecosystem_meant
from leadtime.packages.purls import Purl, is_ecosystem, parse_purl, purl_for

PURLS_CACHED_MAX = 131_072

NO_NAME = "it has no purl: have the tool that writes the bill add one"
NO_ECOSYSTEM = "it has neither an ecosystem nor a purl: add a column ecosystem (PyPI, npm, Maven, Debian:12) or purl"
UNKNOWN_ECOSYSTEM = "its ecosystem is not known here: write one that OSV names (PyPI, npm, Maven, Debian:12) or a purl"
NO_VERSION = "no exact version is given"


def contents_of(listing: InventoryListing) -> Contents:
    """Return an inventory's contents; what cannot be matched is listed with its reason, never dropped."""
    installed: dict[Installed, None] = {}
    unmatchable: list[Unmatchable] = []
    for component in listing.components:
        try:
            found = _installed(component)
        except Malformed as problem:
            unmatchable.append(Unmatchable(component.where, component.name, component.version, problem.what))
            continue
        if isinstance(found, str):
            why = NO_ECOSYSTEM if found is NO_NAME and listing.form is InventoryForm.CSV else found
            unmatchable.append(Unmatchable(component.where, component.name, component.version, why))
        else:
            installed.update(dict.fromkeys(found))
    return Contents(len(listing.components), tuple(installed), tuple(unmatchable))


def _installed(component: ListedComponent) -> tuple[Installed, ...] | str:
    """Return what a component stands for (a binary package also for its source package), or why nothing."""
    if component.purl:
        purl = _parsed(component.purl)
    elif component.ecosystem:
        meant = ecosystem_meant(component.ecosystem)
        if not is_ecosystem(meant):
            return UNKNOWN_ECOSYSTEM
        purl = _named(meant, component.name)
    else:
        return NO_NAME
    version = purl.version or component.version
    if not version:
        return NO_VERSION
    qualifiers = dict(purl.qualifiers)
    epoch = qualifiers.get("epoch")
    if epoch and epoch != "0" and ":" not in version:
        version = f"{epoch}:{version}"
    release = _release(qualifiers.get("distro"), component.ecosystem if not component.purl else None)
    packages = [str(purl.without_version())]
    source = _source(purl, qualifiers.get("upstream"))
    if source and source not in packages:
        packages.append(source)
    return tuple(Installed(package, version, release) for package in packages)


def _release(distro: str | None, ecosystem: str | None) -> str | None:
    """Return the release in ``distro=debian-12`` or in an ecosystem like ``Debian:12``."""
    found = distro.rpartition("-")[2] if distro else ecosystem.partition(":")[2] if ecosystem else ""
    return found or None


def _source(purl: Purl, upstream: str | None) -> str | None:
    """Return the source package of a binary one: OSV's distribution records name sources (purl-spec, deb)."""
    if not upstream:
        return None
    name = upstream.partition("@")[0]
    return str(Purl(purl.type, purl.namespace, name)) if name else None


@lru_cache(maxsize=PURLS_CACHED_MAX)
def _parsed(text: str) -> Purl:
    return parse_purl(text, where="purl")


@lru_cache(maxsize=PURLS_CACHED_MAX)
def _named(ecosystem: str, name: str) -> Purl:
    return purl_for(ecosystem, name)
