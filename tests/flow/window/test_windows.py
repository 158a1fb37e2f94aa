"""Opening, shortening, withdrawing and releasing."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from leadtime.flow import window
from leadtime.flow.window import EventKind, Milestones, ModelState, WindowKind, WindowState
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.errors import Conflict, Malformed, Refused
from tests.flow.window.factories import DAY, NOW, a_model, a_partner_window, an_offer, party


def test_a_31_day_window_is_refused_in_one_sentence(database):
    developer = party(database, Role.DEVELOPER)
    model = a_model(database, developer)
    with database.transaction(developer.viewer) as tx, pytest.raises(Refused) as caught:
        window.open_window(tx, model.id, WindowKind.GOVERNMENT, ends_at=NOW + 31 * DAY)
    assert str(caught.value) == (
        "ends_at: a government window lasts at most 30 days from the first offer. Choose an earlier end."
    )
    with database.transaction(developer.viewer) as tx:
        assert window.open_window(tx, model.id, WindowKind.GOVERNMENT, ends_at=NOW + 30 * DAY).ends_at == NOW + 30 * DAY
        assert window.read_model(tx, model.id).state is ModelState.OFFERED


def test_offering_again_does_not_make_more_than_thirty_days(database, clock):
    offer = an_offer(database)
    clock.advance(days=10)
    with database.transaction(offer.developer.viewer) as tx:
        window.withdraw(tx, offer.window.id)
        again = window.open_window(tx, offer.model.id, WindowKind.GOVERNMENT)
        assert again.ends_at == NOW + 30 * DAY
        assert window.list_windows(tx, offer.model.id)[0] == again


def test_a_partner_window_before_partner_release_is_refused(database, clock):
    developer = party(database, Role.DEVELOPER)
    model = a_model(database, developer)
    sentence = (
        "partner_release_at: a partner window opens at or after partner release. "
        "Set the partner release, and open the window once it is reached."
    )
    with database.transaction(developer.viewer) as tx, pytest.raises(Refused) as caught:
        window.open_window(tx, model.id, WindowKind.PARTNER, ends_at=NOW + DAY)
    assert str(caught.value) == sentence
    with database.transaction(developer.viewer) as tx:
        window.set_milestones(tx, model.id, Milestones(NOW + DAY, NOW + 9 * DAY))
        with pytest.raises(Refused) as caught:
            window.open_window(tx, model.id, WindowKind.PARTNER)
    assert str(caught.value) == sentence
    clock.advance(days=1)
    with database.transaction(developer.viewer) as tx:
        assert window.open_window(tx, model.id, WindowKind.PARTNER).ends_at == NOW + 9 * DAY


def test_a_partner_window_does_not_begin_the_thirty_days_of_government(database, clock):
    developer = party(database, Role.DEVELOPER)
    model = a_model(database, developer)
    a_partner_window(database, developer, model)
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.scalar(text("select first_offered_at from models")) is None


def test_an_end_needs_a_time_zone(database):
    offer = an_offer(database)
    for act in (
        lambda tx: window.open_window(tx, offer.model.id, WindowKind.GOVERNMENT, ends_at=NOW.replace(tzinfo=None)),
        lambda tx: window.shorten_window(tx, offer.window.id, ends_at=NOW.replace(tzinfo=None)),
    ):
        with database.transaction(offer.developer.viewer) as tx, pytest.raises(Malformed) as caught:
            act(tx)
        assert str(caught.value) == "ends_at: a time zone is missing. Add one, like +00:00."


def test_a_window_is_shortened_and_never_lengthened(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        assert window.shorten_window(tx, offer.window.id, ends_at=NOW + 3 * DAY).ends_at == NOW + 3 * DAY
        with pytest.raises(Refused) as caught:
            window.shorten_window(tx, offer.window.id, ends_at=NOW + 4 * DAY)
    assert str(caught.value) == "ends_at: a window is never lengthened. Choose an earlier end."


def test_an_expired_window_says_so_and_stays_as_it_ended(database, clock):
    offer = an_offer(database)
    clock.advance(days=30)
    with database.transaction(offer.developer.viewer) as tx:
        assert window.read_window(tx, offer.window.id).state is WindowState.EXPIRED
        assert window.withdraw(tx, offer.window.id).state is WindowState.EXPIRED
        assert window.withdraw(tx, offer.window.id).ended_at is None
        with pytest.raises(Conflict):
            window.shorten_window(tx, offer.window.id, ends_at=NOW + DAY)


def test_withdrawing_the_last_open_window_withdraws_the_model(database):
    offer = an_offer(database)
    partners = a_partner_window(database, offer.developer, offer.model)
    with database.transaction(offer.developer.viewer) as tx:
        # The partner release has ended the government window.
        assert window.read_window(tx, offer.window.id).state is WindowState.EXPIRED
        withdrawn = window.withdraw(tx, partners.id)
        assert (withdrawn.state, withdrawn.ended_at) == (WindowState.WITHDRAWN, NOW)
        assert window.read_model(tx, offer.model.id).state is ModelState.WITHDRAWN


def test_withdrawing_a_model_ends_every_window_in_one_move(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        assert window.withdraw_model(tx, offer.model.id).state is ModelState.WITHDRAWN
        assert window.withdraw_model(tx, offer.model.id).state is ModelState.WITHDRAWN
        ended = window.read_window(tx, offer.window.id)
    assert (ended.state, ended.ended_at) == (WindowState.WITHDRAWN, NOW)


def test_withdraw_and_release_are_there_before_anything_was_offered_and_after_release(database):
    developer = party(database, Role.DEVELOPER)
    model = a_model(database, developer)
    with database.transaction(developer.viewer) as tx:
        assert window.withdraw_model(tx, model.id).state is ModelState.WITHDRAWN
        assert window.release(tx, model.id).state is ModelState.RELEASED
        assert window.withdraw_model(tx, model.id).state is ModelState.RELEASED
        assert window.release(tx, model.id).state is ModelState.RELEASED


def test_release_is_now_unless_it_was_set_before(database, clock):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        window.set_milestones(tx, offer.model.id, Milestones(public_release_at=NOW + 5 * DAY))
        assert window.release(tx, offer.model.id).milestones.public_release_at == NOW
        assert window.read_window(tx, offer.window.id).state is WindowState.RELEASED
    clock.advance(days=1)
    with database.transaction(offer.developer.viewer) as tx:
        assert window.release(tx, offer.model.id).milestones.public_release_at == NOW


def test_an_agency_neither_withdraws_nor_releases(database):
    offer = an_offer(database)
    for act, thing in (
        (window.withdraw, offer.window.id),
        (window.withdraw_model, offer.model.id),
        (window.release, offer.model.id),
    ):
        with database.transaction(offer.agency.viewer) as tx, pytest.raises(Refused) as caught:
            act(tx, thing)
        assert str(caught.value) == (
            "the role agency may not withdraw or release a model. Ask somebody whose organisation has the role for it."
        )


def test_every_move_tells_the_gateways_and_is_a_leaf_of_the_models_log(database, address):
    offer = an_offer(database)
    with psycopg.connect(address.app, autocommit=True) as listener:
        listener.execute(f"listen {window.CHANNEL}")
        with database.transaction(offer.developer.viewer) as tx:
            window.withdraw(tx, offer.window.id)
        heard = next(listener.notifies(timeout=10, stop_after=1))
    assert heard.payload == str(offer.model.id)
    with database.transaction(SYSTEM) as tx:
        logged = tx.connection.scalars(
            text("select convert_from(entry, 'utf8')::json->>'kind' from ledger_leaves where log = :log order by id"),
            {"log": window.log_of(offer.model.id)},
        ).all()
        told = [line.kind.value for line in window.history_of(tx, offer.model.id)]
    assert sorted(logged) == sorted(told)
    assert told == [
        EventKind.ENROLLED,
        EventKind.AGREED,
        EventKind.OPENED,
        EventKind.OFFERED,
        EventKind.WITHDRAWN,
    ]


def test_a_refused_request_leaves_a_leaf(database):
    offer = an_offer(database)
    with database.transaction(SYSTEM) as tx:
        window.note_refusal(tx, offer.model.id, offer.agency.viewer, "a milestone is the developer's")
        window.note_refusal(tx, UUID(int=1), offer.agency.viewer, "there is no such model")
    with database.transaction(offer.agency.viewer) as tx:
        line = window.history_of(tx, offer.model.id)[-1]
    assert (line.kind, line.note, line.person) == (
        EventKind.REFUSED,
        "a milestone is the developer's",
        offer.agency.person.id,
    )
