"""Releases that no index lists: an archive at an address with its digest, and a commit of a repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from packageurl.contrib.purl2url import get_download_url

from leadtime.foundation.errors import Malformed, Refused, Unavailable
from leadtime.foundation.settings import read_settings
from leadtime.packages import limits
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Offer

_CHECKSUM = re.compile(r"sha256:[0-9a-fA-F]{64}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_OWN = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_ADDRESS_STEP = "Write it like pkg:generic/name@1.0?download_url=https://…&checksum=sha256:…"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the operator allows: hosts that may be private, and where the archive of a GitHub commit lies.

    ``github`` holds ``{owner}``, ``{name}`` and ``{commit}``; empty: nowhere.
    """

    hosts: frozenset[str]
    github: str


NOWHERE = Elsewhere(frozenset(), "")
"""Nothing private, and no commits."""


def read_elsewhere(environment: Mapping[str, str]) -> Elsewhere:
    """Return what this environment allows; the host of a configured GitHub address is the operator's own choice."""
    settings = read_settings(environment)
    own = urlsplit(settings.github_archives).hostname
    hosts = {*settings.download_hosts, *([own] if own else [])}
    return Elsewhere(frozenset(hosts), settings.github_archives or _github_default())


def generic_offer(purl: Purl) -> Offer:
    """Return the archive that a generic purl names; raises `Refused` without a checksum, `Malformed` for an address."""
    where = str(purl.without_version())
    qualifiers = dict(purl.qualifiers)
    checksums = [each for each in qualifiers.get("checksum", "").split(",") if _CHECKSUM.match(each)]
    if not checksums:
        raise Refused(
            "a generic release is fetched only with the SHA-256 of its archive", where=where, next_step=_ADDRESS_STEP
        )
    address = qualifiers.get("download_url", "")
    try:
        parts = urlsplit(address)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        fine = False
    if not fine:
        raise Malformed("this is no address of an archive", where=where, next_step=_ADDRESS_STEP)
    return Offer(_file_name(parts.path), address, checksums[0].lower())


def commit_offer(purl: Purl, github: str) -> Offer:
    """Return the archive of the commit that a GitHub purl names, at the address that ``github`` describes.

    Raises `Malformed` for what is no commit (a tag can move), `Unavailable` where no address is configured.
    """
    owner, name, commit = purl.namespace or "", purl.name, (purl.version or "").lower()
    where = str(purl)
    if not _COMMIT.match(commit):
        raise Malformed(
            "a release on GitHub is named by its commit", where=where, next_step="Give all its hexadecimal digits."
        )
    if not all(_OWN.match(part) and part.strip(".") for part in (owner, name)):
        raise Malformed(
            "this is no repository on GitHub", where=where, next_step="Write it like pkg:github/owner/name."
        )
    if not github:
        raise Unavailable(
            "no address for the archives of GitHub is configured",
            where=where,
            next_step="Set LEADTIME_GITHUB_ARCHIVES, with {owner}, {name} and {commit} in it.",
        )
    address = github
    for field, value in (("owner", owner), ("name", name), ("commit", commit)):
        address = address.replace(f"{{{field}}}", quote(value, safe=""))
    return Offer(f"{name}-{commit}.tar.gz"[-limits.FILE_NAME_CHARACTERS_MAX :], address, None)


def _github_default() -> str:
    """Return where the purl specification's own library finds the archive of a commit; empty if it has no such rule."""
    sample = "0" * 40
    address = get_download_url(f"pkg:github/OWNER/NAME@{sample}") or ""  # type: ignore[no-untyped-call]  # library without types
    fields = (("owner", "{owner}"), ("name", "{name}"), (sample, "{commit}"))
    for given, field in fields:
        address = address.replace(given, field, 1)
    return address if all(field in address for _, field in fields) else ""


def _file_name(path: str) -> str:
    return (path.rpartition("/")[2] or "archive")[: limits.FILE_NAME_CHARACTERS_MAX]
