"""How runners are listed."""

from __future__ import annotations

from datetime import UTC, datetime

from leadtime.doors.cli.runner import as_line
from leadtime.workflows.farm.records import PublicKeys, Runner

AT = datetime(2026, 8, 3, tzinfo=UTC)
KEYS = PublicKeys(b"", b"")


def test_a_runner_is_listed_with_its_runs_or_with_why_it_has_none() -> None:
    assert as_line(Runner("a", "role", KEYS, AT, 2, 0.0, 1, None)) == "a: there, 1 of 2 runs"
    assert as_line(Runner("a", "role", KEYS, AT, 2, None, 0, None)) == "a: not there"
    assert as_line(Runner("a", "role", KEYS, AT, 0, 9.0, 0, AT)) == (
        "a: not there; it could not open what was sealed to it: "
        "run leadtime runner trust on its host, or remove it and add its key"
    )
