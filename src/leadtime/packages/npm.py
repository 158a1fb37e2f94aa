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
from leadtime.packages.downloads import Downloads
from leadtime.packages.releases import Offer

_ACCEPT = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8"
_SHA512_BYTES = 64
_SHA1 = re.compile(r"[0-9a-f]{40}")


def offer_of(downloads: Downloads, registry: str, name: str, version: str) -> Offer:
    """Return the tarball of exactly that version; raises `Missing` if the registry has no such version."""
    what = f"npm {name}@{version}"
    address = f"{registry}/{quote(name, safe='@')}"
    page = downloads.page(address, accept=_ACCEPT, what=what)
    try:
        document: Any = json.loads(page.content)
        versions: dict[str, Any] = dict(document["versions"])
        if version not in versions:
            raise Missing(
                "the registry has no such version", where=what, next_step="Check the spelling of the version."
            )
        distribution = versions[version]["dist"]
        tarball = urljoin(page.address, str(distribution["tarball"]))
        declared = declared_digest(str(distribution.get("integrity", "")), str(distribution.get("shasum", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed(
            "the registry's answer is not a package document", where=what, next_step="Use another registry."
        ) from None
    return Offer(
        (urlsplit(tarball).path.rpartition("/")[2] or "package.tgz")[: limits.FILE_NAME_CHARACTERS_MAX],
        tarball,
        declared,
    )


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
