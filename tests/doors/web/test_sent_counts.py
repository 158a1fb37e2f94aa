"""What a finder's page counts as proven: what somebody else saw, never what a case was opened for."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from leadtime.doors.read_models.sent import read_sent
from leadtime.flow import validation
from leadtime.foundation.access import SYSTEM
from leadtime.workflows import report_to_operator
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes

NAMES = ("Received", "Proven", "Delivered", "Fixed", "Published")


def numbers(database, somebody) -> tuple[tuple[str, ...], tuple[int, int, int]]:
    with database.transaction(somebody.viewer) as tx:
        found = read_sent(tx)
    assert tuple(step.name for step in found.reached) == NAMES
    return tuple(step.count for step in found.reached), (found.waiting, found.refuted, found.inconclusive)


def in_the_published_case(database, world, report) -> None:
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(
            text("insert into case_reports values (:case, :report, :at)"),
            {"case": world.told.case.id, "report": report, "at": tx.now},
        )


@pytest.mark.parametrize(
    ("verdict", "rest"),
    [("not_reproduced", (0, 1, 0)), ("harness_fault", (0, 1, 0)), ("inconclusive", (0, 0, 1)), (None, (1, 0, 0))],
)
def test_a_case_proves_nothing_and_two_examiners_do(database, world, verdict, rest):
    finder = world.people["finder_b"]
    with database.transaction(finder.viewer) as tx:
        report = report_to_operator.hand_in(tx, as_bytes(a_report(reference="N", reproducer=a_reproducer()))).id
    if verdict:
        with database.transaction(SYSTEM) as tx:
            begun = validation.begin_validation(tx, report)
            told = validation.Outcome(verdict, None, json.dumps({"verdict": verdict}).encode())
            validation.absorb_validation(tx, begun, told)
    in_the_published_case(database, world, report)
    assert numbers(database, finder) == (("3", "2", "2", "1", "1"), rest)
    row = "insert into examinations select :report, gen_random_uuid(), :kind, :at, '\\x00'"
    with database.transaction(SYSTEM) as tx:
        for kind in ("cloud", "logic"):
            tx.connection.execute(text(row), {"report": report, "kind": kind, "at": tx.now})
    assert numbers(database, finder) == (("3", "2", "2", "1", "1"), rest)
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text(row), {"report": report, "kind": "cloud", "at": tx.now})
    assert numbers(database, finder) == (("3", "3", "2", "1", "1"), (0, 0, 0))
