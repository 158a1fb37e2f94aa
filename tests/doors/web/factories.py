"""View records as a page gets them, filled with a story that reads well."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from leadtime.doors.read_models.advisories import AdvisoryList, AdvisoryPage, AdvisoryRow, AffectedLine
from leadtime.doors.read_models.case import (
    AdvisoryLine,
    CaseAct,
    CasePage,
    Choice,
    DeliveryLine,
    ParticipantLine,
)
from leadtime.doors.read_models.cases import CaseGroup, CaseList, CaseRow
from leadtime.doors.read_models.delivery import DeliveryPage
from leadtime.doors.read_models.home import Home, StageCount
from leadtime.doors.read_models.patch_by import InventoryLine, PatchByLine, PatchByPage
from leadtime.doors.read_models.pictures import (
    Ages,
    Badge,
    Credit,
    EmbargoClock,
    Event,
    Evidence,
    FrameLine,
    Priority,
    Runs,
    Step,
    Tone,
)
from leadtime.doors.read_models.reports import ReceiptLine, ReportList, ReportPage, ReportRow
from leadtime.doors.read_models.shell import Shell
from leadtime.foundation.access import Role
from leadtime.foundation.explanation import Explanation, Fact

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
DIGEST = "sha256:" + "3f" * 32
TITLE = "Heap overflow when ujson indents deeply nested lists"


def shell(role: Role | None = Role.COORDINATOR, *, here: str = "", same_host: bool = False) -> Shell:
    return Shell(
        now=NOW,
        csrf="word",
        same_host=same_host,
        here=here,
        role=role,
        person="Ines Okafor" if role else "",
        organisation="Example Coordination Centre" if role else "",
        example=role is not None,
    )


def home(*, exact: bool = True) -> Home:
    names = (
        ("Received", "reports handed in", "prove", 4, Ages(day=3, week=1)),
        ("Reproduced", "by somebody other than the finder", "prove", 3, Ages(day=2, week=1)),
        ("Flaws", "root causes, duplicates merged", "prove", 2, Ages(day=1, week=1)),
        ("Cases", "people and clocks", "agree", 14, Ages(day=3, week=6, month=4, longer=1)),
        ("Delivered", "with their maintainers", "agree", 9, Ages(week=5, month=3, longer=1)),
        ("Fixed", "a fixed version is named", "agree", 6, Ages(week=2, month=4)),
        ("Published", "advisories, for everybody", "deploy", 5, None),
        ("Deployed", "operators’ exposures closed", "deploy", 311, None),
    )
    return Home(
        stages=tuple(
            StageCount(name, what, str(count) if exact else "under 10", group, exact, "/cases" if exact else "", ages)
            for name, what, group, count, ages in names
        ),
        exact=exact,
    )


def why() -> Explanation:
    return Explanation(
        decision="Patch within 3 days, with forensic triage",
        rule="BOD 26-04, row 1: exposed, in KEV, automatable, total impact",
        facts=(
            Fact("exposed", "yes", "inventory “patient portal”", NOW - timedelta(days=2)),
            Fact("KEV", "added 1 Aug 2026", "CISA KEV catalogue", NOW - timedelta(days=1)),
            Fact("automatable", "yes", "Vulnrichment", NOW - timedelta(days=3)),
        ),
    )


def runs(*, clean: bool = False) -> Runs:
    if clean:
        return Runs("pkg:pypi/ujson@5.2.0", "clean", True, 0, 5)
    return Runs("pkg:pypi/ujson@5.0.0", "reproduced", False, 4, 5, 0.3755, 0.9638)


def evidence(finder: str = "Finder A") -> Evidence:
    return Evidence(
        report="0198a1b2-0000-7000-8000-000000000001",
        finder=finder,
        example=True,
        verdict=Badge("reproduced", Tone.GOOD),
        vulnerable=runs(),
        fixed=runs(clean=True),
        crash_class="heap-buffer-overflow",
        access="WRITE 1",
        frames=(
            FrameLine("Buffer_AppendIndentUnchecked", "lib/ultrajsonenc.c:518", subject=True, fault=True),
            FrameLine("encode", "lib/ultrajsonenc.c:706", subject=True, fault=False),
            FrameLine("JSON_EncodeObject", "lib/ultrajsonenc.c:891", subject=True, fault=False),
            FrameLine("_PyObject_Call", "Objects/call.c:305", subject=False, fault=False),
        ),
        signature=DIGEST,
        environment=DIGEST,
        harness="finder",
        reason="",
        decided_at=NOW - timedelta(hours=5),
        digests=(DIGEST,),
    )


def credit() -> Credit:
    return Credit("Finder A", example=True, report="r1", title=TITLE, text="Example Lab, with tool X")


def embargo() -> EmbargoClock:
    return EmbargoClock(NOW + timedelta(days=44, hours=3), "America/New_York", over=False)


def case_row(**changes: object) -> CaseRow:
    values: dict[str, object] = {
        "href": "/cases/1",
        "number": "LT-2026-0001",
        "title": TITLE,
        "component": "pkg:pypi/ujson",
        "state": "delivered",
        "mover": "Maintainer",
        "move": "acknowledge",
        "yours": False,
        "priority": Badge("3 days", Tone.HOT),
        "since": NOW - timedelta(days=9, hours=2),
        "embargo": embargo(),
        "finders": 2,
        "overdue": False,
    }
    return CaseRow(**(values | changes))  # type: ignore[arg-type]  # a factory's values by name


def cases() -> CaseList:
    return CaseList(
        groups=(
            CaseGroup("Overdue", "A date has passed.", (case_row(overdue=True, number="LT-2026-0003"),)),
            CaseGroup(
                "New",
                "Opened within a day.",
                (
                    case_row(
                        mover="You", move="deliver to a maintainer", yours=True, state="open", embargo=None, priority=None
                    ),
                    case_row(number="LT-2026-0004", title="Endless loop in a lexer", component="pkg:pypi/pygments"),
                ),
            ),
        )
    )


def case() -> CasePage:
    return CasePage(
        id="1",
        number="LT-2026-0001",
        title=TITLE,
        component="pkg:pypi/ujson",
        tlp="TLP:AMBER",
        steps=(
            Step("Opened", done=True, now=False, at=NOW - timedelta(days=3)),
            Step("Delivered", done=True, now=False, at=NOW - timedelta(days=2)),
            Step("Acknowledged", done=True, now=True, at=NOW - timedelta(days=1)),
            Step("Fix named", done=False, now=False),
            Step("Published", done=False, now=False),
        ),
        mover="Maintainer",
        move="name the fixed version",
        priority=Priority(
            Badge("3 days", Tone.HOT), "Patch within 3 days of the KEV addition, with forensic triage.", why()
        ),
        embargo=embargo(),
        evidence=(evidence(), evidence("Finder B")),
        merged_because=(
            Explanation(
                "Both reports are the same flaw",
                "same component, same crash class, same faulting line",
                (Fact("fault", "Buffer_AppendIndentUnchecked lib/ultrajsonenc.c:518", "both validations"),),
            ),
        ),
        credits=(credit(),),
        participants=(ParticipantLine("Example Maintainers", example=True, part="maintainer"),),
        deliveries=(
            DeliveryLine(
                "Example Maintainers",
                example=True,
                state=Badge("acknowledged", Tone.COOL),
                sent_at=NOW - timedelta(days=2),
                acknowledged_at=NOW - timedelta(days=1),
                fixed_version="",
            ),
        ),
        advisory=AdvisoryLine("/advisories/1", Badge("draft", Tone.MILD), TITLE),
        history=(
            Event(NOW - timedelta(days=1), "Example Maintainers", "acknowledged the delivery"),
            Event(NOW - timedelta(days=3), "Leadtime", "opened the case"),
        ),
        acts=tuple(CaseAct),
        maintainers=(Choice("m1", "Example Maintainers"),),
    )


def delivery() -> DeliveryPage:
    return DeliveryPage(
        base="/d/secret",
        number="LT-2026-0001",
        title=TITLE,
        organisation="Example Maintainers",
        component="pkg:pypi/ujson",
        state=Badge("delivered", Tone.COOL),
        embargo=embargo(),
        description="Encoding a deeply nested list with a large indent writes past the buffer.\n\nSee the input.",
        severity_claimed="high",
        locations=("lib/ultrajsonenc.c:518 Buffer_AppendIndentUnchecked",),
        cwe="CWE-787",
        recipe='{\n  "schema": "leadtime.recipe/1"\n}',
        command="unzip LT-2026-0001.zip && leadtime validate --recipe recipe.json --input nested.json",
        has_reproducer=True,
        evidence=(evidence(),),
        credits=(credit(),),
        reason="",
        can_acknowledge=True,
        can_name_fix=True,
        fixed_version="",
        acknowledged_at=None,
    )


def patch_by_line(**changes: object) -> PatchByLine:
    values: dict[str, object] = {
        "exposure": "e1",
        "component": "pkg:pypi/ujson@5.0.0",
        "asset": "patient portal",
        "advisory": "LT-2026-0001",
        "advisory_href": "/advisories/1",
        "title": TITLE,
        "fixed": "5.2.0",
        "row": "BOD 26-04, row 1",
        "due": date(2026, 8, 4),
        "due_badge": Badge("3 days", Tone.HOT),
        "labels": ("forensic triage before patching", "informative: the directive binds federal agencies"),
        "why": why(),
        "deployed": False,
    }
    return PatchByLine(**(values | changes))  # type: ignore[arg-type]  # a factory's values by name


def patch_by() -> PatchByPage:
    return PatchByPage(
        open=(
            patch_by_line(),
            patch_by_line(
                exposure="e2",
                asset="lab network",
                row="no row yet",
                due=None,
                due_badge=Badge("undetermined", Tone.ASK),
                labels=("missing: automatable",),
            ),
        ),
        deployed=(patch_by_line(exposure="e3", asset="backup host", deployed=True, due_badge=Badge("done", Tone.GOOD)),),
        inventories=(InventoryLine("patient portal", "yes", 212, 3, NOW - timedelta(days=2)),),
    )


def reports() -> ReportList:
    return ReportList(
        rows=(
            ReportRow(
                "/reports/1",
                "A-17",
                TITLE,
                "pkg:pypi/ujson@5.0.0",
                NOW - timedelta(days=3),
                Badge("reproduced", Tone.GOOD),
                "Finder A",
                example=True,
            ),
            ReportRow(
                "/reports/2", "A-18", "Use after free", "pkg:pypi/x", NOW, Badge("harness fault", Tone.WARM), "Finder A"
            ),
        ),
        everybodys=True,
        more="/reports?cursor=x",
    )


def report() -> ReportPage:
    return ReportPage(
        id="1",
        reference="A-17",
        title=TITLE,
        component="pkg:pypi/ujson@5.0.0",
        description="Encoding a deeply nested list writes past the buffer.",
        cwe="CWE-787",
        severity_claimed="high",
        steps=(
            Step("Received", done=True, now=False, at=NOW),
            Step("Reproduced", done=True, now=True),
            Step("In a case", done=False, now=False),
        ),
        status=Badge("reproduced", Tone.GOOD),
        receipt=ReceiptLine(DIGEST, "0123456789abcdef", "c2ln" * 20, NOW),
        evidence=evidence(),
        case_number="LT-2026-0001",
        case_href="/cases/1",
    )


def advisories() -> AdvisoryList:
    return AdvisoryList(
        rows=(
            AdvisoryRow(
                "/advisories/1",
                "LT-2026-0001",
                TITLE,
                "pkg:pypi/ujson",
                "5.2.0",
                ("CVE-2021-45958",),
                NOW,
                Badge("published", Tone.GOOD),
            ),
        )
    )


def advisory() -> AdvisoryPage:
    return AdvisoryPage(
        number="LT-2026-0001",
        title=TITLE,
        summary="Encoding a deeply nested list with a large indent writes past the end of a heap buffer.",
        state=Badge("published", Tone.GOOD),
        tlp="TLP:CLEAR",
        published_at=NOW,
        modified_at=None,
        aliases=("CVE-2021-45958",),
        cwe="CWE-787",
        affected=(AffectedLine("pkg:pypi/ujson", "5.0.0", "5.2.0", "reproduced here in 4 of 5 runs"),),
        remediation="Upgrade to 5.2.0.",
        proof=(runs(), runs(clean=True)),
        credits=("Finder A", "Finder B"),
        references=("https://cve.example/CVE-2021-45958",),
        osv_href="/osv/LT-2026-0001.json",
        csaf_href="/api/v1/advisories/1/csaf",
    )


PAGES: dict[str, tuple[str, Role | None, dict[str, object]]] = {
    "home": ("home.html", Role.COORDINATOR, {"home": home()}),
    "home-public": ("home.html", None, {"home": home(exact=False)}),
    "sign-in": ("sign_in.html", None, {"link": "", "problem": "This credential is not accepted."}),
    "sign-in-link": ("sign_in.html", None, {"link": "ltl_x", "problem": ""}),
    "problem": (
        "problem.html",
        None,
        {"status": 404, "title": "Not found", "what": "There is no such thing.", "where": "", "next_step": "Check it."},
    ),
    "cases": ("cases.html", Role.COORDINATOR, {"cases": cases()}),
    "cases-empty": ("cases.html", Role.MAINTAINER, {"cases": CaseList(())}),
    "case": ("case.html", Role.COORDINATOR, {"case": case(), "link": "http://127.0.0.1:8420/d/ltd_secret"}),
    "delivery": ("delivery.html", None, {"delivery": delivery()}),
    "patch-by": (
        "patch_by.html",
        Role.OPERATOR,
        {"page": patch_by(), "kinds": (("csv", "CSV"),), "deployed_badge": Badge("deployed", Tone.GOOD)},
    ),
    "reports": ("reports.html", Role.COORDINATOR, {"reports": reports()}),
    "report": ("report.html", Role.FINDER, {"report": report()}),
    "advisories": ("advisories.html", None, {"advisories": advisories()}),
    "advisory": ("advisory.html", None, {"advisory": advisory()}),
}
"""Name -> template, role that looks, and the template's records."""
