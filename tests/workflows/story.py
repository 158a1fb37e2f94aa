"""A small story for tests: reports whose reproducers say what running them comes to, and a proof that believes them."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import text

from leadtime.flow import coordination, exposure, intake, merging, validation
from leadtime.flow.advisory import Advisory
from leadtime.flow.coordination import CaseFile, DeliveryLink
from leadtime.flow.intake import ReportId
from leadtime.flow.parties import OrganisationId
from leadtime.flow.priority import Answer
from leadtime.flow.validation import Begun, Outcome
from leadtime.formats.advisories import AffectedSpan
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import Address
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.settings import read_settings
from leadtime.workflows import publishing
from leadtime.workflows.drafting import Words, draft_advisory
from leadtime.workflows.engine import Station, work
from leadtime.workflows.records import Queue, Timings
from leadtime.workflows.report_to_operator import hand_in, plan
from tests.flow.parties.factories import enrol

CANARY = "canary-7f3a-write-past-the-indent-buffer"
QUICK = Timings(heartbeat_seconds=0.5, dead_after_seconds=2, sweep_seconds=0.5, poll_seconds=0.2, drain_seconds=5)
PATIENT = replace(QUICK, dead_after_seconds=3_600)
"""For tests in which no worker dies: on a busy machine one's heart may pause for longer than is quick."""

UJSON = "pkg:pypi/ujson"
WORDS = Words(
    title="ujson writes past a buffer when it indents",
    summary="A large indent writes past a buffer on the stack.",
    remedy="Upgrade.",
    cve=None,
    cwes=("CWE-787",),
    spans=(AffectedSpan("0", "5.2.0", None, "the project's changelog"),),
    references=(),
)


def a_story_report(
    reference: str,
    *,
    verdict: str = "reproduced",
    function: str = "leaf",
    line: int = 518,
    credit: Sequence[str] = (),
    releases: tuple[str, str] = ("5.0.0", "5.2.0"),
    title: str = f"Indenting overflows ({CANARY})",
) -> bytes:
    """Return a report whose input tells `believe` what running it comes to."""
    told = json.dumps({"verdict": verdict, "function": function, "line": line}).encode()
    return json.dumps(
        {
            "schema": "leadtime.report/1",
            "title": title,
            "credit": list(credit),
            "description": f"A deep document does it: {CANARY}.",
            "component": "pkg:pypi/ujson@5.0.0",
            "reference": reference,
            "found_by": {"tool": "example-fuzzer", "person_reviewed": True},
            "reproducer": {
                "recipe": {
                    "schema": "leadtime.recipe/1",
                    "subject": {"vulnerable": f"{UJSON}@{releases[0]}", "fixed": f"{UJSON}@{releases[1]}"},
                    "run": "{python} run.py {input}",
                    "files": ["run.py"],
                    "oracle": "sanitizer",
                },
                "files": {"run.py": base64.b64encode(f"# {CANARY}".encode()).decode()},
                "input": {"name": "a.json", "base64": base64.b64encode(told).decode()},
            },
        }
    ).encode()


def believe(begun: Begun, _stopping: threading.Event) -> Outcome:
    """Return what the reproducer's input tells, as a real run would report it."""
    assert begun.reproducer is not None
    told = json.loads(begun.reproducer.input.content)
    if told["verdict"] != "reproduced":
        return Outcome(told["verdict"], None, canonical_json({"verdict": told["verdict"], "crash": None}))
    frames = [f"{told['function']} lib/{told['function']}.c:{told['line']}", "encode lib/encode.c:20"]
    crash = {"class": "stack-buffer-overflow", "access": "WRITE 1", "signature": f"sha256:{told['function']}"}
    crash |= {"frames": [*frames, f"main run.c:1 {CANARY}"], "subject_frames": frames}
    result = {"verdict": "reproduced", "crash": crash, "fixed": {"verdict": "clean", "runs": 5}, "evidence": []}
    return Outcome("reproduced", crash["signature"], canonical_json(result))


def station_of(database: Database, address: Address, home: str) -> Station:
    return Station(database, address, read_settings({"LEADTIME_HOME": home, "LEADTIME_RANGE_RELEASES": "0"}))


def work_until_idle(station: Station) -> None:
    """Work every queue until nothing waits that may be taken now."""
    given = {"queues": Queue, "concurrency": 2, "timings": QUICK, "until_idle": True}
    asyncio.run(work(station, plan(believe), **given))


class Cast:
    """The people of the story."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.coordinator = enrol(database, Role.COORDINATOR, "Example Coordinator")[2]
        self.finder = enrol(database, Role.FINDER, "Example Lab")[2]
        self.other_finder = enrol(database, Role.FINDER, "Example Fuzzer")[2]
        self.operator = enrol(database, Role.OPERATOR, "Example Hospital")[2]
        self.maintainer = enrol(database, Role.MAINTAINER, "Example Project")[2]

    def hand_in(self, raw: bytes, *, by: Viewer | None = None) -> ReportId:
        with self.database.transaction(by or self.finder) as tx:
            return hand_in(tx, raw).id

    def keep_inventory(self, asset: str = "records server") -> UUID:
        with self.database.transaction(self.operator) as tx:
            raw = b"ujson==5.0.0\nrequests==2.31.0\n"
            return publishing.keep_inventory(tx, asset=asset, exposed=Answer.YES, raw=raw).id

    def decide(self, report: ReportId) -> Outcome:
        """Decide a report's validation as a worker that `believe`s it, and return what it came to."""
        with self.database.transaction(SYSTEM) as tx:
            begun = validation.begin_validation(tx, report)
            assert begun is not None
            outcome = believe(begun, threading.Event())
            assert validation.absorb_validation(tx, begun, outcome)
        return outcome

    def case(self, report: ReportId) -> CaseFile:
        """Return the case of the flaw that holds a report now, as its coordinator sees it."""
        with self.database.transaction(self.coordinator) as tx:
            vulnerability = merging.vulnerability_of(tx, report)
            assert vulnerability is not None
            case = coordination.find_case(tx, vulnerability)
            assert case is not None
            return coordination.read_case(tx, case.id)

    def draft(self, report: ReportId, words: Words = WORDS) -> Advisory:
        """Draft an advisory on the report's case, as its coordinator."""
        case = self.case(report).case.id
        with self.database.transaction(self.coordinator) as tx:
            return draft_advisory(tx, case, words, namespace="https://clearinghouse.example")

    def publish(self, report: ReportId) -> UUID:
        """Publish an advisory on the report's case, as its coordinator."""
        drafted = self.draft(report)
        with self.database.transaction(self.coordinator) as tx:
            return publishing.publish(tx, drafted.id).id

    def deliver(self, report: ReportId) -> DeliveryLink:
        """Deliver the report's case to the maintainer."""
        case = self.case(report).case.id
        with self.database.transaction(self.coordinator) as tx:
            return coordination.deliver(tx, case, OrganisationId(self.maintainer.organisation))

    def embargo(self, report: ReportId, ends_at: str = "2026-12-01T12:00") -> None:
        """Set the embargo of the report's case."""
        case = self.case(report).case.id
        with self.database.transaction(self.coordinator) as tx:
            coordination.set_embargo(tx, case, ends_at=ends_at, zone="UTC")


def state_of(database: Database) -> dict[str, object]:
    """Return everything that the story leaves: counts of rows, states, histories, jobs."""
    counted = ("reports", "validations", "vulnerabilities", "merged_reports", "cases", "case_reports", "case_events")
    counted += ("published_advisories", "exposures", "set_aside", "data_keys", "relations")
    with database.transaction(SYSTEM) as tx:
        rows = {name: tx.connection.scalar(text(f"select count(*) from {name}")) for name in counted}
        states = tx.connection.execute(text("select state, verdict from validations order by id")).all()
        jobs = tx.connection.execute(text("select task_name, status::text from procrastinate_jobs order by id")).all()
        return rows | {"validated": [tuple(row) for row in states], "jobs": [tuple(row) for row in jobs]}


def patch_by(database: Database, operator: Viewer) -> list[str]:
    with database.transaction(operator) as tx:
        return [f"{line.component} on {line.asset}" for line in exposure.patch_by_list(tx)]


def validation_of(database: Database, report: ReportId) -> validation.KeptValidation:
    with database.transaction(SYSTEM) as tx:
        return validation.read_validation(tx, report)


def title_of(database: Database, report: ReportId) -> str:
    with database.transaction(SYSTEM) as tx:
        return intake.read_finding(tx, report).title
