"""Name the affected package of an advisory from its component and from what was run."""

from __future__ import annotations

from leadtime.formats.advisories import AffectedPackage, AffectedSpan, Run
from leadtime.packages.purls import parse_purl


def affected_package(component: str, *, runs: tuple[Run, ...], spans: tuple[AffectedSpan, ...] = ()) -> AffectedPackage:
    """Return the package that a component's purl names, with its runs and ranges.

    A version in the purl is dropped: what is affected is in ``runs`` and ``spans`` alone. Raises `Malformed` for what
    is not a purl.
    """
    purl = parse_purl(component, where="component").without_version()
    return AffectedPackage(purl.ecosystem, purl.full_name, str(purl), runs, spans)
