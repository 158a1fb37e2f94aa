"""What a PyPI-like index offers for a project (PEP 503 pages, PEP 691 JSON, PEP 592 yanks)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from leadtime.foundation.errors import Malformed
from leadtime.packages import limits
from leadtime.packages.downloads import Downloads, Page
from leadtime.packages.releases import Offer

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_JSON_TYPES = frozenset({"application/vnd.pypi.simple.v1+json", "application/json"})
SOURCE_ENDINGS = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz")
"""In order of preference; the first two are what indexes take today (PEP 625)."""
_HEX = re.compile(r"[0-9a-f]+")
_LENGTHS = {"sha256": 64, "sha512": 128, "sha1": 40}


def offers_of(downloads: Downloads, index: str, name: str) -> tuple[Offer, ...]:
    """Return every file that ``index`` lists for a project; raises `Missing` if it does not know the project."""
    what = f"pkg:pypi/{canonicalize_name(name)}"
    page = downloads.page(f"{index}/{canonicalize_name(name)}/", accept=_ACCEPT, what=what)
    offers = tuple(_from_json(page, what) if page.media_type in _JSON_TYPES else _from_html(page))
    if len(offers) > limits.INDEX_FILES_MAX:
        raise Malformed(
            f"the index lists more than {limits.INDEX_FILES_MAX} files", where=what, next_step="Use another index."
        )
    return offers


def source_of(offers: Iterable[Offer], name: str, version: str) -> Offer | None:
    """Return the source archive of exactly that version (PEP 440 equality), or None."""
    found = [offer for offer in offers if is_source_of(offer.filename, name, version)]
    return min(found, key=lambda offer: _preference(offer.filename), default=None)


def is_source_of(filename: str, name: str, version: str) -> bool:
    """Tell whether a file name is a source archive of that name and version; old names may hold any dashes."""
    ending = next((each for each in SOURCE_ENDINGS if filename.lower().endswith(each)), None)
    if ending is None:
        return False
    stem = filename[: -len(ending)]
    return any(
        canonicalize_name(stem[: dash.start()]) == canonicalize_name(name) and same_version(stem[dash.end() :], version)
        for dash in re.finditer("-", stem)
    )


def pure_wheel_of(offers: Iterable[Offer], name: str, version: str) -> Offer | None:
    """Return the wheel of that version that holds no machine code and runs on Python 3, or None."""
    found = (
        offer
        for offer in offers
        if (wheel := pure_wheel_version(offer.filename, name)) is not None and same_version(str(wheel), version)
    )
    return next(found, None)


def pure_wheel_version(filename: str, name: str) -> Version | None:
    """Return the version of a ``py3-none-any`` or ``py2.py3-none-any`` wheel of that project, else None."""
    try:
        project, version, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, ValueError):
        return None
    return version if project == canonicalize_name(name) and Tag("py3", "none", "any") in tags else None


def is_of(filename: str, name: str, version: str) -> bool:
    """Tell whether a file is of that release in any form: source archive or a wheel for any machine."""
    if is_source_of(filename, name, version):
        return True
    try:
        project, found, _, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, ValueError):
        return False
    return project == canonicalize_name(name) and same_version(str(found), version)


def same_version(one: str, other: str) -> bool:
    """Tell whether two texts name one version: as PEP 440 says, or letter by letter where they predate it."""
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _preference(filename: str) -> int:
    return next(rank for rank, ending in enumerate(SOURCE_ENDINGS) if filename.lower().endswith(ending))


def _from_json(page: Page, what: str) -> Iterator[Offer]:
    try:
        document: Any = json.loads(page.content)
        for entry in document["files"]:
            yield Offer(
                _file_name(str(entry["filename"])),
                urljoin(page.address, str(entry["url"])),
                _declared(entry["hashes"]),
                requires_python=str(entry.get("requires-python") or ""),
                yanked=bool(entry.get("yanked")),
            )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed(
            "the index's answer is not the JSON of PEP 691", where=what, next_step="Use another index."
        ) from None


def _from_html(page: Page) -> Iterator[Offer]:
    reader = _Anchors()
    reader.feed(page.content.decode(errors="replace"))
    for attributes in reader.links:
        try:
            address, fragment = urldefrag(urljoin(page.address, attributes["href"]))
            name = unquote(urlsplit(address).path.rpartition("/")[2])
        except ValueError:
            continue  # a link that is no address offers nothing; the others may
        algorithm, _, value = fragment.partition("=")
        yield Offer(
            _file_name(name),
            address,
            _declared({algorithm: value}),
            requires_python=attributes.get("data-requires-python", ""),
            yanked="data-yanked" in attributes,
        )


def _declared(hashes: dict[str, Any]) -> str | None:
    """Return the strongest digest that an index promises, or None; a broken promise is no promise."""
    for algorithm in ("sha256", "sha512", "sha1"):
        value = str(hashes.get(algorithm, "")).lower()
        if len(value) == _LENGTHS[algorithm] and _HEX.fullmatch(value):
            return f"{algorithm}:{value}"
    return None


def _file_name(text: str) -> str:
    return text.replace("/", "_")[: limits.FILE_NAME_CHARACTERS_MAX]


class _Anchors(HTMLParser):
    """Collects the attributes of every link that leads somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a link (the name is the base class's)."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes)
