from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from leadtime.doors.web import phrases

NOW = datetime(2026, 8, 3, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=59), "seconds"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(minutes=61), "1 hour 1 minute"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=1, minutes=5), "1 day"),
        (timedelta(days=3, hours=4, minutes=5), "3 days 4 hours"),
    ],
)
def test_a_span_is_told_in_its_largest_units(length, words):
    assert phrases.span(length) == words
    assert phrases.ago(NOW - length, NOW) == words
    assert phrases.until(NOW + length, NOW) == f"in {words}"
    assert phrases.until(NOW - length, NOW) == f"{words} ago"


def test_instants_name_their_zone():
    assert phrases.instant(NOW) == "3 Aug 2026, 09:05 UTC"
    assert phrases.zoned(NOW, "America/New_York") == "3 Aug 2026, 05:05 America/New_York"
    assert phrases.zoned(NOW, "no/such") == "3 Aug 2026, 09:05 UTC"
    assert phrases.iso(NOW) == "2026-08-03T09:05:00+00:00"
    assert phrases.day(date(2026, 8, 3)) == "3 Aug 2026"
    assert phrases.day(NOW) == "3 Aug 2026"


@pytest.mark.parametrize(
    ("rate", "words"), [(0.0, "0 %"), (0.5655, "56 %"), (0.999, "99 %"), (1.0, "100 %"), (0.57, "57 %")]
)
def test_a_rate_is_never_rounded_up_to_certainty(rate, words):
    assert phrases.percent(rate) == words


def test_words():
    assert phrases.words("fix_named") == "fix named"
    assert phrases.slug("In motion!") == "in-motion"
    assert phrases.sentence("one flaw") == "One flaw"
    assert (phrases.counted(1, "case"), phrases.counted(2, "case")) == ("1 case", "2 cases")
