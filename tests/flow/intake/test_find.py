"""Reports are found by a part of their reference or component, within bounds, and by a whole reference at once."""

from __future__ import annotations

import pytest

from leadtime.flow.intake import find, find_reports, receive_all
from leadtime.foundation.access import Role
from tests.flow.intake.factories import a_report, as_bytes
from tests.flow.parties.factories import enrol

OTHER = "pkg:npm/Left-Pad@1.0.0"


@pytest.fixture
def finder(database):
    """A finder of five reports, R0 to R4, two of them of another component."""
    made = enrol(database, Role.FINDER)[2]
    names = ["pkg:pypi/ujson@5.0.0", OTHER, "pkg:pypi/ujson@5.0.0", OTHER, "pkg:pypi/ujson@5.0.0"]
    with database.transaction(made) as tx:
        receive_all(tx, [as_bytes(a_report(reference=f"R{at}", component=name)) for at, name in enumerate(names)])
    return made


def found(tx, asked, **how):
    page = find_reports(tx, asked, **how)
    return [each.reference for each in page.reports], page.after


def test_a_part_of_reference_or_component_finds_and_a_page_goes_on_behind_its_last(database, finder):
    with database.transaction(finder) as tx:
        assert found(tx, "left-PAD") == (["R3", "R1"], None)
        first, after = found(tx, "r", page_reports=2)
        assert first == ["R4", "R3"]
        assert found(tx, "r", page_reports=3, after=after) == (["R2", "R1", "R0"], None)
        assert found(tx, "nowhere") == ([], None)


def test_ones_own_whole_reference_gives_it_alone_without_opening_others(database, finder):
    with database.transaction(finder) as tx:
        assert found(tx, "R2") == (["R2"], None)
        assert len(tx.unsealed) == 1
    stranger, coordinator = enrol(database, Role.FINDER, "Other")[2], enrol(database, Role.COORDINATOR)[2]
    for viewer, seen in ((stranger, []), (coordinator, ["R2"])):
        with database.transaction(viewer) as tx:
            assert found(tx, "R2") == (seen, None)


def test_one_page_opens_no_more_than_its_bound(database, finder, monkeypatch):
    monkeypatch.setattr(find.limits, "PAGE_REPORTS_MAX", 2)
    monkeypatch.setattr(find, "SEARCHED_REPORTS_MAX", 4)
    with database.transaction(finder) as tx:
        nothing, after = found(tx, "R0-")
        assert (nothing, after is not None, len(tx.unsealed)) == ([], True, 4)
        assert found(tx, "r0", after=after) == (["R0"], None)
