"""What no machine can prove goes on by two people's answers to a checklist, and is counted apart (I5)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from leadtime.doors.read_models.home import read_totals
from leadtime.flow import coordination, validation
from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation import CHECKLISTS, Outcome, Unprovable
from leadtime.flow.validation.examination import check_answers
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.workflows.report_to_operator import examine, hand_in
from tests.workflows.story import Cast, a_story_report

LOGIC, CLOUD = Unprovable.LOGIC, Unprovable.CLOUD


def answers(kind: Unprovable = LOGIC, text: str = "I looked.") -> dict[str, str]:
    return {item.key: text for item in CHECKLISTS[kind]}


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


@pytest.fixture
def colleague(cast):
    return replace(cast.coordinator, person=UUID(int=9))


@pytest.fixture
def report(cast, database):
    found = cast.hand_in(a_story_report("A-1"))
    decide(database, found, "not_reproduced")
    return found


def decide(database, report, verdict):
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, report)
        assert validation.absorb_validation(tx, begun, Outcome(verdict, None, b'{"crash": null}'))


def test_two_people_open_the_case_and_it_may_be_delivered(cast, database, report, colleague):
    with database.transaction(cast.coordinator) as tx:
        assert examine(tx, report, LOGIC, answers()) is False
        assert examine(tx, report, LOGIC, answers(text="I looked again.")) is False
    before = read_totals(database).counts
    with database.transaction(colleague) as tx:
        assert examine(tx, report, LOGIC, answers(text=" So did I. ")) is True
        told = [
            (each.person, each.kind, set(each.answers.values())) for each in validation.list_examinations(tx, report)
        ]
    assert sorted(told) == sorted(
        [(cast.coordinator.person, LOGIC, {"I looked again."}), (colleague.person, LOGIC, {"So did I."})]
    )
    case = cast.case(report)
    assert case.history[0].note == "Examined by two people: logic."
    with database.transaction(cast.coordinator) as tx:
        coordination.deliver(tx, case.case.id, OrganisationId(cast.maintainer.organisation))
    after = read_totals(database).counts
    assert {key: after[key] - before[key] for key in ("examined", "reproduced", "cases")} == {
        "examined": 1,
        "reproduced": 0,
        "cases": 1,
    }


def test_two_people_who_answer_different_checklists_are_not_two(cast, database, report, colleague):
    for viewer, kind in ((cast.coordinator, LOGIC), (colleague, CLOUD)):
        with database.transaction(viewer) as tx:
            assert examine(tx, report, kind, answers(kind)) is False
    with database.transaction(colleague) as tx:
        assert examine(tx, report, LOGIC, answers()) is True


def test_only_what_a_machine_has_tried_and_not_shown(cast, database):
    waits = cast.hand_in(a_story_report("A-2"))
    with database.transaction(cast.coordinator) as tx, pytest.raises(Conflict, match="is not decided yet"):
        examine(tx, waits, LOGIC, answers())
    decide(database, waits, "reproduced")
    with database.transaction(cast.coordinator) as tx, pytest.raises(Conflict, match="a machine has reproduced"):
        examine(tx, waits, LOGIC, answers())


def test_whoever_handed_a_report_in_is_neither_of_the_two(cast, database, colleague):
    with database.transaction(cast.coordinator) as tx:
        own = hand_in(tx, a_story_report("C-1")).id
    decide(database, own, "not_reproduced")
    with database.transaction(cast.coordinator) as tx, pytest.raises(Refused, match="handed a report in"):
        examine(tx, own, LOGIC, answers())
    with database.transaction(colleague) as tx:
        assert examine(tx, own, LOGIC, answers()) is False


def test_only_named_coordinators_examine_and_read(cast, database, report):
    with (
        database.transaction(replace(cast.coordinator, person=None)) as tx,
        pytest.raises(Refused, match="named person"),
    ):
        examine(tx, report, LOGIC, answers())
    with database.transaction(cast.finder) as tx, pytest.raises(Refused):
        examine(tx, report, LOGIC, answers())
    with database.transaction(cast.other_finder) as tx, pytest.raises(Missing):
        validation.list_examinations(tx, report)


@pytest.mark.parametrize("kind", Unprovable)
def test_every_item_is_answered_and_nothing_else(kind):
    whole = answers(kind)
    assert check_answers(kind, {key: f" {text} " for key, text in whole.items()}) == whole
    for wrong in ({**whole, "more": "x"}, {key: text for key, text in whole.items() if key != "affected"}):
        with pytest.raises(Malformed) as refused:
            check_answers(kind, wrong)
        asked = ", ".join(sorted(whole))
        assert str(refused.value) == f"answers: the checklist for {kind} asks for {asked}. Answer each."
    with pytest.raises(Malformed, match="boundary: this is empty"):
        check_answers(kind, {**whole, "boundary": " "})


def test_every_kind_asks_for_five_things_three_of_them_the_same():
    keys = {kind: [item.key for item in items] for kind, items in CHECKLISTS.items()}
    assert keys == {
        Unprovable.HARDWARE: ["affected", "boundary", "innocent", "device", "measured"],
        Unprovable.PROTOCOL: ["affected", "boundary", "innocent", "text", "trace"],
        Unprovable.CLOUD: ["affected", "boundary", "innocent", "consent", "record"],
        Unprovable.LOGIC: ["affected", "boundary", "innocent", "rule", "steps"],
    }
