from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.coordination import rules
from leadtime.flow.coordination.records import (
    Case,
    CaseEvent,
    CaseFile,
    CaseId,
    CaseState,
    Delivery,
    DeliveryId,
    DeliveryRequest,
    DeliveryState,
    Embargo,
    EventKind,
    Pace,
    Participant,
)
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused
from leadtime.foundation.labels import Tlp

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
HOUSE = OrganisationId(UUID(int=1))
REQUEST = DeliveryRequest(
    by_person=True,
    to_role=Role.MAINTAINER,
    reproduced=True,
    reason="",
    open_deliveries=4,
    pace=Pace(HOUSE, open_deliveries_max=5, stated=False),
    exploitation="",
)


def told(error: LeadtimeError) -> tuple[str, str, str]:
    return error.what, error.where, error.next_step


def refusal(**changes: object) -> tuple[str, str, str]:
    with pytest.raises(Refused) as caught:
        rules.check_request(replace(REQUEST, **changes))
    return told(caught.value)


def test_a_case_is_called_by_eight_letters_of_its_ids_chance() -> None:
    case = UUID(int=0b00000_00001_01010_10000_10001_11111_00010_10111)
    assert rules.case_number(case, NOW) == "LT-2026-01AG-HZ2Q"
    at_new_year = datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert rules.case_number(UUID(int=(1 << 128) - 1), at_new_year) == "LT-2026-ZZZZ-ZZZZ"


def test_a_finder_sees_of_a_case_its_state_and_its_own_and_nothing_that_others_wrote() -> None:
    number, vulnerability, other = "LT-2026-01AG-HZ2Q", VulnerabilityId(UUID(int=3)), OrganisationId(UUID(int=2))
    case = Case(
        CaseId(UUID(int=4)), number, vulnerability, CaseState.DELIVERED, NOW, Embargo(NOW, "UTC"), "words", Tlp.AMBER, 7
    )
    mine, theirs = ReportId(UUID(int=5)), ReportId(UUID(int=6))
    taking = [Participant(house, f"house {house}", NOW) for house in (other, HOUSE)]
    delivery = Delivery(DeliveryId(UUID(int=7)), case.id, other, DeliveryState.SENT, NOW, NOW, None, None)
    opened, delivered, joined = (
        CaseEvent(NOW, other, PersonId(UUID(int=8)), kind, "a note")
        for kind in (EventKind.OPENED, EventKind.DELIVERED, EventKind.REPORT_JOINED)
    )
    whole = CaseFile(case, (theirs, mine), tuple(taking), (delivery,), (opened, joined, delivered))

    assert rules.file_for_finder(whole, {mine}, HOUSE) == CaseFile(
        case=replace(case, title=number, reach=None),
        reports=(mine,),
        participants=(taking[1],),
        deliveries=(),
        history=(
            CaseEvent(NOW, None, None, EventKind.OPENED, ""),
            CaseEvent(NOW, None, None, EventKind.DELIVERED, ""),
        ),
    )


def test_a_proven_delivery_within_the_pace_goes_out() -> None:
    rules.check_request(REQUEST)
    rules.check_request(replace(REQUEST, by_person=False))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MAINTAINER])
def test_deliveries_go_to_maintainers_only(role: Role) -> None:
    assert refusal(to_role=role) == (
        "deliveries go to maintainers",
        "organisation",
        "Choose an organisation of that role.",
    )


def test_an_unproven_flaw_goes_out_only_with_a_persons_reason() -> None:
    assert refusal(reproduced=False) == (
        "nobody but its finder has reproduced this flaw",
        "vulnerability",
        "Wait for the validation, or give the reason for sending it unproven.",
    )
    rules.check_request(replace(REQUEST, reproduced=False, reason="a hardware fault"))
    by_machine = ("only a named person gives a reason", "reason", "Let a coordinator deliver it.")
    assert refusal(reproduced=False, reason="a hardware fault", by_person=False) == by_machine
    assert refusal(exploitation="seen in traffic", by_person=False) == by_machine


def test_the_pace_is_the_maintainers_unless_exploitation_is_recorded() -> None:
    assert refusal(open_deliveries=5) == (
        "this maintainer takes 5 open deliveries at a time",
        "organisation",
        "Wait for an answer, or record the active exploitation.",
    )
    rules.check_request(replace(REQUEST, open_deliveries=5, exploitation="seen in traffic"))
    assert refusal(open_deliveries=5, reason="a hardware fault")[1] == "organisation"
    assert refusal(open_deliveries=0, pace=Pace(HOUSE, open_deliveries_max=0, stated=True))[0] == (
        "this maintainer takes 0 open deliveries at a time"
    )


def test_only_reproduced_is_proof() -> None:
    assert rules.is_proof("reproduced")
    for verdict in ("not_reproduced", "harness_fault", "inconclusive", ""):
        assert not rules.is_proof(verdict)


def test_a_pace_has_bounds() -> None:
    assert rules.check_pace(0) == 0
    assert rules.check_pace(1000) == 1000
    for wrong in (-1, 1001):
        with pytest.raises(Malformed) as caught:
            rules.check_pace(wrong)
        assert told(caught.value) == (
            "a pace is 0 to 1000 open deliveries",
            "open_deliveries_max",
            "Choose within that.",
        )


def test_a_reach_has_bounds() -> None:
    assert rules.check_reach(0) == 0
    assert rules.check_reach(10_000_000) == 10_000_000
    for wrong in (-1, 10_000_001):
        with pytest.raises(Malformed) as caught:
            rules.check_reach(wrong)
        assert told(caught.value) == ("a reach is 0 to 10000000 operators", "operators", "Count again.")


def test_a_note_may_be_left_out() -> None:
    assert rules.check_note(" ", where="reason") == ""
    assert rules.check_note(" why ", where="reason") == "why"
    assert rules.check_note("x" * 2000, where="reason") == "x" * 2000
    with pytest.raises(Malformed) as caught:
        rules.check_note("x" * 2001, where="reason")
    assert told(caught.value) == ("this has more than 2000 characters", "reason", "Shorten it.")


def test_a_reason_is_prose_and_not_empty() -> None:
    assert rules.check_reason(" why\nso ") == "why\nso"
    for wrong, what in (
        (" ", "this is empty"),
        ("x" * 2001, "this has more than 2000 characters"),
        ("a\x07b", "this holds characters that are not text"),
    ):
        with pytest.raises(Malformed) as caught:
            rules.check_reason(wrong)
        assert (caught.value.what, caught.value.where) == (what, "reason")


def test_the_later_of_two_embargoes_keeps_both_promises() -> None:
    sooner, later = Embargo(NOW, "UTC"), Embargo(NOW + timedelta(seconds=1), "Europe/Berlin")
    assert rules.later_embargo(None, None) is None
    assert rules.later_embargo(sooner, None) == rules.later_embargo(None, sooner) == sooner
    assert rules.later_embargo(sooner, later) == rules.later_embargo(later, sooner) == later
    assert rules.later_embargo(sooner, Embargo(NOW, "Asia/Tokyo")) == sooner


@pytest.mark.parametrize(
    ("survivor", "absorbed", "deliveries", "after"),
    [
        ("open", "open", "", "open"),
        ("open", "delivered", "sent", "delivered"),
        ("open", "acknowledged", "acknowledged", "acknowledged"),
        ("open", "fix named", "fix named", "fix named"),
        ("open", "acknowledged", "sent,acknowledged", "acknowledged"),
        ("delivered", "fix named", "fix named,sent", "fix named"),
        ("acknowledged", "delivered", "sent", "acknowledged"),
        ("published", "fix named", "fix named", "published"),
        ("closed", "open", "", "open"),
        ("closed", "delivered", "sent", "delivered"),
        ("closed", "published", "closed", "open"),
        ("closed", "closed", "closed", "closed"),
    ],
)
def test_a_case_that_takes_another_in_is_as_far_as_its_deliveries(survivor, absorbed, deliveries, after) -> None:
    states = [DeliveryState(each) for each in deliveries.split(",") if each]
    assert rules.state_after_taking_in(CaseState(survivor), CaseState(absorbed), states) is CaseState(after)


def test_of_two_deliveries_the_further_counts() -> None:
    order = [DeliveryState.CLOSED, DeliveryState.SENT, DeliveryState.ACKNOWLEDGED, DeliveryState.FIX_NAMED]
    for place, one in enumerate(order):
        for other in order[: place + 1]:
            assert rules.further(one, other) is rules.further(other, one) is one


def test_a_link_lasts_its_days() -> None:
    assert rules.link_end(NOW, 1) == NOW + timedelta(days=1)
    assert rules.link_end(NOW, 180) == NOW + timedelta(days=180)
    for wrong in (0, 181):
        with pytest.raises(Malformed) as caught:
            rules.link_end(NOW, wrong)
        assert told(caught.value) == ("a link lasts 1 to 180 days", "link_days", "Choose within that.")


@pytest.mark.parametrize("state", DeliveryState)
def test_a_link_lets_in_until_its_end_or_until_the_delivery_is_closed(state: DeliveryState) -> None:
    assert rules.link_holds(state, NOW + MOMENT, NOW) is (state is not DeliveryState.CLOSED)
    assert not rules.link_holds(state, NOW, NOW)


def test_the_refusal_of_a_link_is_one_sentence() -> None:
    assert told(rules.link_not_accepted()) == (
        "this link is not accepted",
        "",
        "Ask the coordinator who sent it for a fresh one.",
    )


def test_a_delivery_is_answered_by_its_maintainer_or_for_it_by_a_coordinator() -> None:
    rules.check_answerer(Viewer(Role.MAINTAINER, HOUSE), HOUSE)
    rules.check_answerer(Viewer(Role.COORDINATOR, UUID(int=2)), HOUSE)
    rules.check_answerer(SYSTEM, HOUSE)
    with pytest.raises(Missing) as caught:
        rules.check_answerer(Viewer(Role.MAINTAINER, UUID(int=2)), HOUSE)
    assert told(caught.value) == ("there is no such delivery", "delivery", "Check the link.")


@given(st.uuids(), st.uuids())
def test_numbers_tell_nothing_but_the_year_and_the_ids_chance(one: UUID, other: UUID) -> None:
    same = one.int % (1 << 40) == other.int % (1 << 40)
    assert (rules.case_number(one, NOW) == rules.case_number(other, NOW)) is same
