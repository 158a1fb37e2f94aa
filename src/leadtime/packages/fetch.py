"""Fetch one release by its purl: exact version, digest checked, kept by digest, nothing of it ever executed."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self, overload

import httpx

from leadtime.foundation.digests import Digest, digest_of_file, digest_of_parts
from leadtime.foundation.errors import Malformed, Missing, Refused, Unavailable
from leadtime.packages import npm, pypi
from leadtime.packages.addresses import Guard, Look, look_up
from leadtime.packages.cache import ReleaseCache
from leadtime.packages.debian import SourcePackages
from leadtime.packages.downloads import Digests, Downloads, open_client
from leadtime.packages.elsewhere import NOWHERE, Elsewhere, commit_offer, generic_offer, read_elsewhere
from leadtime.packages.indexes import Indexes, read_indexes
from leadtime.packages.published import Published, in_order, published_on_pypi
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Form, Offer, Release
from leadtime.packages.requirements import Wanted, newest_pure_wheel, parse_requirement
from leadtime.packages.resolve import no_wheel, resolve

ELSEWHERE = frozenset({"generic", "github"})
"""Types of purl whose releases no index lists."""

_PLACES = frozenset({"repository_url", "download_url", "vcs_url", "file_name"})

__all__ = ["Fetcher", "Release", "open_fetcher"]


class Fetcher:
    """Fetches releases from the configured indexes into a cache directory.

    Safe to use from several processes with one cache. Needs the network only for what the cache does not hold. The
    archives of the releases that it gave stay until it is closed; later they may give way to others.
    """

    def __init__(
        self, cache: Path, indexes: Indexes, client: httpx.Client, elsewhere: Elsewhere = NOWHERE, look: Look = look_up
    ) -> None:
        source = digest_of_parts((*indexes.pypi, "npm", indexes.npm, *map("=".join, indexes.npm_scopes)))
        self._cache = ReleaseCache(cache, source=source)
        self._debian = SourcePackages(cache / "apt")
        self._indexes = indexes
        self._downloads = Downloads(client)
        self._elsewhere = elsewhere
        self._guarded = Downloads(client, guard=Guard(elsewhere.hosts, look))
        self._client = client

    def __enter__(self) -> Self:
        """Use the fetcher until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connections and use no archive any more; for whoever opened the fetcher and is done with it."""
        self._client.close()
        self._cache.close()

    @overload
    def release(self, purl: Purl, *, wheel: Literal[False] = False) -> Release: ...

    @overload
    def release(self, purl: Purl, *, wheel: Literal[True]) -> Release | None: ...

    def release(self, purl: Purl, *, wheel: bool = False) -> Release | None:
        """Return the source archive of exactly the version that ``purl`` names; a Debian one as Debian patches it.

        With ``wheel`` (PyPI only): the wheel without machine code, or None where there is none.
        Qualifiers and subpath are dropped from the release's purl, but for a generic one. Raises `Malformed` for a purl
        without a version; `Refused` for a kind of purl that is not fetched, for one that says where its release lies
        (``repository_url``, ``download_url``; a generic one must, with its digest, in a public place), and for bytes
        that differ from what was promised; `Missing`
        where the index has no such release or no source archive of it; `Unavailable` where it does not answer.
        """
        if purl.type in ELSEWHERE and not wheel:
            return self._from_elsewhere(purl)
        version = _version_of(purl)
        form = Form.WHEEL if wheel else Form.SOURCE
        purl = purl.without_version().with_version(version)
        held = self._cache.find(purl, form)
        if held is not None:
            return held
        if purl.type == "npm" and not wheel:
            registry = self._indexes.npm_for(purl.namespace)
            return self._fetched(purl, form, npm.offer_of(self._downloads, registry, purl.full_name, version))
        if purl.type == "pypi":
            return self._from_pypi(purl, version, form)
        if (purl.type, purl.namespace) == ("deb", "debian") and not wheel:
            return self._from_debian(purl)
        raise Refused(
            f"releases of type {purl.type} are not fetched{' as wheels' if wheel else ''}",
            where=str(purl),
            next_step="Give a purl of type pypi, npm, deb, generic or github.",
        )

    def published(self, purl: Purl) -> tuple[Published, ...]:
        """Return the published releases of the package that ``purl`` names, oldest first; its version does not matter.

        A version is the first configured index's that has it, as with `release`. Needs the network each time. Raises
        `Missing` where no index knows the package, `Refused` for a kind of package whose releases no index lists, and
        `Unavailable`.
        """
        package = purl.without_version()
        if purl.type == "npm":
            registry = self._indexes.npm_for(purl.namespace)
            found = npm.published_versions(self._downloads, registry, purl.full_name)
        elif purl.type == "pypi":
            versions: dict[str, Published] = {}
            for offers in self._listings(package):
                for each in published_on_pypi(offers, purl.name):
                    versions.setdefault(each.version, each)
            found = tuple(versions.values())
        else:
            raise Refused(
                f"no index lists the releases of type {purl.type}",
                where=str(package),
                next_step="Give a purl of type pypi or npm.",
            )
        if not found:
            raise _not_there(package, known=False)
        return in_order(purl.type, found, where=str(package))

    def requirements(self, texts: Iterable[str], *, python: str = "") -> tuple[Release, ...]:
        """Return the newest wheels without machine code that satisfy all requirements and what these need in turn.

        ``python`` is the version that they shall run on ("3.11.7"; empty: this interpreter's). Nothing is executed:
        choice and needs are read from file names and metadata. Raises `Malformed`, `Missing` where no such wheel
        exists, `Refused` where needs contradict each other, and `Unavailable`. Needs the network each time, since
        "newest" may have changed.
        """
        python = python or platform.python_version()
        wanted = [parse_requirement(text, where="requirement") for text in texts]
        return resolve(wanted, lambda wish: self._newest(wish, python), python=python)

    def fetch_pinned(self, purl: Purl, expected: Digest, *, wheel: bool = False) -> Path:
        """Return the archive of a release that must have exactly the SHA-256 ``expected``; else `Refused`."""
        release = self.release(purl, wheel=True) if wheel else self.release(purl)
        if release is None or release.digest != expected:
            raise Refused(
                "the package is not the pinned one",
                where=str(purl),
                next_step="Configure an index that has the pinned one.",
            )
        return release.archive

    def _from_elsewhere(self, purl: Purl) -> Release:
        """Take what no index lists; a generic release is what its purl says, qualifiers included."""
        if purl.type == "github":
            purl = purl.without_version().with_version(purl.version or "")
        offer = generic_offer(purl) if purl.type == "generic" else commit_offer(purl, self._elsewhere.github)
        return self._cache.find(purl, Form.SOURCE) or self._fetched(purl, Form.SOURCE, offer, self._guarded)

    def _from_debian(self, purl: Purl) -> Release:
        """Take a source package as Debian builds it: all its parts, and its patches, in one archive of ours."""
        with self._keeping(str(purl)), tempfile.TemporaryDirectory(prefix=".source-") as place:
            described = self._debian.build_tree(purl, Path(place))
            with self._cache.incoming() as stream, Path(place, "tree.tar").open("rb") as tree:
                shutil.copyfileobj(tree, stream)
                digest = digest_of_file(Path(place, "tree.tar"))
                archive = self._cache.keep(stream, digest)
            release = Release(purl, archive, digest, f"{purl.name}_{purl.version}.tar", described)
            self._cache.note(release, Form.SOURCE)
        return release

    def _from_pypi(self, purl: Purl, version: str, form: Form) -> Release | None:
        """Take the first index that has the release: a later one cannot put itself before an earlier one."""
        choose = pypi.pure_wheel_of if form is Form.WHEEL else pypi.source_of
        known = False
        for offers in self._listings(purl):
            offer = choose(offers, purl.name, version)
            if offer is not None:
                return self._fetched(purl, form, offer)
            known = known or any(pypi.is_of(each.filename, purl.name, version) for each in offers)
        if known and form is Form.WHEEL:
            return None
        raise _not_there(purl, known=known)

    def _newest(self, wish: Wanted, python: str) -> Release:
        """Take the first index that has any fitting wheel, for the same reason."""
        project = Purl("pypi", None, wish.project)
        for offers in self._listings(project):
            found = newest_pure_wheel(offers, wish, python=python)
            if found is not None:
                version, offer = found
                purl = project.with_version(str(version))
                return self._cache.find(purl, Form.WHEEL) or self._fetched(purl, Form.WHEEL, offer)
        raise no_wheel(wish)

    def _listings(self, project: Purl) -> Iterator[tuple[Offer, ...]]:
        """Yield what each index that knows the project lists, in the configured order."""
        if not self._indexes.pypi:
            raise Unavailable(
                "no Python package index with an http or https address is configured",
                where=str(project),
                next_step="Set PIP_INDEX_URL.",
            )
        for index in self._indexes.pypi:
            try:
                yield pypi.offers_of(self._downloads, index, project.name)
            except Missing:
                continue

    def _fetched(self, purl: Purl, form: Form, offer: Offer, downloads: Downloads | None = None) -> Release:
        with self._keeping(str(purl)):
            with self._cache.incoming() as stream:
                digests = (downloads or self._downloads).file(offer.address, stream, what=str(purl))
                _check_digest(offer, digests, str(purl))
                digest = Digest("sha256:" + digests.sha256)
                archive = self._cache.keep(stream, digest)
            release = Release(purl, archive, digest, offer.filename, offer.declared_digest)
            self._cache.note(release, form)
        return release

    @staticmethod
    @contextmanager
    def _keeping(where: str) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise Unavailable(
                f"the release cannot be kept in the cache ({problem.strerror})",
                where=where,
                next_step="Make room on the disk, and make the cache directory writable.",
            ) from None


def open_fetcher(cache: Path, environment: Mapping[str, str]) -> Fetcher:
    """Return a fetcher as this environment configures pip and npm; for a door to call once, at start."""
    return Fetcher(cache, read_indexes(environment), open_client(environment), read_elsewhere(environment))


def _version_of(purl: Purl) -> str:
    """Return the version; what a purl says about *where* its release lies is its writer's word and is not followed."""
    elsewhere = [key for key, _ in purl.qualifiers if key in _PLACES]
    if elsewhere:
        raise Refused(
            f"a purl's {elsewhere[0]} is not followed: releases come from the configured indexes only",
            where=str(purl.without_version()),
            next_step="Leave it out.",
        )
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


def _not_there(purl: Purl, *, known: bool) -> Missing:
    if known:
        return Missing(
            "this release has no source archive on the index", where=str(purl), next_step="Choose one that has."
        )
    return Missing(
        "the package index has no such release", where=str(purl), next_step="Check the spelling of name and version."
    )
