"""I6: what everybody may know of the flow is as of the last Monday, and rounded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from leadtime.doors.read_models.home import STEPS, Totals, last_monday
from leadtime.doors.read_models.undecided import public_words
from leadtime.flow.validation.tables import validations
from leadtime.foundation.access import SYSTEM
from leadtime.workflows import report_to_operator
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes

RECEIVED = next(step for step in STEPS if step.key == "reports")
PUBLISHED = next(step for step in STEPS if step.key == "published")


@pytest.mark.parametrize(
    ("weekly", "told"), [(0, 0), (1, 0), (9, 0), (10, 10), (19, 10), (20, 20), (99, 90), (100, 100), (1_234, 1_230)]
)
def test_a_public_count_is_last_weeks_rounded_down_to_tens(weekly, told):
    totals = Totals(ages={}, counts={"reports": weekly + 5_000}, weekly={"reports": weekly})
    assert totals.public_count(RECEIVED) == told


def test_what_is_public_itself_is_counted_exactly():
    assert Totals(ages={}, counts={"published": 7}, weekly={"published": 3}).public_count(PUBLISHED) == 7


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (datetime(2026, 8, 3, tzinfo=UTC), 3),
        (datetime(2026, 8, 3, 9, 30, 1, 5, tzinfo=UTC), 3),
        (datetime(2026, 8, 9, 23, 59, 59, tzinfo=UTC), 3),
        (datetime(2026, 8, 10, tzinfo=UTC), 10),
    ],
)
def test_a_week_begins_on_monday_at_midnight(now, monday):
    assert last_monday(now) == datetime(2026, 8, monday, tzinfo=UTC)


def test_what_came_this_week_is_not_told_before_the_next(clients, database, finder, coordinator, clock):
    def hand_in(reports, week):
        with database.transaction(finder.viewer) as tx:
            for number in range(reports):
                report_to_operator.hand_in(tx, as_bytes(a_report(reference=f"{week}-{number}")))

    def received(token=""):
        return next(each for each in clients(token).get("/api/v1/totals").json() if each["name"] == "Received")

    hand_in(21, "first")
    assert (received()["count"], received(coordinator.token)["count"]) == ("under 10", "21")
    clock.advance(days=7)
    hand_in(12, "second")
    assert (received()["count"], received(coordinator.token)["count"]) == ("20+", "33")
    clock.advance(days=7)
    assert received() == {"name": "Received", "count": "30+", "exact": False}


@pytest.mark.parametrize(("count", "told"), [(0, "under 10"), (9, "under 10"), (10, "10+"), (1_239, "1,230+")])
def test_receipts_without_a_verdict_are_told_rounded(count, told):
    assert public_words(count) == told


def test_receipts_without_a_verdict_are_counted_by_age_as_of_monday(clients, database, finder, coordinator, clock):
    def hand_in(reports, week):
        with database.transaction(finder.viewer) as tx:
            raws = [
                as_bytes(a_report(reference=f"{week}-{number}", reproducer=a_reproducer())) for number in range(reports)
            ]
            return [each.id for each in report_to_operator.hand_in_all(tx, raws)]

    def undecided(token=""):
        told = clients(token).get("/api/v1/totals/undecided").json()
        return [told[name] for name in ("day", "week", "month", "longer")]

    first = hand_in(21, "first")
    assert undecided() == ["under 10"] * 4
    assert undecided(coordinator.token) == ["0", "0", "0", "0"]
    clock.advance(hours=30)
    assert undecided(coordinator.token) == ["0", "21", "0", "0"]
    clock.advance(days=6)
    hand_in(12, "second")
    clock.advance(hours=1)
    assert undecided() == ["under 10", "20+", "under 10", "under 10"]
    assert undecided(coordinator.token) == ["12", "0", "21", "0"]
    with database.transaction(SYSTEM) as tx:
        values = {"decided_at": tx.now, "state": "decided", "verdict": "not_reproduced"}
        tx.connection.execute(update(validations).where(validations.c.report.in_(first[:12])).values(values))
    assert undecided() == ["under 10", "20+", "under 10", "under 10"]
    clock.advance(days=7)
    assert undecided() == ["under 10", "10+", "under 10", "under 10"]
    clock.advance(days=28)
    assert undecided(coordinator.token) == ["0", "0", "0", "21"]
    page = clients().get("/").text
    assert "Receipts without a verdict last Monday: under 10 under a day old" in page
