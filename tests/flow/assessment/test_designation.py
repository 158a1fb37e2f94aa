from __future__ import annotations

from datetime import date

import pytest

from leadtime.flow import assessment, window
from leadtime.flow.assessment import Designation, DesignationMove, DesignationState, OutcomeWanted, RequestWanted
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Conflict, Missing, Refused
from tests.flow.window.factories import NOW, an_offer, party

REQUEST = RequestWanted("Example Authority", date(2026, 8, 1), "The developer asked.")
OUTCOME = OutcomeWanted(DesignationMove.DESIGNATE, date(2026, 8, 2), "Letter 7.")


def test_a_designation_is_noted_with_its_outcome_and_changes_nothing_else(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        before = window.read_model(tx, offer.model.id), window.list_windows(tx, offer.model.id)
        noted = assessment.note_request(tx, offer.model.id, REQUEST)
        told = assessment.note_outcome(tx, noted.id, OUTCOME)
        assert assessment.list_designations(tx, offer.model.id) == (told,)
        assert (window.read_model(tx, offer.model.id), window.list_windows(tx, offer.model.id)) == before
        with pytest.raises(Conflict):
            assessment.note_outcome(tx, noted.id, OUTCOME)
    assert noted.state is DesignationState.REQUESTED
    assert told == Designation(
        id=noted.id,
        model=offer.model.id,
        authority="Example Authority",
        state=DesignationState.DESIGNATED,
        requested_on=date(2026, 8, 1),
        request_facts="The developer asked.",
        decided_on=date(2026, 8, 2),
        outcome_facts="Letter 7.",
        noted_at=NOW,
    )


def test_what_an_agency_noted_only_it_and_the_developer_see(database):
    offer = an_offer(database)
    with database.transaction(offer.agency.viewer) as tx:
        noted = assessment.note_request(tx, offer.model.id, REQUEST)
        assert assessment.list_designations(tx, offer.model.id) == (noted,)
    with database.transaction(offer.developer.viewer) as tx:
        assert assessment.list_designations(tx, offer.model.id) == (noted,)
        own = assessment.note_request(tx, offer.model.id, REQUEST)
    with database.transaction(offer.agency.viewer) as tx:
        assert assessment.list_designations(tx, offer.model.id) == (noted,)
        with pytest.raises(Missing):
            assessment.note_outcome(tx, own.id, OUTCOME)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.DEVELOPER, Role.AGENCY])
def test_strangers_note_and_read_nothing(database, role):
    offer = an_offer(database)
    with database.transaction(party(database, role, "Stranger").viewer) as tx:
        for act in (
            lambda: assessment.note_request(tx, offer.model.id, REQUEST),
            lambda: assessment.list_designations(tx, offer.model.id),
        ):
            with pytest.raises(Missing):
                act()


@pytest.mark.parametrize("facts", ["(S//NF) It can.", "SECRET//NOFORN\nIt can.", "CUI//SP-CTI\nIt can."])
def test_marked_facts_are_refused(database, facts):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        for wanted in (
            RequestWanted("Example Authority", date(2026, 8, 1), facts),
            RequestWanted(facts, date(2026, 8, 1), ""),
        ):
            with pytest.raises(Refused, match="is not configured to hold such text"):
                assessment.note_request(tx, offer.model.id, wanted)
        noted = assessment.note_request(tx, offer.model.id, REQUEST)
        with pytest.raises(Refused, match="is not configured to hold such text"):
            assessment.note_outcome(tx, noted.id, OutcomeWanted(DesignationMove.DESIGNATE, date(2026, 8, 2), facts))
