"""I1: whatever anybody does, in any order, *withdraw* and *release* stay there for the developer and need nobody.

The developer's person withdraws and releases by the token they had before it all, and nobody else made another.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from leadtime.flow import parties, window
from leadtime.flow.parties import ActKind
from leadtime.flow.parties.tables import identities, passkeys, sessions, sign_in_links, tokens
from leadtime.flow.window import Milestones, ModelState, WindowKind, WindowState
from leadtime.flow.window.rules import GOVERNMENT_WINDOW_DAYS_MAX
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.errors import LeadtimeError
from tests.flow.window.factories import TERMS, WANTED, a_model, an_agreement, party

DAYS = st.integers(-3, 40)
OTHERS = st.sampled_from(["agency", "partner", "rival_partner", "coordinator", "auditor", "rival"])
EVERYBODY = st.one_of(OTHERS, st.just("developer"))
YEAR = timedelta(days=365)
KINDS = st.sampled_from(WindowKind)
HISTORIES = 12
STEPS = 25


class Offers(RuleBasedStateMachine):
    """Every actor makes every move it can think of; what is not its own is refused and changes nothing."""

    database = None
    clock = None
    count = 0

    @initialize()
    def begin(self):
        type(self).count += 1
        roles = {
            "developer": Role.DEVELOPER,
            "agency": Role.AGENCY,
            "partner": Role.PARTNER,
            "rival_partner": Role.PARTNER,
            "coordinator": Role.COORDINATOR,
            "auditor": Role.AUDITOR,
            "rival": Role.DEVELOPER,
        }
        self.who = {name: party(self.database, role, f"{name} {self.count}") for name, role in roles.items()}
        self.model = a_model(self.database, self.who["developer"])
        terms = replace(TERMS, agency_may_propose=True)
        self.agreements = {
            name: an_agreement(self.database, self.who["developer"], self.model, self.who[name], terms)
            for name in ("agency", "partner", "rival_partner")
        }
        self.windows, self.entries, self.grants = [], [], []
        house, person = self.who["developer"].organisation, self.who["developer"].person
        self.colleagues = [person.id]
        with self.database.transaction(SYSTEM) as tx:
            self.token = parties.issue_token(tx, person.id, days=365).secret
            hired = parties.enrol_employer(tx, organisation=house.id, name="V", engaged_until=tx.now + YEAR)
        self.vendor, self.credentials = hired.id, self.credentials_of(house.id)
        self.ends: dict[object, datetime] = {}
        self.before = self.state()

    def tried(self, name, act):
        """Make a move as somebody; what is refused changes nothing."""
        try:
            with self.database.transaction(self.who[name].viewer) as tx:
                return act(tx)
        except LeadtimeError:
            return None

    def state(self):
        with self.database.transaction(SYSTEM) as tx:
            model = window.read_model(tx, self.model.id)
            windows = window.list_windows(tx, self.model.id)
        return model.state, model.milestones, windows

    def credentials_of(self, house):
        """What there is that signs anybody of an organisation in."""
        with self.database.transaction(SYSTEM) as tx:
            return {
                row.id
                for ways in (tokens, sessions, sign_in_links, passkeys, identities)
                for row in tx.connection.execute(select(ways.c.id).where(ways.c.organisation == house))
            }

    def chosen(self, things, number):
        return things[number % len(things)]

    @rule(name=EVERYBODY, kind=KINDS, days=st.none() | DAYS)
    def open_window(self, name, kind, days):
        ends_at = None if days is None else self.clock.now() + timedelta(days=days)
        made = self.tried(name, lambda tx: window.open_window(tx, self.model.id, kind, ends_at=ends_at))
        assert made is None or name == "developer"
        self.windows += [made.id] if made else []

    @rule(name=EVERYBODY, partner=st.none() | DAYS, public=st.none() | DAYS)
    def set_milestones(self, name, partner, public):
        now = self.clock.now()
        planned = Milestones(*(None if days is None else now + timedelta(days=days) for days in (partner, public)))
        made = self.tried(name, lambda tx: window.set_milestones(tx, self.model.id, planned))
        assert made is None or name == "developer"

    @precondition(lambda self: self.windows)
    @rule(name=EVERYBODY, number=st.integers(0, 9), under=st.sampled_from(["agency", "partner"]))
    def offer(self, name, number, under):
        opened = self.chosen(self.windows, number)
        made = self.tried(name, lambda tx: window.offer_to(tx, opened, self.agreements[under].id))
        assert made is None or name == "developer"
        self.entries += [made.id] if made else []

    @rule(name=EVERYBODY, partner=st.sampled_from(["partner", "rival_partner", "agency"]))
    def propose(self, name, partner):
        organisation = self.who[partner].organisation.id
        made = self.tried(name, lambda tx: window.propose_partner(tx, self.model.id, organisation))
        assert made is None or name in {"developer", "agency"}
        self.entries += [made.id] if made else []

    @precondition(lambda self: self.windows and self.entries)
    @rule(
        name=EVERYBODY,
        number=st.integers(0, 9),
        into=st.integers(0, 9),
        under=st.sampled_from(["partner", "rival_partner"]),
    )
    def consent(self, name, number, into, under):
        entry, opened = self.chosen(self.entries, number), self.chosen(self.windows, into)
        made = self.tried(name, lambda tx: window.consent(tx, entry, opened, self.agreements[under].id))
        assert made is None or name == "developer"

    @precondition(lambda self: self.entries)
    @rule(name=EVERYBODY, number=st.integers(0, 9), retract=st.booleans())
    def leave(self, name, number, retract):
        entry = self.chosen(self.entries, number)
        verb = window.retract_proposal if retract else window.end_entry
        made = self.tried(name, lambda tx: verb(tx, entry))
        assert made is None or retract or name == "developer"

    @precondition(lambda self: self.entries)
    @rule(name=EVERYBODY, number=st.integers(0, 9), to=st.sampled_from(["agency", "partner", "rival_partner"]))
    def grant(self, name, number, to):
        entry = self.chosen(self.entries, number)
        made = self.tried(name, lambda tx: window.grant(tx, entry, self.who[to].person.id, WANTED))
        assert made is None or name in {"developer", to}
        self.grants += [made.id] if made else []

    @precondition(lambda self: self.windows)
    @rule(name=OTHERS, number=st.integers(0, 9))
    def others_try_to_end_it(self, name, number):
        opened = self.chosen(self.windows, number)
        for verb, thing in ((window.withdraw, opened), (window.withdraw_model, self.model.id)):
            assert self.tried(name, lambda tx, v=verb, t=thing: v(tx, t)) is None
        assert self.tried(name, lambda tx: window.release(tx, self.model.id)) is None
        assert self.tried(name, lambda tx: window.agree_anew(tx, self.agreements["agency"].id, TERMS)) is None
        assert self.tried(name, lambda tx: window.shorten_window(tx, opened, ends_at=self.clock.now())) is None

    @precondition(lambda self: self.windows)
    @rule(number=st.integers(0, 9), days=DAYS)
    def shorten(self, number, days):
        opened, ends_at = self.chosen(self.windows, number), self.clock.now() + timedelta(days=days)
        self.tried("developer", lambda tx: window.shorten_window(tx, opened, ends_at=ends_at))

    @precondition(lambda self: self.windows)
    @rule(number=st.integers(0, 9))
    def withdraw_one(self, number):
        opened = self.chosen(self.windows, number)
        with self.database.transaction(self.who["developer"].viewer) as tx:
            assert window.withdraw(tx, opened).state is not WindowState.OPEN

    @precondition(lambda self: self.grants)
    @rule(number=st.integers(0, 9))
    def a_person_goes(self, number):
        with self.database.transaction(SYSTEM) as tx:
            made = window.read_grant(tx, self.chosen(self.grants, number))
            parties.remove_person(tx, made.person)

    @rule(name=OTHERS)
    def others_enrol_somebody_for_it(self, name):
        wanted = {"organisation": self.who["developer"].organisation.id, "name": "Mallory", "email": "m@example.org"}
        made = self.tried(name, lambda tx: parties.enrol_person(tx, **wanted))
        assert made is None or name == "coordinator"
        self.colleagues += [made.id] if made else []

    @rule(name=OTHERS, number=st.integers(0, 9), kind=st.sampled_from([ActKind.SIGN_IN, ActKind.REMOVE]))
    def others_try_at_its_people(self, name, number, kind):
        person, house = self.chosen(self.colleagues, number), self.who["developer"].organisation.id
        asked = self.tried(name, lambda tx: parties.begin_act(tx, kind, reason="because", about=person))
        if asked is not None:
            assert self.tried(name, lambda tx: parties.confirm_act(tx, asked.id)) is None
        for second in {None, asked and asked.id}:
            for act in (
                lambda tx, act=second: parties.issue_token(tx, person, days=1, second=act),
                lambda tx, act=second: parties.issue_sign_in_link(tx, person, minutes=10, second=act),
                lambda tx, act=second: parties.remove_person(tx, person, second=act) or "removed",
                lambda tx, act=second: parties.end_engagement(tx, self.vendor, second=act),
            ):
                assert self.tried(name, act) is None
        self.tried(name, lambda tx: parties.mark_person(tx, person, foreign_access=True))
        self.tried(name, lambda tx: parties.state_conflict(tx, organisation=house, developer=house, reason="theirs"))

    @rule(hours=st.integers(1, 24 * 12))
    def time_passes(self, hours):
        before = self.state()
        self.clock.advance(hours=hours)
        after = self.state()
        assert after[:2] == before[:2], "the clock moved a milestone or the model"

    @invariant()
    def windows_keep_to_their_bounds(self):
        if not hasattr(self, "model"):
            return
        model, milestones, windows = self.state()
        first = min((one.opened_at for one in windows if one.kind is WindowKind.GOVERNMENT), default=None)
        for one in windows:
            assert one.ends_at <= self.ends.get(one.id, one.ends_at), "a window was lengthened"
            self.ends[one.id] = one.ends_at
            if one.kind is WindowKind.GOVERNMENT:
                assert one.ends_at <= first + timedelta(days=GOVERNMENT_WINDOW_DAYS_MAX)
            if one.state is WindowState.OPEN:
                assert milestones.public_release_at is None or one.ends_at <= milestones.public_release_at
                early = one.kind is WindowKind.GOVERNMENT and milestones.partner_release_at is not None
                assert not early or one.ends_at <= milestones.partner_release_at
        if model is ModelState.RELEASED:
            assert all(one.state is not WindowState.OPEN for one in windows)

    @invariant()
    def no_access_stands_outside_an_open_window(self):
        if not getattr(self, "grants", None):
            return
        with self.database.transaction(SYSTEM) as tx:
            now = self.clock.now()
            for standing in window.standings(tx, self.grants).values():
                if window.standing_at(standing, now) is None:
                    assert window.read_window(tx, standing.window).state is WindowState.OPEN

    def teardown(self):
        """After any history: one move of the developer's, needing nobody, ends everything."""
        if not hasattr(self, "model"):
            return
        assert self.credentials_of(self.who["developer"].organisation.id) == self.credentials
        with self.database.transaction(SYSTEM) as tx:
            signed_in = parties.authenticate(tx, self.token)
        with self.database.transaction(signed_in) as tx:
            window.withdraw_model(tx, self.model.id)
            assert all(one.state is not WindowState.OPEN for one in window.list_windows(tx, self.model.id))
        self.everything_is_over()
        with self.database.transaction(signed_in) as tx:
            assert window.release(tx, self.model.id).state is ModelState.RELEASED
        self.everything_is_over()

    def everything_is_over(self):
        with self.database.transaction(SYSTEM) as tx:
            for standing in window.standings(tx, self.grants).values():
                assert window.standing_at(standing, self.clock.now()) is not None


def test_the_developer_always_decides_alone(database, clock):
    Offers.database, Offers.clock = database, clock
    run_state_machine_as_test(
        Offers,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],  # a failing history is told as it is: to shorten one takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("state", ModelState)
def test_no_state_of_a_model_is_without_withdraw_and_release(database, state):
    developer = party(database, Role.DEVELOPER)
    model = a_model(database, developer)
    with database.transaction(developer.viewer) as tx:
        if state is not ModelState.ENROLLED:
            opened = window.open_window(tx, model.id, WindowKind.GOVERNMENT)
        if state is ModelState.WITHDRAWN:
            window.withdraw(tx, opened.id)
        if state is ModelState.RELEASED:
            window.release(tx, model.id)
        assert window.read_model(tx, model.id).state is state
        assert window.withdraw_model(tx, model.id).state in {ModelState.WITHDRAWN, ModelState.RELEASED}
        assert window.release(tx, model.id).state is ModelState.RELEASED
