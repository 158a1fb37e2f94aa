"""A small world for the doors: two flaws, their people, and everything that an address can name."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from uuid import UUID

from leadtime.flow import coordination, exposure, merging, parties, priority, validation
from leadtime.flow.advisory import AdvisoryId
from leadtime.flow.coordination import Case, DeliveryLink
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import VulnerabilityId
from leadtime.formats.advisories import AffectedSpan
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.workflows import publishing, report_to_operator
from leadtime.workflows.drafting import Words, draft_advisory
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes

URL = "http://site.test"
FRAMES = (
    "Buffer_AppendIndentUnchecked lib/ultrajsonenc.c:518",
    "encode lib/ultrajsonenc.c:706",
    "JSON_EncodeObject lib/ultrajsonenc.c:891",
    "objToJSON python/objToJSON.c:806",
)
RESULT = {
    "verdict": "reproduced",
    "rate": {"hits": 5, "runs": 5, "low": 0.5655, "high": 1.0},
    "crash": {
        "class": "stack-buffer-overflow",
        "access": "WRITE 1",
        "frames": [*FRAMES, "cfunction_call"],
        "subject_frames": list(FRAMES),
        "fault": "lib/ultrajsonenc.c:518",
        "stack": [
            *(
                {
                    "function": written.partition(" ")[0],
                    "file": written.partition(" ")[2].partition(":")[0],
                    "line": int(written.partition(":")[2]),
                    "origin": "subject",
                }
                for written in FRAMES
            ),
            {"function": "cfunction_call", "file": None, "line": None, "origin": "interpreter"},
        ],
        "signature": "sha256:" + "5a" * 32,
    },
    "fixed": {"verdict": "clean", "runs": 5, "hits": 0, "reason": "no run showed it"},
    "environment": {"digest": "sha256:" + "e1" * 32},
    "harness": "finder",
    "evidence": ["sha256:" + "0b" * 32],
}
KEV = {
    "title": "Example extract",
    "catalogVersion": "2026.08.01",
    "dateReleased": "2026-08-01T00:00:00Z",
    "count": 0,
    "vulnerabilities": [],
}


@dataclass(frozen=True)
class Somebody:
    """One person of one organisation, with a token."""

    organisation: parties.Organisation
    person: parties.Person
    token: str

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.organisation.role, self.organisation.id, self.person.id)


def enrol(database: Database, role: Role, name: str) -> Somebody:
    """Enrol an example organisation with one person who has a token."""
    with database.transaction(SYSTEM) as tx:
        organisation = parties.enrol_organisation(tx, name=name, role=role, example=True)
        person = parties.enrol_person(tx, organisation=organisation.id, name=f"Person of {name}", email="p@example.org")
        return Somebody(organisation, person, parties.issue_token(tx, person.id, days=365).secret)


@dataclass(frozen=True)
class Flaw:
    """One flaw with its case: the first report, the vulnerability, the delivery's link, the advisory."""

    report: ReportId
    vulnerability: VulnerabilityId
    case: Case
    link: DeliveryLink
    advisory: AdvisoryId


@dataclass(frozen=True)
class World:
    """Everybody, one flaw that is still quiet, one that is published, and who is exposed to it."""

    database: Database
    people: dict[str, Somebody]
    quiet: Flaw
    told: Flaw
    unproven: ReportId
    exposure: UUID

    def token(self, who: str) -> str:
        return self.people[who].token


CAST: tuple[tuple[str, Role, str], ...] = (
    ("coordinator", Role.COORDINATOR, "Example Coordination Centre"),
    ("finder", Role.FINDER, "Example Lab A"),
    ("finder_b", Role.FINDER, "Example Lab B"),
    ("other_finder", Role.FINDER, "Example Lab C"),
    ("maintainer", Role.MAINTAINER, "Example Maintainers"),
    ("other_maintainer", Role.MAINTAINER, "Example Other Maintainers"),
    ("operator", Role.OPERATOR, "Example Rural Hospital"),
    ("other_operator", Role.OPERATOR, "Example Community Bank"),
    ("agency", Role.AGENCY, "Example Agency"),
    ("developer", Role.DEVELOPER, "Example Developer"),
    ("partner", Role.PARTNER, "Example Partner"),
    ("auditor", Role.AUDITOR, "Example Auditor"),
)


def a_cast(database: Database) -> dict[str, Somebody]:
    """Enrol everybody."""
    return {who: enrol(database, role, name) for who, role, name in CAST}


def a_world(database: Database) -> World:
    """Make the world."""
    people = a_cast(database)
    with database.transaction(people["coordinator"].viewer) as tx:
        priority.load_source(tx, kind=priority.SourceKind.KEV, raw=json.dumps(KEV).encode())
    quiet = a_flaw(database, people, "heap", "ujson writes past a buffer when it indents")
    told = a_flaw(database, people, "loop", "ujson never returns from a negative indent")
    with database.transaction(people["finder"].viewer) as tx:
        unproven = report_to_operator.hand_in(
            tx, as_bytes(a_report(reference="A-unproven", title="Reads well", reproducer=a_reproducer()))
        ).id
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, unproven)
        assert begun is not None
        result = {"verdict": "not_reproduced", "rate": {"hits": 0, "runs": 5, "low": 0.0, "high": 0.4345}}
        validation.absorb_validation(tx, begun, validation.Outcome("not_reproduced", None, json.dumps(result).encode()))
    with database.transaction(people["operator"].viewer) as tx:
        publishing.keep_inventory(
            tx, asset="patient portal", exposed=priority.Answer.YES, raw=b"ujson==5.0.0\nrequests==2.31.0\n"
        )
    with database.transaction(people["coordinator"].viewer) as tx:
        publishing.publish(tx, told.advisory, early_because="the finder told the public")
    with database.transaction(SYSTEM) as tx:
        exposure.match_advisory(tx, told.advisory)
    with database.transaction(people["operator"].viewer) as tx:
        (line,) = exposure.patch_by_list(tx)
    return World(database, people, quiet, told, unproven, line.exposure)


def a_flaw(database: Database, people: dict[str, Somebody], function: str, title: str) -> Flaw:
    """Make a flaw of two reports with its case: delivered, embargoed, its advisory drafted."""
    first = proven(database, people["finder"], f"A-{function}", function, title)
    second = proven(database, people["finder_b"], f"B-{function}", function, title)
    assert first[1] == second[1]
    with database.transaction(people["coordinator"].viewer) as tx:
        case = coordination.open_case(tx, first[1], title=title)
        coordination.set_embargo(tx, case.id, ends_at="2026-09-17T12:00", zone="America/New_York")
        link = coordination.deliver(tx, case.id, people["maintainer"].organisation.id)
        draft = draft_advisory(tx, case.id, words(title), namespace=URL)
    return Flaw(first[0], first[1], case, link, draft.id)


def words(title: str) -> Words:
    return Words(
        title=title,
        summary="Encoding with a large indent writes past a buffer on the stack.",
        remedy="Until then do not let strangers choose the indent.",
        cve="CVE-2021-45958",
        cwes=("CWE-787",),
        spans=(AffectedSpan("1.34", "5.2.0", None, "CVE-2021-45958, public description"),),
        references=(),
    )


def proven(
    database: Database, finder: Somebody, reference: str, function: str, title: str
) -> tuple[ReportId, VulnerabilityId]:
    """Hand in a report that was reproduced, and merge it by the function that it fails in."""
    reproducer = {
        "recipe": {
            "schema": "leadtime.recipe/1",
            "subject": {"vulnerable": "pkg:pypi/ujson@5.0.0", "fixed": "pkg:pypi/ujson@5.2.0"},
            "files": ["encode.py"],
            "build": ["{python} -m compileall {src}"],
            "run": "{python} encode.py {input}",
            "oracle": "sanitizer",
        },
        "files": {"encode.py": base64.b64encode(b"import ujson\n").decode()},
        "input": {"name": "nested.json", "base64": base64.b64encode(b"[[[]]]").decode()},
    }
    body = a_report(
        reference=reference,
        title=title,
        description="Encoding a deeply nested list with a large indent writes past the buffer.\n\nRun the recipe.",
        cwe="CWE-787",
        severity_claimed="high",
        credit=finder.organisation.name,
        locations=[{"file": "lib/ultrajsonenc.c", "function": "Buffer_AppendIndentUnchecked", "line": 518}],
        reproducer=reproducer,
    )
    with database.transaction(finder.viewer) as tx:
        report = report_to_operator.hand_in(tx, as_bytes(body)).id
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, report)
        assert begun is not None
        outcome = validation.Outcome("reproduced", "signature", json.dumps(RESULT).encode())
        validation.absorb_validation(tx, begun, outcome)
        merged = merging.merge_in(
            tx,
            merging.Evidence(
                report=report,
                finder=finder.organisation.id,
                component="pkg:pypi/ujson",
                release="5.0.0",
                fixed_release="5.2.0",
                crash_class="stack-buffer-overflow",
                access="WRITE 1",
                frames=(merging.Frame(function, "lib/ultrajsonenc.c", 518), merging.Frame("encode", "lib/e.c", 706)),
            ),
        )
    return report, merged.vulnerability
