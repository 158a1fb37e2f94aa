"""The coordinator's queue: each thing that waits is at one stage, the urgent first, then the oldest, page by page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, text

from leadtime.doors.read_models import queue
from leadtime.doors.read_models.names import Names
from leadtime.doors.read_models.queue import Cell, Choice, choice_of, queue_of, read_queue
from leadtime.doors.read_models.waiting import STAGES, Mover
from leadtime.flow import validation
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Malformed, Refused
from leadtime.workflows import report_to_operator
from tests.doors.standing import browse
from tests.doors.world import proven
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes


@pytest.fixture
def hand_in(database, clock, finder):
    """Hand in a report so and so many days ago, in a state of its validation."""

    def made(reference: str, *, days: float, state: str = "queued", urgent: bool = False, **members: object):
        now, clock.at = clock.at, clock.at - timedelta(days=days)
        with database.transaction(finder.viewer) as tx:
            body = a_report(**{"reference": reference, "title": reference, "reproducer": a_reproducer(), **members})
            report = report_to_operator.hand_in(tx, as_bytes(body)).id
        with database.transaction(SYSTEM) as tx:
            if state == "inconclusive":
                begun = validation.begin_validation(tx, report)
                told = validation.Outcome(state, None, json.dumps({"verdict": state, "reason": "no"}).encode())
                validation.absorb_validation(tx, begun, told)
            else:
                tx.connection.execute(
                    text("update validations set state = :state, urgent = :urgent where report = :report"),
                    {"state": state, "urgent": urgent, "report": report},
                )
        clock.at = now
        return report

    return made


def read(database, coordinator, stage: str = "", age: str = "", cursor: str = ""):
    with database.transaction(coordinator.viewer) as tx:
        return queue_of(read_queue(tx, choice_of(stage, age), cursor), Names({}))


def counts(found) -> dict[str, tuple[int, ...]]:
    return {line.name: tuple(cell.count for cell in line.cells) for line in found.lines if line.total}


def test_reports_are_counted_by_stage_and_age(database, coordinator, hand_in):
    hand_in("now", days=0)
    hand_in("day", days=1)
    hand_in("week", days=7, urgent=True)
    hand_in("month", days=30)
    hand_in("runs", days=2, state="running")
    hand_in("aside", days=8, state="set aside")
    hand_in("no verdict", days=3, state="inconclusive")
    found = read(database, coordinator)
    assert counts(found) == {
        "Waiting for a machine": (1, 1, 1, 1),
        "Being reproduced": (0, 1, 0, 0),
        "Set aside": (0, 0, 1, 0),
        "Inconclusive": (0, 1, 0, 0),
    }
    assert [(line.name, line.urgent) for line in found.lines if line.urgent] == [("Waiting for a machine", 1)]
    assert [row.title for row in found.rows] == ["aside", "no verdict"]
    assert {row.mover for row in found.rows} == {Mover.COORDINATOR}


def test_the_urgent_come_first_then_the_oldest(database, coordinator, hand_in):
    for reference, days, urgent in (("new", 1, False), ("old", 9, False), ("kev", 0, True)):
        hand_in(reference, days=days, urgent=urgent)
    found = read(database, coordinator, "queued")
    assert [(row.title, row.urgent) for row in found.rows] == [("kev", True), ("old", False), ("new", False)]
    assert found.heading == "Waiting for a machine"
    assert [row.title for row in read(database, coordinator, "queued", "month").rows] == ["old"]
    assert read(database, coordinator, "queued", "month").heading == "Waiting for a machine, under 30 days"


def test_a_list_pages_through_each_thing_once(database, coordinator, hand_in, monkeypatch):
    monkeypatch.setattr(queue, "PAGE_ROWS", 2)
    for number in range(5):
        hand_in(f"R{number}", days=number % 2, urgent=number == 3)
    seen, cursor = [], ""
    for _ in range(3):
        found = read(database, coordinator, "queued", cursor=cursor)
        seen += [row.title for row in found.rows]
        cursor = found.more.partition("cursor=")[2]
    assert cursor == ""
    assert (seen[0], seen[1]) == ("R3", "R1")
    assert sorted(seen) == ["R0", "R1", "R2", "R3", "R4"]


def test_a_case_waits_where_its_state_says_unless_its_embargo_is_over(database, clock, world):
    coordinator = world.people["coordinator"]
    assert counts(read(database, coordinator)) == {
        "Delivered, unanswered": (1, 0, 0, 0),
        "Published, not deployed": (1, 0, 0, 0),
    }
    (row,) = read(database, coordinator, "delivered").rows
    assert (row.href, row.under, row.mover, row.move) == (
        f"/cases/{world.quiet.case.id}",
        world.quiet.case.number,
        Mover.MAINTAINER,
        "acknowledge",
    )
    clock.at += timedelta(days=60)
    assert counts(read(database, coordinator)) == {
        "Embargo over, not published": (0, 0, 1, 0),
        "Published, not deployed": (0, 0, 0, 1),
    }
    (row,) = read(database, coordinator).rows
    assert (row.stage, row.embargo.over) == ("Embargo over, not published", True)


def test_a_reproduced_report_waits_until_its_flaw_has_a_case(database, world):
    people = world.people
    proven(database, people["finder"], "A-other", "another_function", "Another flaw")
    assert counts(read(database, people["coordinator"]))["Reproduced, no case yet"] == (1, 0, 0, 0)


@pytest.mark.parametrize("state", ["open", "delivered", "acknowledged", "fix named"])
def test_every_state_of_an_open_case_is_a_stage(database, world, state):
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(
            text("update cases set state = :state where id = :case"), {"state": state, "case": world.quiet.case.id}
        )
    (waiting,) = [name for name in counts(read(database, world.people["coordinator"])) if "deployed" not in name]
    stage = next(stage for stage in STAGES if stage.name == waiting)
    assert f"state = '{state}'" in stage.rows


def test_half_an_examination_waits_for_the_second_person(database, coordinator, hand_in):
    report = hand_in("half", days=4, state="inconclusive")
    answers = {item.key: "Yes." for item in validation.CHECKLISTS[validation.Unprovable.CLOUD]}
    with database.transaction(coordinator.viewer) as tx:
        report_to_operator.examine(tx, report, validation.Unprovable.CLOUD, answers)
    assert counts(read(database, coordinator)) == {"Examined by one of two": (1, 0, 0, 0)}


def test_reports_without_a_reproducer_wait_for_their_finders_and_those_of_one_place_are_one_line(
    database, coordinator, hand_in
):
    places = [{"file": "a.c", "function": "f"}, {"file": "a.c", "function": "f", "line": 7}, {"file": "b.c"}]
    for number, place in enumerate(places):
        hand_in(f"R{number}", days=3 - number, state="decided", reproducer=None, locations=[place])
    hand_in("R3", days=0, state="decided", reproducer=None)
    hand_in("R4", days=0, state="decided", reproducer=None)
    found = read(database, coordinator)
    assert counts(found) == {"No reproducer": (2, 3, 0, 0)}
    assert found.rows == ()
    rows = read(database, coordinator, "bare").rows
    assert [(row.title, row.mover, row.note) for row in rows[:2]] == [
        (
            "R0",
            Mover.FINDER,
            "The report carries no reproducer; with it 2 reports name this component, file and function.",
        ),
        ("R2", Mover.FINDER, "The report carries no reproducer."),
    ]
    assert {row.title for row in rows[2:]} == {"R3", "R4"}


def test_what_cannot_be_run_is_not_offered_to_be_run_again(clients, coordinator, hand_in):
    for number, given in enumerate((None, a_reproducer())):
        report = hand_in(f"R{number}", days=0, state="inconclusive" if given else "decided", reproducer=given)
        page = browse(clients(), coordinator).get(f"/reports/{report}").text
        assert ("Run it again" in page) is bool(given)
        assert "Open a case all the same" in page


def test_the_page_begins_with_how_much_waits_for_you_and_what_first(clients, coordinator, hand_in):
    page = browse(clients(), coordinator)
    assert "<strong>0 things wait for you.</strong>" in page.get("/queue").text
    report = hand_in("R1", days=1, state="inconclusive")
    told = page.get("/queue").text
    assert f'<strong>1 thing waits for you.</strong> First: <a href="/reports/{report}">R1</a>: run it again' in told
    told = page.get("/queue?stage=queued").text
    assert '<strong>1 thing waits for you.</strong> <a href="/queue#list">See them</a>.' in told


def test_what_nobody_takes_is_said_to_whoever_waits(clients, coordinator, finder, hand_in):
    for days, said in ((0, False), (1, True)):
        hand_in(f"R{days}", days=days)
        assert (
            "start leadtime worker --queues validation" in browse(clients(), coordinator).get("/queue").text
        ) is said
        assert ("No machine takes reports at the moment." in browse(clients(), finder).get("/reports").text) is said


def test_why_a_job_was_set_aside_stands_beside_its_report(database, coordinator, hand_in):
    report = hand_in("poison", days=4, state="set aside")
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(
            text("insert into set_aside values (7, 'validate', 'validation', :report, 5, 'Its worker died.', :at)"),
            {"report": report, "at": tx.now - timedelta(hours=1)},
        )
    (row,) = read(database, coordinator).rows
    assert row.note == "Its worker died."
    assert counts(read(database, coordinator)) == {"Set aside": (1, 0, 0, 0)}


def test_counting_opens_nothing_and_a_list_only_what_it_shows(database, coordinator, hand_in, monkeypatch):
    monkeypatch.setattr(queue, "PAGE_ROWS", 2)
    statements: list[str] = []
    for number in range(6):
        hand_in(f"R{number}", days=1)
    event.listen(database.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    with database.transaction(coordinator.viewer) as tx:
        read_queue(tx, Choice(), "")
        assert tx.unsealed == set()
        assert len([one for one in statements if "validations" in one]) == 2
        read_queue(tx, Choice("queued"), "")
        assert len(tx.unsealed) == 2


@pytest.mark.parametrize("asked", ["stage=nowhere", "age=old", "cursor=7", f"cursor=2.1.{UUID(int=1)}"])
def test_an_address_that_the_page_does_not_write_is_refused(clients, coordinator, asked):
    assert browse(clients(), coordinator).get(f"/queue?{asked}").status_code == 400


def test_a_place_beyond_all_time_is_refused(database, coordinator):
    with pytest.raises(Malformed, match="this is no place in the queue"):
        read(database, coordinator, cursor=f"1.{'9' * 18}.{UUID(int=1)}")


def test_only_coordinators_have_a_queue(database, finder):
    with database.transaction(finder.viewer) as tx, pytest.raises(Refused):
        read_queue(tx, Choice(), "")


def test_a_hostile_title_is_shown_as_text(clients, coordinator, finder):
    sent = a_report(title="<b>x</b>\u202e" + "long" * 60, description="x", reproducer=a_reproducer())
    assert clients(finder.token).post("/api/v1/reports", content=as_bytes(sent)).status_code == 201
    page = browse(clients(), coordinator).get("/queue?stage=queued").text
    assert "&lt;b&gt;x&lt;/b&gt;⟨U+202E⟩longlong" in page
    assert re.search(r'<a href="/queue\?stage=queued&amp;age=day#list"[^>]*>1</a>', page)


def test_a_cell_is_drawn_stronger_the_more_it_holds():
    assert [Cell(0, "", count, "").strength for count in (0, 1, 9, 10, 99, 100)] == [0, 1, 1, 2, 2, 3]
