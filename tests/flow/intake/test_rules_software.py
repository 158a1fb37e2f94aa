from __future__ import annotations

import pytest

from leadtime.flow.intake.rules import other_software_run, parse_report, place_claimed, software_run
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes


def recipe(subject: object) -> dict[str, object]:
    return a_reproducer(recipe={"schema": "leadtime.recipe/1", "subject": subject})


@pytest.mark.parametrize(
    ("component", "subject", "run", "other"),
    [
        ("pkg:pypi/ujson@5.0.0", {"vulnerable": "pkg:pypi/ujson@5.0.0"}, "pkg:pypi/ujson", ""),
        ("pkg:pypi/ujson", {"vulnerable": "pkg:pypi/ujson@5.0.0"}, "pkg:pypi/ujson", ""),
        (
            "pkg:pypi/requests@2",
            {"vulnerable": "pkg:pypi/ujson@5.0.0"},
            "pkg:pypi/ujson",
            "The report names pkg:pypi/requests@2; what is run is pkg:pypi/ujson.",
        ),
        (
            {"vendor": "v", "product": "ujson"},
            {"vulnerable": "pkg:pypi/ujson@5.0.0"},
            "pkg:pypi/ujson",
            "The report names v ujson; what is run is pkg:pypi/ujson.",
        ),
        ("pkg:pypi/requests", {"vulnerable": "nothing"}, None, ""),
        ("pkg:pypi/requests", {"vulnerable": 1}, None, ""),
        ("pkg:pypi/requests", [], None, ""),
    ],
)
def test_what_is_run_is_told_apart_from_what_the_report_names(component, subject, run, other) -> None:
    body = parse_report(as_bytes(a_report(component=component, reproducer=recipe(subject))))
    assert software_run(body.reproducer) == run
    assert other_software_run(body) == other


def test_a_report_without_a_reproducer_runs_nothing() -> None:
    body = parse_report(as_bytes(a_report()))
    assert software_run(body.reproducer) is None
    assert other_software_run(body) == ""


def test_reports_claim_one_place_by_software_file_and_function() -> None:
    def claimed(**changes: object) -> str:
        return place_claimed(parse_report(as_bytes(a_report(**changes))))

    place = {"file": "a.c", "function": "f", "line": 7}
    same = claimed(locations=[place])
    assert same == '["pkg:pypi/ujson","a.c","f"]'
    other_line = [{**place, "line": 8}, {"file": "b.c"}]
    assert claimed(component="pkg:pypi/ujson@5.1.0", title="x", locations=other_line) == same
    assert claimed(component="pkg:pypi/other", locations=[place]) != same
    assert claimed(locations=[{**place, "function": "g"}]) != same
    assert claimed(locations=[{"file": "a.c"}]) != same
    assert claimed(reference="A") != claimed(reference="B")
