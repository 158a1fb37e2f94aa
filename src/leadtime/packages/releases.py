"""What fetching gives: one archive of one release, with its digests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from leadtime.foundation.digests import Digest
from leadtime.packages.purls import Purl


class Form(Enum):
    """In which form a release is wanted."""

    SOURCE = "source"
    WHEEL = "wheel"


@dataclass(frozen=True, slots=True)
class Release:
    """One fetched archive; ``digest`` is what we saw, ``declared_digest`` what the index promised (and we checked).

    ``archive`` lies in the content-addressed cache and is never changed; its name there is its digest, so
    ``filename`` keeps the index's own. ``declared_digest`` is ``sha256:…``, ``sha512:…`` or ``sha1:…`` in
    hexadecimal, or None where the index promised nothing.
    """

    purl: Purl
    archive: Path
    digest: Digest
    filename: str
    declared_digest: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """One file that an index offers for a release; ``requires_python`` is a specifier, empty where none is stated."""

    filename: str
    address: str
    declared_digest: str | None
    requires_python: str = ""
    yanked: bool = False
