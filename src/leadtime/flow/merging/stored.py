"""How evidence and summaries lie in their sealed columns, as canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.records import Evidence, Frame
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.explanation import Explanation
from leadtime.packages.versions import in_version_order


@dataclass(frozen=True, slots=True)
class Summary:
    """What a vulnerability is, taken from its reports' evidence; class, access and frames from the oldest seen."""

    component: str
    releases: tuple[str, ...]
    fixed_releases: tuple[str, ...]
    crash_class: str
    access: str
    frames: tuple[Frame, ...]


def summary_of(evidences: Sequence[Evidence]) -> Summary:
    """Return the summary of one or more reports' evidence, oldest first."""
    first = next((evidence for evidence in evidences if evidence.crash_class), evidences[0])
    return Summary(
        component=first.component,
        releases=_in_order(first.component, (evidence.release for evidence in evidences)),
        fixed_releases=_in_order(first.component, (evidence.fixed_release for evidence in evidences)),
        crash_class=first.crash_class,
        access=first.access,
        frames=first.frames,
    )


def joined(summaries: Sequence[Summary]) -> Summary:
    """Return one summary of several: everybody's releases, and the crash of the first that was seen to fail."""
    first = next((summary for summary in summaries if summary.crash_class), summaries[0])
    component = first.component
    return replace(
        first,
        releases=_in_order(component, (release for summary in summaries for release in summary.releases)),
        fixed_releases=_in_order(component, (release for summary in summaries for release in summary.fixed_releases)),
    )


def content_of(evidence: Evidence) -> bytes:
    """Return everything in the evidence but whose it is: equal bytes, equal evidence."""
    return canonical_json(
        {
            "component": evidence.component,
            "release": evidence.release,
            "fixed_release": evidence.fixed_release,
            "class": evidence.crash_class,
            "access": evidence.access,
            "frames": _frames_json(evidence.frames),
        }
    )


def read_evidence(content: bytes, report: ReportId, finder: OrganisationId) -> Evidence:
    """Return the evidence that `content_of` wrote, as that of ``report``."""
    value = json.loads(content)
    return Evidence(
        report=report,
        finder=finder,
        component=value["component"],
        release=value["release"],
        fixed_release=value["fixed_release"],
        crash_class=value["class"],
        access=value["access"],
        frames=_frames(value["frames"]),
    )


def summary_json(summary: Summary) -> bytes:
    """Return a summary as it is sealed."""
    return canonical_json(
        {
            "component": summary.component,
            "releases": summary.releases,
            "fixed_releases": summary.fixed_releases,
            "class": summary.crash_class,
            "access": summary.access,
            "frames": _frames_json(summary.frames),
        }
    )


def read_summary(content: bytes) -> Summary:
    """Return the summary that `summary_json` wrote."""
    value = json.loads(content)
    return Summary(
        component=value["component"],
        releases=tuple(value["releases"]),
        fixed_releases=tuple(value["fixed_releases"]),
        crash_class=value["class"],
        access=value["access"],
        frames=_frames(value["frames"]),
    )


def why_json(why: Explanation) -> bytes:
    """Return an explanation as it is sealed."""
    return canonical_json(why.as_json())


def read_why(content: bytes) -> Explanation:
    """Return the explanation that `why_json` wrote."""
    return Explanation.from_json(json.loads(content))


def _in_order(component: str, releases: Iterable[str | None]) -> tuple[str, ...]:
    """Return the releases that are named, each once, in the order of the component's own world."""
    kind = component.removeprefix("pkg:").partition("/")[0]
    return in_version_order(kind, {release for release in releases if release})


def _frames_json(frames: tuple[Frame, ...]) -> list[list[str | int | None]]:
    return [[frame.function, frame.file, frame.line] for frame in frames]


def _frames(value: list[list[object]]) -> tuple[Frame, ...]:
    return tuple(Frame(*parts) for parts in value)  # type: ignore[arg-type]  # written by `_frames_json` alone
