"""Name the affected package of an advisory from its component and from what was run."""

from __future__ import annotations

from leadtime.formats.advisories import AffectedPackage, AffectedSpan, Outcome, Run
from leadtime.packages.purls import parse_purl
from leadtime.packages.versions import in_version_order


def affected_package(component: str, *, runs: tuple[Run, ...], spans: tuple[AffectedSpan, ...] = ()) -> AffectedPackage:
    """Return the package that a component's purl names, with its runs and ranges.

    A version in the purl is dropped: what is affected is in ``runs`` and ``spans`` alone. Runs stand in the order of
    versions, those that failed first. Raises `Malformed` for what is not a purl.
    """
    purl = parse_purl(component, where="component").without_version()
    kind = purl.ecosystem or purl.type
    by_version = {(run.version, run.outcome): run for run in runs}
    ordered = tuple(
        by_version[version, outcome]
        for outcome in (Outcome.AFFECTED, Outcome.FIXED)
        for version in in_version_order(kind, {run.version for run in runs if run.outcome is outcome})
    )
    return AffectedPackage(purl.ecosystem, purl.full_name, str(purl), ordered, spans)


def fixes_in_order(package: AffectedPackage) -> tuple[str, ...]:
    """Return the versions to update to, oldest first in the order of the package's own world."""
    kind = package.ecosystem or parse_purl(package.purl, where="package").type
    return in_version_order(kind, package.fixed_versions)
