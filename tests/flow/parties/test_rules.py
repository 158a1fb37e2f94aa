from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.parties import rules
from leadtime.flow.parties.records import (
    ActKind,
    ActMove,
    ActState,
    Challenged,
    Employer,
    EmployerId,
    Holder,
    Organisation,
    OrganisationId,
    PairedAct,
    PairedActId,
    Person,
    PersonId,
    Purpose,
)
from leadtime.foundation.access import Act, Role, Scope
from leadtime.foundation.errors import Conflict, LeadtimeError, Malformed, Refused

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
HOLDER = Holder(
    role=Role.FINDER,
    organisation=OrganisationId(UUID(int=1)),
    person=PersonId(UUID(int=2)),
    scope=Scope.EVERYTHING,
    expires_at=NOW + timedelta(hours=1),
    ended_at=None,
    last_seen_at=None,
    active_until=None,
    removed_at=None,
    engaged_until=None,
)
HOUSE = Organisation(OrganisationId(UUID(int=1)), "Example Lab", Role.FINDER, example=True)
RIVAL = Organisation(OrganisationId(UUID(int=3)), "Example Developer", Role.DEVELOPER, example=True)
ADA, BO = PersonId(UUID(int=2)), PersonId(UUID(int=4))


def told(error: LeadtimeError) -> tuple[str, str, str]:
    return error.what, error.where, error.next_step


def test_a_name_is_kept_without_the_space_around_it() -> None:
    assert rules.check_name("  Éire Security ", where="name") == "Éire Security"
    assert rules.check_name(" " + "x" * 200 + " ", where="name") == "x" * 200


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", ("a name is missing", "the.place", "Give one.")),
        (" \t", ("a name is missing", "the.place", "Give one.")),
        ("x" * 201, ("a name has at most 200 characters", "the.place", "Shorten it.")),
        ("a\x1bb", ("a name holds characters that cannot be seen", "the.place", "Remove them.")),
        ("a\u202eb", ("a name holds characters that cannot be seen", "the.place", "Remove them.")),
        ("a\x7fb", ("a name holds characters that cannot be seen", "the.place", "Remove them.")),
        ("a\nb", ("a name holds characters that cannot be seen", "the.place", "Remove them.")),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(name: str, sentence: tuple[str, str, str]) -> None:
    with pytest.raises(Malformed) as caught:
        rules.check_name(name, where="the.place")
    assert told(caught.value) == sentence


def test_a_mail_address_is_kept_without_the_space_around_it() -> None:
    assert rules.check_email(" ada@lab.example.org\n") == "ada@lab.example.org"
    longest = "a" * 242 + "@example.org"
    assert len(longest) == 254
    assert rules.check_email(longest) == longest


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@lab", "@lab.org", "a b@lab.org", "a@b@lab.org", "a@lab.", "a@lab.org,b@lab.org", "<a@lab.org>",
     "a@lab.org b", "a\x1b@lab.org", "a" * 243 + "@example.org"],
)  # fmt: skip
def test_what_no_mail_would_reach_is_refused(email: str) -> None:
    with pytest.raises(Malformed) as caught:
        rules.check_email(email)
    assert told(caught.value) == ("this is not a mail address", "email", "Write it like name@example.org.")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM])
def test_every_role_but_the_systems_can_be_an_organisations(role: Role) -> None:
    assert rules.check_role(role) is role


def test_the_systems_role_belongs_to_no_organisation() -> None:
    with pytest.raises(Refused) as caught:
        rules.check_role(Role.SYSTEM)
    assert told(caught.value) == ("the role system belongs to no organisation", "role", "Choose another role.")


def test_a_persons_end_is_kept_in_utc() -> None:
    assert rules.check_end(None, NOW) is None
    berlin = timezone(timedelta(hours=2))
    end = rules.check_end(datetime(2026, 9, 1, 2, 0, tzinfo=berlin), NOW)
    assert end == datetime(2026, 9, 1, tzinfo=UTC)
    assert end is not None
    assert end.tzinfo is UTC
    assert rules.check_end(NOW + MOMENT, NOW) == NOW + MOMENT


def test_a_persons_end_without_zone_or_in_the_past_is_refused() -> None:
    with pytest.raises(Malformed) as caught:
        rules.check_end(datetime(2027, 1, 1), NOW)  # noqa: DTZ001
    assert told(caught.value) == ("an end needs a time zone", "active_until", "Add one, like +00:00.")
    with pytest.raises(Malformed) as caught:
        rules.check_end(NOW, NOW)
    assert told(caught.value) == ("an end lies in the past", "active_until", "Choose one to come.")


def test_a_persons_end_that_no_calendar_has_in_utc_is_refused() -> None:
    west = timezone(-timedelta(hours=23, minutes=59))
    with pytest.raises(Malformed) as caught:
        rules.check_end(datetime(9999, 12, 31, 23, 59, 59, tzinfo=west), NOW)
    assert told(caught.value) == ("no calendar has that time", "active_until", "Choose an earlier one.")


def test_a_token_lasts_its_days_but_never_beyond_its_person() -> None:
    assert rules.token_end(NOW, 1, None) == NOW + timedelta(days=1)
    assert rules.token_end(NOW, 365, None) == NOW + timedelta(days=365)
    assert rules.token_end(NOW, 30, NOW + timedelta(days=29)) == NOW + timedelta(days=29)
    assert rules.token_end(NOW, 30, NOW + timedelta(days=31)) == NOW + timedelta(days=30)


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_a_token_outside_its_bounds_is_refused(days: int) -> None:
    with pytest.raises(Malformed) as caught:
        rules.token_end(NOW, days, None)
    assert told(caught.value) == ("a token lasts 1 to 365 days", "days", "Choose within that.")


def test_a_sign_in_link_lasts_its_minutes_but_never_beyond_its_person() -> None:
    assert rules.link_end(NOW, 1, None) == NOW + timedelta(minutes=1)
    assert rules.link_end(NOW, 1440, None) == NOW + timedelta(days=1)
    assert rules.link_end(NOW, 10, NOW + timedelta(minutes=9)) == NOW + timedelta(minutes=9)


@pytest.mark.parametrize("minutes", [0, 1441])
def test_a_sign_in_link_outside_its_bounds_is_refused(minutes: int) -> None:
    with pytest.raises(Malformed) as caught:
        rules.link_end(NOW, minutes, None)
    assert told(caught.value) == ("a sign-in link lasts 1 to 1440 minutes", "minutes", "Choose within that.")


def test_a_session_lasts_twelve_hours_but_never_beyond_its_person() -> None:
    assert rules.session_end(NOW, None) == NOW + timedelta(hours=12)
    assert rules.session_end(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_a_credential_holds_until_its_end_and_not_one_moment_longer() -> None:
    assert rules.holds(HOLDER, NOW)
    end = NOW + timedelta(hours=1)
    assert rules.holds(HOLDER, end - MOMENT)
    assert not rules.holds(HOLDER, end)
    assert rules.holds(replace(HOLDER, expires_at=None), end)


def test_a_credential_that_was_ended_or_whose_person_is_gone_does_not_hold() -> None:
    assert not rules.holds(replace(HOLDER, ended_at=NOW), NOW)
    assert not rules.holds(replace(HOLDER, removed_at=NOW), NOW)
    assert not rules.holds(replace(HOLDER, active_until=NOW), NOW)
    assert rules.holds(replace(HOLDER, active_until=NOW + MOMENT), NOW)
    assert not rules.holds(replace(HOLDER, engaged_until=NOW), NOW)
    assert rules.holds(replace(HOLDER, engaged_until=NOW + MOMENT), NOW)


def test_a_session_holds_while_it_is_used_and_half_an_hour_longer() -> None:
    assert rules.holds(replace(HOLDER, last_seen_at=NOW - timedelta(minutes=30) + MOMENT), NOW)
    assert not rules.holds(replace(HOLDER, last_seen_at=NOW - timedelta(minutes=30)), NOW)
    assert rules.idle_end(NOW) == NOW + timedelta(minutes=30)
    assert rules.idle_end(None) is None


def test_use_is_written_down_once_a_minute() -> None:
    assert rules.unseen_since(NOW) == NOW - timedelta(seconds=60)


def test_the_earliest_of_some_ends_counts() -> None:
    assert rules.earliest() is None
    assert rules.earliest(None, None) is None
    assert rules.earliest(NOW, None, NOW - MOMENT) == NOW - MOMENT


@pytest.mark.parametrize(
    ("active", "engaged", "until"),
    [
        (None, None, None),
        (NOW, None, NOW),
        (None, NOW, NOW),
        (NOW, NOW + MOMENT, NOW),
        (NOW + MOMENT, NOW, NOW),
    ],
)
def test_a_person_works_until_their_end_or_their_employers(
    active: datetime | None, engaged: datetime | None, until: datetime | None
) -> None:
    employer = Employer(EmployerId(UUID(int=5)), HOUSE.id, "Example Vendor", engaged) if engaged else None
    assert Person(ADA, HOUSE.id, "Ada", "ada@lab.example", active, employer).works_until == until


def test_an_engagement_has_an_end_to_come() -> None:
    assert rules.engagement_end(NOW + MOMENT, NOW) == NOW + MOMENT
    assert rules.engagement_end(datetime(2026, 9, 1, 2, 0, tzinfo=timezone(timedelta(hours=2))), NOW).tzinfo is UTC
    with pytest.raises(Malformed) as caught:
        rules.engagement_end(NOW, NOW)
    assert told(caught.value) == ("an end lies in the past", "engaged_until", "Choose one to come.")


def test_a_reason_is_kept_without_the_space_around_it() -> None:
    assert rules.check_reason(" because \n") == "because"
    assert rules.check_reason("x" * 1_000) == "x" * 1_000
    with pytest.raises(Malformed) as caught:
        rules.check_reason(" ")
    assert told(caught.value) == ("a reason is missing", "reason", "Give one.")
    with pytest.raises(Malformed) as caught:
        rules.check_reason("x" * 1_001)
    assert told(caught.value) == ("a reason has at most 1000 characters", "reason", "Shorten it.")


def test_a_conflict_of_interest_is_about_another_organisation_that_develops() -> None:
    assert rules.check_developer(RIVAL, HOUSE) is RIVAL
    for developer, house in ((HOUSE, RIVAL), (RIVAL, RIVAL)):
        with pytest.raises(Malformed) as caught:
            rules.check_developer(developer, house)
        assert told(caught.value) == (
            "a conflict of interest is about another organisation, a developer",
            "developer",
            "Choose a developer.",
        )


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.PERSONAL])
def test_a_token_has_any_scope_but_the_personal_one(scope: Scope) -> None:
    assert rules.check_scope(scope) is scope


def test_no_token_is_personal() -> None:
    with pytest.raises(Refused) as caught:
        rules.check_scope(Scope.PERSONAL)
    assert told(caught.value) == ("no token has the scope personal", "scope", "Choose another scope.")


def test_a_person_has_a_bounded_number_of_each() -> None:
    rules.refuse_more(19, 20, "passkeys")
    for count in (20, 21):
        with pytest.raises(Conflict) as caught:
            rules.refuse_more(count, 20, "passkeys")
        assert told(caught.value) == ("a person has at most 20 passkeys", "passkeys", "End one first.")


@pytest.mark.parametrize(("marked", "barred"), [(False, False), (False, True), (True, False)])
def test_who_is_not_marked_or_not_barred_may_use_it(*, marked: bool, barred: bool) -> None:
    rules.refuse_barred(foreign_access=marked, barred=barred)


def test_who_is_marked_does_not_use_what_bars_foreign_access() -> None:
    with pytest.raises(Refused) as caught:
        rules.refuse_barred(foreign_access=True, barred=True)
    assert told(caught.value) == (
        "the agreement bars foreign access, and this person is marked for it",
        "",
        "Ask the developer, or the coordinator who stated the mark.",
    )


CHALLENGED = Challenged(Purpose.ADD_PASSKEY, b"browser", ADA, NOW + MOMENT, None)


def test_a_challenge_is_answered_for_its_purpose_by_its_browser_and_person_in_time_and_once() -> None:
    assert rules.challenge_end(NOW) == NOW + timedelta(minutes=5)
    assert rules.answers(CHALLENGED, Purpose.ADD_PASSKEY, b"browser", ADA, NOW)
    assert not rules.answers(CHALLENGED, Purpose.USE_PASSKEY, b"browser", ADA, NOW)
    assert not rules.answers(CHALLENGED, Purpose.ADD_PASSKEY, b"another", ADA, NOW)
    assert not rules.answers(CHALLENGED, Purpose.ADD_PASSKEY, b"browser", BO, NOW)
    assert not rules.answers(CHALLENGED, Purpose.ADD_PASSKEY, b"browser", None, NOW)
    assert not rules.answers(CHALLENGED, Purpose.ADD_PASSKEY, b"browser", ADA, NOW + MOMENT)
    assert not rules.answers(replace(CHALLENGED, used_at=NOW), Purpose.ADD_PASSKEY, b"browser", ADA, NOW)


@pytest.mark.parametrize(
    ("stored", "told_now", "forward"),
    [(0, 0, True), (0, 1, True), (7, 8, True), (7, 7, False), (7, 6, False), (7, 0, False)],
)
def test_a_counter_goes_forward_or_is_not_kept(*, stored: int, told_now: int, forward: bool) -> None:
    assert rules.counts_forward(stored, told_now) is forward


def test_the_refusal_of_a_credential_is_one_sentence() -> None:
    assert told(rules.not_accepted()) == (
        "this credential is not accepted",
        "",
        "Sign in again, or ask your coordinator for a new token.",
    )


ASKED = PairedAct(
    id=PairedActId(UUID(int=6)),
    kind=ActKind.BULK_EXPORT,
    about=None,
    reason="a move to another host",
    state=ActState.ASKED,
    organisation=HOUSE.id,
    asked_by=ADA,
    asked_at=NOW,
    confirmed_by=None,
    confirmed_at=None,
    expires_at=NOW + timedelta(minutes=15),
)
LEADS = {
    ("asked for", "confirm"): "confirmed",
    ("asked for", "withdraw"): "withdrawn",
    ("asked for", "expire"): "expired",
    ("confirmed", "take"): "taken",
    ("confirmed", "withdraw"): "withdrawn",
    ("confirmed", "expire"): "expired",
}


@pytest.mark.parametrize("state", ActState)
@pytest.mark.parametrize("move", ActMove)
def test_an_act_of_two_moves_as_was_reviewed_and_not_otherwise(state: ActState, move: ActMove) -> None:
    if (state.value, move.value) in LEADS:
        assert rules.move_act(state, move).value == LEADS[state.value, move.value]
        return
    with pytest.raises(Conflict) as caught:
        rules.move_act(state, move)
    assert told(caught.value) == (f"an act that is {state} cannot be moved: {move}", "act", "Ask for it anew.")


@given(st.lists(st.sampled_from(list(ActMove)), max_size=12))
def test_whatever_is_tried_an_act_is_taken_once_and_only_after_it_was_confirmed(moves: list[ActMove]) -> None:
    state, done = ActState.ASKED, []
    for move in moves:
        try:
            state = rules.move_act(state, move)
        except Conflict:
            continue
        done.append(move)
    assert done.count(ActMove.TAKE) <= 1
    if ActMove.TAKE in done:
        assert done == [ActMove.CONFIRM, ActMove.TAKE]
        assert state is ActState.TAKEN


def test_an_act_waits_a_quarter_of_an_hour_for_each_move() -> None:
    assert rules.act_end(NOW) == NOW + timedelta(minutes=15)
    for state in (ActState.ASKED, ActState.CONFIRMED):
        assert rules.act_state(state, NOW, NOW - MOMENT) is state
        assert rules.act_state(state, NOW, NOW) is ActState.EXPIRED
    for state in (ActState.TAKEN, ActState.WITHDRAWN, ActState.EXPIRED):
        assert rules.act_state(state, NOW, NOW) is state


def test_who_asks_for_an_act_must_be_able_to_do_it() -> None:
    assert rules.ASKING == {
        ActKind.BULK_EXPORT: Act.EXPORT_CASES,
        ActKind.BREAK_GLASS: Act.BREAK_GLASS,
        ActKind.SIGN_IN: Act.MANAGE_PARTIES,
        ActKind.REMOVE: Act.MANAGE_PARTIES,
        ActKind.END_ENGAGEMENT: Act.MANAGE_PARTIES,
    }


@pytest.mark.parametrize("kind", ActKind)
def test_an_export_names_nothing_and_any_other_act_one_thing(kind: ActKind) -> None:
    names_one = kind is not ActKind.BULK_EXPORT
    rules.check_about(kind, names_one=names_one)
    with pytest.raises(Malformed) as caught:
        rules.check_about(kind, names_one=not names_one)
    assert told(caught.value) == ("an export names nothing, any other act one thing", "about", "Correct it.")


def test_an_act_is_taken_for_what_it_is_about() -> None:
    rules.check_about_this(replace(ASKED, about=BO), BO)
    with pytest.raises(Refused) as caught:
        rules.check_about_this(replace(ASKED, about=BO), ADA)
    assert told(caught.value) == ("this act is about another one", "act", "Ask for one about this.")


@pytest.mark.parametrize("house", Role)
def test_one_alone_lets_in_the_first_of_an_organisation_but_no_coordinator(house: Role) -> None:
    if house is not Role.COORDINATOR:
        rules.refuse_one(house, claimed=False)
    for claimed in {True, house is not Role.COORDINATOR}:
        with pytest.raises(Refused) as caught:
            rules.refuse_one(house, claimed=claimed)
        assert told(caught.value) == (
            "this takes two people, or the organisation itself",
            "",
            "Ask for an act of two people and name it, or let a person of the organisation do it.",
        )


def test_a_developer_keeps_somebody_who_can_sign_in() -> None:
    rules.refuse_last(others=True)
    with pytest.raises(Refused) as caught:
        rules.refuse_last(others=False)
    assert told(caught.value) == (
        "nobody else of this developer could sign in, and somebody must be able to withdraw and release",
        "",
        "Let a colleague of theirs sign in and add a passkey first.",
    )


def test_the_second_is_never_the_first() -> None:
    rules.check_second(ASKED, BO)
    with pytest.raises(Refused) as caught:
        rules.check_second(ASKED, ADA)
    assert told(caught.value) == ("who asks for an act does not confirm it", "act", "Let somebody else confirm it.")


def test_an_act_is_taken_by_who_asked_for_what_it_was_asked_for() -> None:
    rules.check_taker(ASKED, ADA, ActKind.BULK_EXPORT)
    with pytest.raises(Refused) as caught:
        rules.check_taker(ASKED, BO, ActKind.BULK_EXPORT)
    assert told(caught.value) == ("an act is taken by who asked for it", "act", "Ask for one of your own.")
    with pytest.raises(Refused) as caught:
        rules.check_taker(ASKED, ADA, ActKind.BREAK_GLASS)
    assert told(caught.value) == ("this act is to export all unpatched cases", "act", "Ask for another one.")
