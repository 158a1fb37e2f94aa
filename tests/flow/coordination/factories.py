"""A flaw among people, as far as *coordination* needs it: reports handed in, validated, merged, and a case."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from leadtime.flow.coordination import Case, open_case
from leadtime.flow.intake import ReportId, receive
from leadtime.flow.merging import Evidence, Frame, VulnerabilityId, merge_in
from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation import Outcome, absorb_validation, begin_validation, queue_validation
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.database import Database
from tests.flow.intake.factories import a_report, as_bytes
from tests.flow.parties.factories import enrol

_REFERENCES = count(1)


@dataclass
class Scene:
    """One flaw, reported by one finder, with a coordinator and a maintainer standing by."""

    database: Database
    coordinator: Viewer
    finder: Viewer
    maintainer: Viewer
    stranger: Viewer
    report: ReportId
    vulnerability: VulnerabilityId

    def open(self, title: str = "Stack overflow in ujson") -> Case:
        with self.database.transaction(self.coordinator) as tx:
            return open_case(tx, self.vulnerability, title=title)

    @property
    def maintainers(self) -> OrganisationId:
        return house(self.maintainer)


def house(viewer: Viewer) -> OrganisationId:
    assert viewer.organisation is not None
    return OrganisationId(viewer.organisation)


def handed_in(
    database: Database, finder: Viewer, *, verdict: str | None = "reproduced", function: str = "leaf"
) -> tuple[ReportId, VulnerabilityId]:
    """Hand in a report, validate it with ``verdict`` (None: not yet) and merge it by its innermost ``function``."""
    with database.transaction(finder) as tx:
        report = receive(tx, as_bytes(a_report(reference=f"R-{next(_REFERENCES)}"))).id
        queue_validation(tx, report)
    with database.transaction(SYSTEM) as tx:
        if verdict is not None:
            begun = begin_validation(tx, report)
            assert begun is not None
            absorb_validation(tx, begun, Outcome(verdict, "signature", b"{}"))
        merged = merge_in(
            tx,
            Evidence(
                report=report,
                finder=house(finder),
                component="pkg:pypi/ujson",
                release="5.0.0",
                fixed_release="5.2.0",
                crash_class="stack-buffer-overflow",
                access="WRITE 1",
                frames=(Frame(function, f"{function}.c", 518), Frame("encode", "a.c", 20)),
            ),
        )
    return report, merged.vulnerability


def a_scene(database: Database, *, verdict: str | None = "reproduced") -> Scene:
    """Set the scene; the stranger is another maintainer."""
    _, _, coordinator = enrol(database, Role.COORDINATOR, "Example Coordinator")
    _, _, finder = enrol(database, Role.FINDER, "Example Lab")
    _, _, maintainer = enrol(database, Role.MAINTAINER, "Example Project")
    _, _, stranger = enrol(database, Role.MAINTAINER, "Example Other Project")
    report, vulnerability = handed_in(database, finder, verdict=verdict)
    return Scene(database, coordinator, finder, maintainer, stranger, report, vulnerability)
