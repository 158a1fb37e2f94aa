from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.coordination.records import Embargo
from leadtime.flow.coordination.rules import parse_embargo
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Etc/GMT+5"]


def refusal(local: str, zone: str = "Europe/Berlin", now: datetime = NOW) -> tuple[str, str, str]:
    with pytest.raises(LeadtimeError) as caught:
        parse_embargo(local, zone, now)
    return caught.value.what, caught.value.where, caught.value.next_step


@pytest.mark.parametrize(
    ("local", "zone", "ends_at"),
    [
        ("2026-09-01T17:00", "Europe/Berlin", datetime(2026, 9, 1, 15, 0, tzinfo=UTC)),
        ("2026-12-01T17:00", "Europe/Berlin", datetime(2026, 12, 1, 16, 0, tzinfo=UTC)),
        ("2026-12-01T17:00:30", "America/New_York", datetime(2026, 12, 1, 22, 0, 30, tzinfo=UTC)),
        ("2026-12-01T17:00", "UTC", datetime(2026, 12, 1, 17, 0, tzinfo=UTC)),
        ("2026-12-01T17:00Z", "UTC", datetime(2026, 12, 1, 17, 0, tzinfo=UTC)),
        ("2026-12-01T17:00+01:00", "Europe/Berlin", datetime(2026, 12, 1, 16, 0, tzinfo=UTC)),
        ("2026-10-25T02:30+02:00", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", "Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_an_embargo_keeps_the_instant_and_the_zone(local: str, zone: str, ends_at: datetime) -> None:
    embargo = parse_embargo(local, zone, NOW)
    assert embargo == Embargo(ends_at=ends_at, zone=zone)
    assert embargo.ends_at.tzinfo is UTC


def test_a_time_that_the_zone_has_twice_needs_its_offset() -> None:
    assert refusal("2026-10-25T02:30") == (
        "this zone has that time twice",
        "ends_at",
        "Add the offset that is meant, like +01:00.",
    )


@pytest.mark.parametrize("local", ["2027-03-28T02:30", "2027-03-28T02:30+01:00", "2026-12-01T17:00+02:00",
                                   "2026-12-01T17:00Z"])  # fmt: skip
def test_a_time_that_the_zone_does_not_have_is_refused(local: str) -> None:
    assert refusal(local, now=datetime(2026, 11, 1, tzinfo=UTC)) == (
        "this zone has no such time then",
        "ends_at",
        "Check the clock change.",
    )


@pytest.mark.parametrize(
    "local",
    ["", "tomorrow", "2026-12-01", "20261201T1700", "2026-12-01 17:00", "2026-13-01T17:00", "2026-W49-2T17:00",
     "2026-12-01T17:00 ", "2026-12-01T17:00+0100", "2026-12-01T17:00\n", "0001-01-01T00:00", "9999-12-31T23:59"],
)  # fmt: skip
def test_what_is_no_local_time_is_refused(local: str) -> None:
    said = refusal(local, "Asia/Kathmandu" if local.startswith("0") else "America/New_York")
    assert said == ("this is no local time", "ends_at", "Write it like 2026-12-01T17:00.")


@pytest.mark.parametrize(
    "zone", ["", "Berlin", "Europe", "Europe/", "../etc/passwd", "/etc/localtime", "Europe/Berlin\n", "x" * 65,
             "+01:00", "leapseconds", "Europe/../UTC", "localtime", "posixrules", "Factory"]
)  # fmt: skip
def test_what_is_no_zone_is_refused(zone: str) -> None:
    assert refusal("2026-12-01T17:00", zone) == (
        "this is no IANA time zone",
        "zone",
        "Write it like Europe/Berlin or UTC.",
    )


def test_an_embargo_ends_in_the_future_and_within_180_days() -> None:
    assert refusal("2026-08-03T09:00", "UTC") == (
        "an embargo cannot end in the past",
        "ends_at",
        "Lift it instead.",
    )
    assert parse_embargo("2026-08-03T09:00:01", "UTC", NOW).ends_at == NOW + timedelta(seconds=1)
    assert parse_embargo("2027-01-30T09:00", "UTC", NOW).ends_at == NOW + timedelta(days=180)
    assert refusal("2027-01-30T09:00:01", "UTC") == (
        "an embargo lasts at most 180 days",
        "ends_at",
        "Choose an earlier end.",
    )
    with pytest.raises(Refused):
        parse_embargo("2026-08-03T09:00", "UTC", NOW)


@given(st.datetimes(NOW.replace(tzinfo=None), datetime(2027, 1, 29)), st.sampled_from(ZONES))  # noqa: DTZ001
def test_every_instant_can_be_written_in_every_zone(at: datetime, zone: str) -> None:
    instant = at.replace(tzinfo=UTC, second=0, microsecond=0) + timedelta(minutes=1)
    local = instant.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")
    assert parse_embargo(local, zone, NOW) == Embargo(ends_at=instant, zone=zone)


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_text_comes_only_malformed_or_refused_is_raised(local: str, zone: str) -> None:
    for wanted in (zone, "UTC"):
        with contextlib.suppress(Malformed, Refused):
            parse_embargo(local, wanted, NOW)
