"""Fetch one release by its purl: exact version, digest checked, kept by digest, nothing of it ever executed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, overload

import httpx

from leadtime.foundation.digests import Digest, digest_of_parts
from leadtime.foundation.errors import Malformed, Missing, Refused, Unavailable
from leadtime.packages import npm, pypi
from leadtime.packages.cache import ReleaseCache
from leadtime.packages.downloads import Digests, Downloads, open_client
from leadtime.packages.indexes import Indexes, read_indexes
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Form, Offer, Release

__all__ = ["Fetcher", "Release", "open_fetcher"]


class Fetcher:
    """Fetches releases from the configured indexes into a cache directory.

    Safe to use from several processes with one cache. Needs the network only for what the cache does not hold.
    """

    def __init__(self, cache: Path, indexes: Indexes, client: httpx.Client) -> None:
        source = digest_of_parts((*indexes.pypi, "npm", indexes.npm, *map("=".join, indexes.npm_scopes)))
        self._cache = ReleaseCache(cache, source=source)
        self._indexes = indexes
        self._downloads = Downloads(client)

    @overload
    def release(self, purl: Purl, *, wheel: Literal[False] = False) -> Release: ...

    @overload
    def release(self, purl: Purl, *, wheel: Literal[True]) -> Release | None: ...

    def release(self, purl: Purl, *, wheel: bool = False) -> Release | None:
        """Return the source archive of exactly the version that ``purl`` names.

        With ``wheel`` (PyPI only): the wheel without machine code, or None where there is none.
        Raises `Malformed` for a purl without a version, `Refused` for a kind of purl that is not fetched and for
        bytes that differ from what the index promised, `Missing` where the index has no such release or no source
        archive of it, and `Unavailable` where the index does not answer.
        """
        version = _version_of(purl)
        form = Form.WHEEL if wheel else Form.SOURCE
        held = self._cache.find(purl, form)
        if held is not None:
            return held
        if purl.type == "npm" and not wheel:
            registry = self._indexes.npm_for(purl.namespace)
            return self._fetched(purl, form, npm.offer_of(self._downloads, registry, purl.full_name, version))
        if purl.type == "pypi":
            return self._from_pypi(purl, version, form)
        raise Refused(
            f"releases of type {purl.type!r} are not fetched{' as wheels' if wheel else ''}",
            where=str(purl),
            next_step="Give a purl of type pypi or npm.",
        )

    def _from_pypi(self, purl: Purl, version: str, form: Form) -> Release | None:
        """Take the first index that has the release: a later one cannot put itself before an earlier one."""
        known = False
        for index in self._indexes.pypi:
            try:
                offers = pypi.offers_of(self._downloads, index, purl.name)
            except Missing:
                continue
            known = known or any(pypi.is_of(offer.filename, purl.name, version) for offer in offers)
            choose = pypi.pure_wheel_of if form is Form.WHEEL else pypi.source_of
            offer = choose(offers, purl.name, version)
            if offer is not None:
                return self._fetched(purl, form, offer)
        if known and form is Form.WHEEL:
            return None
        raise _not_there(purl, known=known, indexes=len(self._indexes.pypi))

    def _fetched(self, purl: Purl, form: Form, offer: Offer) -> Release:
        with self._cache.incoming() as stream:
            digests = self._downloads.file(offer.address, stream, what=str(purl))
            _check_digest(offer, digests, str(purl))
            digest = Digest("sha256:" + digests.sha256)
            archive = self._cache.keep(stream, digest)
        release = Release(purl, archive, digest, offer.filename, offer.declared_digest)
        self._cache.note(release, form)
        return release


def open_fetcher(cache: Path, environment: Mapping[str, str]) -> Fetcher:
    """Return a fetcher as this environment configures pip and npm; for a door to call once, at start."""
    return Fetcher(cache, read_indexes(environment), open_client(environment))


def _version_of(purl: Purl) -> str:
    if not purl.version:
        raise Malformed("a release needs a version", where=str(purl), next_step="Add one, like pkg:pypi/name@1.0.")
    return purl.version


def _check_digest(offer: Offer, digests: Digests, where: str) -> None:
    if offer.declared_digest is None:
        return
    algorithm, _, promised = offer.declared_digest.partition(":")
    seen = {"sha1": digests.sha1, "sha256": digests.sha256, "sha512": digests.sha512}[algorithm]
    if seen != promised:
        raise Refused(
            f"the archive's {algorithm} is not what the index promised",
            where=where,
            next_step="Try again; if it stays so, tell the index's operator.",
        )


def _not_there(purl: Purl, *, known: bool, indexes: int) -> Missing | Unavailable:
    if not indexes:
        return Unavailable(
            "no Python package index with an http or https address is configured",
            where=str(purl),
            next_step="Set PIP_INDEX_URL.",
        )
    if known:
        return Missing(
            "this release has no source archive on the index", where=str(purl), next_step="Choose one that has."
        )
    return Missing(
        "the package index has no such release", where=str(purl), next_step="Check the spelling of name and version."
    )
