from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from leadtime.flow.parties import rules
from leadtime.flow.parties.records import Holder, OrganisationId, PersonId
from leadtime.foundation.access import Role
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
HOLDER = Holder(
    role=Role.FINDER,
    organisation=OrganisationId(UUID(int=1)),
    person=PersonId(UUID(int=2)),
    expires_at=NOW + timedelta(hours=1),
    ended_at=None,
    active_until=None,
    removed_at=None,
)


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
    assert rules.holds(HOLDER, HOLDER.expires_at - MOMENT)
    assert not rules.holds(HOLDER, HOLDER.expires_at)


def test_a_credential_that_was_ended_or_whose_person_is_gone_does_not_hold() -> None:
    assert not rules.holds(replace(HOLDER, ended_at=NOW), NOW)
    assert not rules.holds(replace(HOLDER, removed_at=NOW), NOW)
    assert not rules.holds(replace(HOLDER, active_until=NOW), NOW)
    assert rules.holds(replace(HOLDER, active_until=NOW + MOMENT), NOW)


def test_the_refusal_of_a_credential_is_one_sentence() -> None:
    assert told(rules.not_accepted()) == (
        "this credential is not accepted",
        "",
        "Sign in again, or ask your coordinator for a new token.",
    )
