"""What an npm registry offers for one version of a package (the abbreviated package document)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from leadtime.foundation.errors import Malformed, Missing
from leadtime.packages import limits
from leadtime.packages.downloads import Downloads, Page
from leadtime.packages.published import Published
from leadtime.packages.releases import Offer

_ACCEPT = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8"
_NO_DOCUMENT = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading raises where an answer is not the document that it should be."""
_SHA512_BYTES = 64
_SHA1 = re.compile(r"[0-9a-f]{40}")


def offer_of(downloads: Downloads, registry: str, name: str, version: str) -> Offer:
    """Return the tarball of exactly that version; raises `Missing` if the registry has no such version."""
    what = f"npm {name}@{version}"
    page = _page(downloads, registry, name, what)
    try:
        versions = _versions(page)
        if version not in versions:
            raise Missing(
                "the registry has no such version", where=what, next_step="Check the spelling of the version."
            )
        distribution = versions[version]["dist"]
        tarball = urljoin(page.address, str(distribution["tarball"]))
        declared = declared_digest(str(distribution.get("integrity", "")), str(distribution.get("shasum", "")))
    except _NO_DOCUMENT:
        raise _no_document(what) from None
    return Offer(
        (urlsplit(tarball).path.rpartition("/")[2] or "package.tgz")[: limits.FILE_NAME_CHARACTERS_MAX],
        tarball,
        declared,
    )


def published_versions(downloads: Downloads, registry: str, name: str) -> tuple[Published, ...]:
    """Return every version of a package that the registry lists; raises `Missing` if it does not know the package."""
    what = f"npm {name}"
    try:
        versions = _versions(_page(downloads, registry, name, what))
    except _NO_DOCUMENT:
        raise _no_document(what) from None
    return tuple(Published(version, is_prerelease="-" in version.partition("+")[0]) for version in versions)


def _page(downloads: Downloads, registry: str, name: str, what: str) -> Page:
    return downloads.page(f"{registry}/{quote(name, safe='@')}", accept=_ACCEPT, what=what)


def _versions(page: Page) -> dict[str, Any]:
    """Return a package document's versions; raises one of `_NO_DOCUMENT` for anything else."""
    return dict(json.loads(page.content)["versions"])


def _no_document(what: str) -> Malformed:
    return Malformed("the registry's answer is not a package document", where=what, next_step="Use another registry.")


def declared_digest(integrity: str, shasum: str) -> str | None:
    """Return the strongest digest of a ``dist`` entry as ``sha512:hex`` or ``sha1:hex`` (Subresource Integrity)."""
    for each in integrity.split():
        algorithm, _, rest = each.partition("-")
        if algorithm == "sha512":
            try:
                value = base64.b64decode(rest.partition("?")[0], validate=True)
            except (binascii.Error, ValueError):
                continue
            if len(value) == _SHA512_BYTES:
                return "sha512:" + value.hex()
    return "sha1:" + shasum if _SHA1.fullmatch(shasum) else None
