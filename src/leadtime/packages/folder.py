"""Releases that lie in a folder, with a list of what is what: a stand-in for the indexes where there is no network."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

from leadtime.foundation.digests import Digest, digest_of_file
from leadtime.foundation.errors import Malformed, Missing, Refused, Unavailable
from leadtime.packages import limits
from leadtime.packages.fetch import Fetcher
from leadtime.packages.published import Published
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Form, Release

LIST = "held.json"
_NEED = Purl("pypi", None, "need")
"""Of a wheel that a build needs: which one it is says its file."""


@dataclass(frozen=True, slots=True)
class Held:
    """One archive in the folder; ``purl`` is empty for what a build needs."""

    purl: str
    form: Form
    path: str
    digest: Digest


class ReleaseFolder(Fetcher):
    """Gives the releases that a folder's ``held.json`` names, by purl, each checked against its digest."""

    def __init__(self, folder: Path) -> None:
        """Read the list; raises `Malformed` for anything else."""
        self._folder = folder.resolve()
        self._held = tuple(_read_list(self._folder / LIST))

    def close(self) -> None:
        """Do nothing: there is no connection."""

    @overload
    def release(self, purl: Purl, *, wheel: Literal[False] = False) -> Release: ...

    @overload
    def release(self, purl: Purl, *, wheel: Literal[True]) -> Release | None: ...

    def release(self, purl: Purl, *, wheel: bool = False) -> Release | None:
        """Return the archive that the folder holds of ``purl``; `Missing` where none, `Refused` if it differs."""
        form = Form.WHEEL if wheel else Form.SOURCE
        for held in self._held:
            if (held.purl, held.form) == (str(purl), form):
                return self._checked(held, purl)
        if wheel:
            return None
        raise Missing("the folder does not hold this release", where=str(purl), next_step="Fetch it from an index.")

    def requirements(self, texts: Iterable[str], *, python: str = "") -> tuple[Release, ...]:  # noqa: ARG002
        """Return all wheels that the folder holds for builds, whichever of them are asked for."""
        asked = tuple(texts)
        return tuple(self._checked(held, _NEED) for held in self._held if asked and not held.purl)

    def published(self, purl: Purl) -> tuple[Published, ...]:
        """Raise `Unavailable`: a folder does not know what was published."""
        raise Unavailable("a folder lists no other releases", where=str(purl), next_step="Ask an index.")

    def _checked(self, held: Held, purl: Purl) -> Release:
        archive = (self._folder / held.path).resolve()
        if not archive.is_relative_to(self._folder) or not archive.is_file():
            raise Missing("the folder does not hold this archive", where=held.path, next_step="Unpack it again.")
        if digest_of_file(archive) != held.digest:
            raise Refused("this archive is not the one that is listed", where=held.path, next_step="Unpack it again.")
        return Release(purl, archive, held.digest, archive.name, held.digest)


def _read_list(path: Path) -> Iterable[Held]:
    try:
        with path.open("rb") as stream:
            listed = json.loads(stream.read(limits.CONFIGURATION_BYTES_MAX))
        for each in listed:
            yield Held(str(each["purl"]), Form(each["form"]), str(each["path"]), Digest(str(each["digest"])))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Malformed(
            "this folder has no list of its releases", where=str(path), next_step="Give the one of a bundle."
        ) from None
