"""What an exposure says in words, as it is sealed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from leadtime.foundation.digests import canonical_json

DETAIL = "detail"
"""What an exposure's words are sealed as."""


@dataclass(frozen=True, slots=True)
class Detail:
    """Asset, package and versions of one exposure; ``deployed`` is what the operator put in place, if anything."""

    asset: str
    package: str
    version: str
    fixed: str | None
    reason: str
    deployed: str | None

    def put_in_place(self, version: str) -> Detail:
        """Return the same exposure with the version that the operator put in place."""
        return replace(self, deployed=version)


def store_detail(detail: Detail) -> bytes:
    """Return a detail as the bytes that are sealed."""
    return canonical_json(asdict(detail))


def restore_detail(kept: bytes) -> Detail:
    """Return what `store_detail` wrote."""
    return Detail(**json.loads(kept))
