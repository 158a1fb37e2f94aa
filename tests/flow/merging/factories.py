"""Evidence as the tests need it; every field has a default that links to itself."""

from __future__ import annotations

from uuid import UUID

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.records import Evidence, Frame
from leadtime.flow.parties import OrganisationId


def report(number: int) -> ReportId:
    return ReportId(UUID(int=number))


def frames(*texts: str) -> tuple[Frame, ...]:
    return tuple(frame(text) for text in texts)


def frame(text: str) -> Frame:
    function, _, place = text.partition(" ")
    file, _, line = place.partition(":")
    return Frame(function, file or None, int(line) if line else None)


def evidence(
    number: int = 1,
    *stack: str,
    component: str = "pkg:pypi/thing",
    release: str | None = "1.0",
    fixed: str | None = "2.0",
    crash_class: str = "heap-buffer-overflow",
    access: str = "READ 1",
) -> Evidence:
    return Evidence(
        report=report(number),
        finder=OrganisationId(UUID(int=1000 + number)),
        component=component,
        release=release,
        fixed_release=fixed,
        crash_class=crash_class,
        access=access,
        frames=frames(*(stack or ("leaf a.c:10", "middle a.c:20", "outer a.c:30"))),
    )
