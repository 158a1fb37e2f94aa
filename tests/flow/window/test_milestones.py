from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from leadtime.flow import window
from leadtime.flow.window import EventKind, Milestones, WindowKind
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Conflict, Malformed, Refused
from tests.flow.window.factories import DAY, NOW, a_model, a_partner_window, an_offer, party


def test_an_earlier_milestone_shrinks_a_window_and_a_later_one_lengthens_none(database):
    offer = an_offer(database)
    assert offer.window.ends_at == NOW + 30 * DAY
    for planned, expected in (
        (Milestones(partner_release_at=NOW + 20 * DAY), NOW + 20 * DAY),
        (Milestones(partner_release_at=NOW + 25 * DAY, public_release_at=NOW + 40 * DAY), NOW + 20 * DAY),
        (Milestones(public_release_at=NOW + 10 * DAY), NOW + 10 * DAY),
        (Milestones(), NOW + 10 * DAY),
    ):
        with database.transaction(offer.developer.viewer) as tx:
            assert window.set_milestones(tx, offer.model.id, planned).milestones == planned
            assert window.read_window(tx, offer.window.id).ends_at == expected


def test_a_partner_window_ends_at_public_release_alone(database):
    developer = party(database, Role.DEVELOPER)
    model = a_model(database, developer)
    opened = a_partner_window(database, developer, model, days=60)
    with database.transaction(developer.viewer) as tx:
        window.set_milestones(tx, model.id, Milestones(NOW + DAY, NOW + 50 * DAY))
        assert window.read_window(tx, opened.id).ends_at == NOW + 50 * DAY


@pytest.mark.parametrize("who", ["agency", "coordinator", "stranger"])
def test_nobody_else_writes_a_milestone(database, who):
    offer = an_offer(database)
    others = {
        "agency": offer.agency,
        "coordinator": party(database, Role.COORDINATOR),
        "stranger": party(database, Role.DEVELOPER, "Rival"),
    }
    with database.transaction(others[who].viewer) as tx, pytest.raises(Exception) as caught:
        window.set_milestones(tx, offer.model.id, Milestones(public_release_at=NOW + 300 * DAY))
    if who == "agency":
        assert isinstance(caught.value, Refused)
        assert str(caught.value) == (
            "the role agency may not write a milestone. Ask somebody whose organisation has the role for it."
        )
    with database.transaction(offer.developer.viewer) as tx:
        assert window.read_model(tx, offer.model.id).milestones == Milestones()


@pytest.mark.parametrize(
    "statement",
    [
        "update models set public_release_at = now()",
        "update models set state = 'released'",
        "update windows set ends_at = ends_at + interval '1 day'",
        "update windows set state = 'withdrawn'",
        "update agreements set retention_days = 1",
        "update window_entries set state = 'ended'",
        "delete from models",
    ],
)
def test_the_database_itself_keeps_others_from_writing_what_is_the_developers(database, statement):
    offer = an_offer(database)
    with database.transaction(offer.agency.viewer) as tx:
        assert tx.connection.execute(text(statement)).rowcount == 0
    with database.transaction(offer.developer.viewer) as tx:
        assert window.read_model(tx, offer.model.id).milestones == Milestones()
        assert window.read_window(tx, offer.window.id) == offer.window


def test_an_agency_cannot_write_itself_into_a_window(database):
    offer = an_offer(database)
    statement = text(
        "insert into window_entries select gen_random_uuid(), model, window_id, developer, :own, organisation_name,"
        " 'joined', :own, proposed_at, agreement from window_entries"
    )
    with pytest.raises(ProgrammingError, match="row-level security"), database.transaction(offer.agency.viewer) as tx:
        tx.connection.execute(statement, {"own": offer.agency.organisation.id})


def test_a_milestone_needs_a_time_zone(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Malformed) as caught:
        window.set_milestones(tx, offer.model.id, Milestones(partner_release_at=NOW.replace(tzinfo=None)))
    assert str(caught.value) == "partner_release_at: a time zone is missing. Add one, like +00:00."
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Malformed) as caught:
        window.set_milestones(tx, offer.model.id, Milestones(public_release_at=NOW.replace(tzinfo=None)))
    assert str(caught.value) == "public_release_at: a time zone is missing. Add one, like +00:00."


def test_a_released_model_has_no_milestones_to_come(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        window.release(tx, offer.model.id)
        with pytest.raises(Conflict):
            window.set_milestones(tx, offer.model.id, Milestones())
        assert window.read_model(tx, offer.model.id).milestones == Milestones(public_release_at=NOW)


def test_milestones_are_told_in_the_history(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        window.set_milestones(tx, offer.model.id, Milestones(partner_release_at=NOW + DAY))
        line = window.history_of(tx, offer.model.id)[-1]
    assert (line.kind, line.note) == (
        EventKind.MILESTONE,
        "partner release 2026-08-04T09:00:00+00:00, public release not set",
    )
    with database.transaction(offer.agency.viewer) as tx:
        assert [one.kind for one in window.history_of(tx, offer.model.id)] == [EventKind.OFFERED]


def test_another_window_of_a_kind_waits_for_the_first(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Conflict) as caught:
        window.open_window(tx, offer.model.id, WindowKind.GOVERNMENT)
    assert str(caught.value) == "model: a government window is open. Offer in that one, or withdraw it first."
