"""I7: what becomes of people, promises and credits when cases split, join, and are corrected."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadtime.flow import advisory, coordination, intake
from leadtime.flow.coordination import CaseState, DeliveryState, EventKind
from leadtime.flow.merging.rules import NEAR_LINES_MAX
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Missing, Refused
from leadtime.workflows import drafting, publishing, report_to_operator
from tests.workflows.story import Cast, a_story_report, patch_by, state_of, station_of, work_until_idle

LATER = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


@pytest.fixture
def station(database, address, home):
    return station_of(database, address, str(home))


def hand_in(cast, raw, *, by=None):
    """Hand in a report a moment after the one before it."""
    cast.database.clock.advance(seconds=1)
    return cast.hand_in(raw, by=by)


@pytest.fixture
def one_case(cast, station):
    """A case of two finders' reports, delivered and embargoed."""
    first = hand_in(cast, a_story_report("A-1"))
    second = hand_in(cast, a_story_report("B-1"), by=cast.other_finder)
    work_until_idle(station)
    cast.deliver(first)
    cast.embargo(first)
    return first, second


def split_off(cast, report):
    with cast.database.transaction(cast.coordinator) as tx:
        return report_to_operator.split(tx, cast.case(report).case.vulnerability, (report,))


def test_reports_that_are_split_off_have_a_case_of_their_own_at_once(cast, station, one_case):
    first, second = one_case
    split_off(cast, second)

    old, new = cast.case(first), cast.case(second)
    assert (old.reports, new.reports) == ((first,), (second,))
    assert [each.name for each in old.participants] == ["Example Lab", "Example Project"]
    assert [each.name for each in new.participants] == ["Example Fuzzer"]
    assert [each.kind for each in old.history][-2:] == [EventKind.REPORT_LEFT, EventKind.PARTICIPANT_REMOVED]
    work_until_idle(station)
    assert (cast.case(first), cast.case(second)) == (old, new)


def test_who_is_split_off_reads_its_new_case_and_no_longer_the_old(cast, one_case):
    first, second = one_case
    old = cast.case(first).case.id
    split_off(cast, second)
    new = cast.case(second).case.id

    for viewer, theirs, others in (
        (cast.finder, old, new),
        (cast.other_finder, new, old),
        (cast.maintainer, old, new),
    ):
        with cast.database.transaction(viewer) as tx:
            assert coordination.read_case(tx, theirs).case.id == theirs
            with pytest.raises(Missing):
                coordination.read_case(tx, others)
    with cast.database.transaction(cast.maintainer) as tx:
        assert intake.read_report(tx, first).id == first
        with pytest.raises(Missing):
            intake.read_report(tx, second)
    with cast.database.transaction(cast.other_finder) as tx:
        assert intake.read_report(tx, second).id == second


def test_a_finder_with_another_report_in_the_old_case_reads_both(cast, station, one_case):
    _, second = one_case
    third = hand_in(cast, a_story_report("B-2"), by=cast.other_finder)
    work_until_idle(station)
    split_off(cast, second)
    with cast.database.transaction(cast.other_finder) as tx:
        assert coordination.read_case(tx, cast.case(third).case.id).reports == (third,)
        assert coordination.read_case(tx, cast.case(second).case.id).reports == (second,)


def test_what_was_promised_holds_for_what_is_split_off(cast, one_case):
    first, second = one_case
    split_off(cast, second)
    assert cast.case(second).case.embargo == cast.case(first).case.embargo
    draft = cast.draft(second)
    with cast.database.transaction(cast.coordinator) as tx, pytest.raises(Refused, match="the embargo runs until"):
        publishing.publish(tx, draft.id)


def a_joined_pair(cast, station, clock, *, before_joining):
    """Two cases of one flaw that a coordinator joins; ``before_joining`` gets both reports, older first."""
    first = hand_in(cast, a_story_report("A-1", line=500))
    work_until_idle(station)
    clock.advance(minutes=1)
    second = hand_in(cast, a_story_report("A-2", line=500 + 2 * NEAR_LINES_MAX))
    work_until_idle(station)
    gone = cast.case(second).case.id
    before_joining(first, second)
    clock.advance(minutes=1)
    hand_in(cast, a_story_report("B-1", line=500 + NEAR_LINES_MAX), by=cast.other_finder)
    work_until_idle(station)
    flaws = [cast.case(report).case.vulnerability for report in (second, first)]
    with cast.database.transaction(cast.coordinator) as tx:
        report_to_operator.join(tx, *flaws, reason="one loop")
    work_until_idle(station)
    assert cast.case(second).case.id == cast.case(first).case.id
    return first, gone


@pytest.mark.parametrize(
    ("older", "younger"),
    [(None, "2026-12-01T12:00"), ("2026-12-01T12:00", None), ("2026-09-01T12:00", "2026-12-01T12:00"),
     ("2026-12-01T12:00", "2026-09-01T12:00")],
)  # fmt: skip
def test_of_two_promises_the_later_holds_for_the_case_that_they_become(cast, station, clock, older, younger):
    def promise(first, second):
        for report, ends_at in ((first, older), (second, younger)):
            if ends_at:
                cast.embargo(report, ends_at)

    report, _ = a_joined_pair(cast, station, clock, before_joining=promise)
    assert cast.case(report).case.embargo.ends_at == LATER
    draft = cast.draft(report)
    with cast.database.transaction(cast.coordinator) as tx, pytest.raises(Refused, match="the embargo runs until"):
        publishing.publish(tx, draft.id)


def test_the_maintainers_link_and_answer_go_on_in_the_case_that_took_theirs_in(cast, station, clock):
    links = []

    def answered(_first, second):
        links.append(cast.deliver(second))
        with cast.database.transaction(cast.maintainer) as tx:
            coordination.acknowledge(tx, links[0].delivery.id)
            coordination.name_fixed_version(tx, links[0].delivery.id, "5.2.0")

    report, gone = a_joined_pair(cast, station, clock, before_joining=answered)
    file = cast.case(report)
    assert file.case.state is CaseState.FIX_NAMED
    assert [(each.id, each.fixed.version) for each in file.deliveries] == [(links[0].delivery.id, "5.2.0")]
    with cast.database.transaction(SYSTEM) as tx:
        entry = coordination.enter_delivery(tx, links[0].secret)
        assert coordination.read_case(tx, gone).case.state is CaseState.CLOSED
    with cast.database.transaction(entry.viewer) as tx:
        seen = coordination.read_case(tx, entry.delivery.case)
        assert [intake.read_report(tx, each).id for each in seen.reports] == list(file.reports)
        coordination.name_fixed_version(tx, entry.delivery.id, "5.2.1")
    assert cast.case(report).deliveries[0].fixed.version == "5.2.1"


def test_two_links_of_one_maintainer_open_the_one_delivery_that_is_left(cast, station, clock):
    links = []

    def both(first, second):
        links.extend([cast.deliver(first), cast.deliver(second)])
        with cast.database.transaction(cast.maintainer) as tx:
            coordination.name_fixed_version(tx, links[1].delivery.id, "5.2.0")

    report, _ = a_joined_pair(cast, station, clock, before_joining=both)
    (left,) = cast.case(report).deliveries
    assert (left.id, left.state, left.fixed.version) == (links[0].delivery.id, DeliveryState.FIX_NAMED, "5.2.0")
    with cast.database.transaction(SYSTEM) as tx:
        for link in links:
            assert coordination.enter_delivery(tx, link.secret).delivery == left


def test_a_closed_case_that_takes_in_an_open_one_is_open_again(cast, station, clock):
    def close_older(first, second):
        with cast.database.transaction(cast.coordinator) as tx:
            coordination.close_case(tx, cast.case(first).case.id, reason="no flaw")
        cast.deliver(second)

    report, _ = a_joined_pair(cast, station, clock, before_joining=close_older)
    file = cast.case(report)
    assert file.case.state is CaseState.DELIVERED
    assert [each.kind for each in file.history if each.kind in {EventKind.REOPENED, EventKind.TOOK_IN}] == [
        EventKind.TOOK_IN,
        EventKind.REOPENED,
    ]


def test_no_credit_of_a_finder_stands_in_the_way_of_publication(cast, station):
    """The longest name that intake takes, and more names than an advisory lists one by one."""
    first = hand_in(cast, a_story_report("A-1", credit=["N" * intake.limits.CREDIT_CHARS_MAX], title="\x07 bell\x00"))
    for number in range(6):
        names = [f"Somebody {number}-{each}" for each in range(100)]
        hand_in(cast, a_story_report(f"B-{number}", credit=names), by=cast.other_finder)
    work_until_idle(station)
    assert cast.case(first).case.title == "bell"
    cast.publish(first)
    with cast.database.transaction(SYSTEM) as tx:
        (published,) = advisory.list_published(tx)
    assert [each.name for each in published.document.credits] == [
        "N" * intake.limits.CREDIT_CHARS_MAX,
        "Example Fuzzer and the 600 named in its reports",
        "Example Coordinator",
    ]


def test_a_finder_beyond_those_whose_people_are_named_is_credited_by_its_organisation(cast, station, monkeypatch):
    first = hand_in(cast, a_story_report("A-1", credit=["Ada"]))
    hand_in(cast, a_story_report("B-1", credit=["Bob"]), by=cast.other_finder)
    work_until_idle(station)
    monkeypatch.setattr(drafting, "NAMED_REPORTS_MAX", 1)
    credited = cast.draft(first).document.credits
    assert [each.name for each in credited] == ["Ada", "Example Fuzzer", "Example Coordinator"]


def test_who_reported_after_the_draft_is_credited_and_its_release_named(cast, station):
    first = hand_in(cast, a_story_report("A-1", releases=("5.10.0", "5.12.0")))
    work_until_idle(station)
    draft = cast.draft(first)
    hand_in(cast, a_story_report("B-1", releases=("5.9.0", "5.11.0")), by=cast.other_finder)
    hand_in(cast, a_story_report("B-2", releases=("5.12.0", "5.13.0"), line=519), by=cast.other_finder)
    work_until_idle(station)
    with cast.database.transaction(cast.coordinator) as tx:
        said = publishing.publish(tx, draft.id).document
    assert [each.name for each in said.credits] == ["Example Lab", "Example Fuzzer", "Example Coordinator"]
    assert [(run.version, run.outcome.value) for run in said.packages[0].runs] == [
        ("5.9.0", "affected"), ("5.10.0", "affected"), ("5.11.0", "fixed"), ("5.12.0", "fixed"),
    ]  # fmt: skip


def test_a_case_is_opened_again_corrected_and_published_again(cast, station):
    report = hand_in(cast, a_story_report("A-1"))
    cast.keep_inventory()
    work_until_idle(station)
    found = cast.publish(report)
    work_until_idle(station)
    case = cast.case(report).case.id
    with cast.database.transaction(cast.coordinator) as tx:
        coordination.reopen_case(tx, case, reason="the range is too wide")
        publishing.withdraw(tx, found, reason="Published in error.")
    work_until_idle(station)
    with cast.database.transaction(cast.coordinator) as tx:
        held = advisory.read_advisory(tx, found)
        revised = publishing.revise(tx, found, drafting.words_of(held.document), summary="It stands after all.")
    work_until_idle(station)
    assert revised.state is advisory.AdvisoryState.PUBLISHED
    assert [each.summary for each in revised.document.revisions] == [
        "First published.", "Published in error.", "It stands after all.",
    ]  # fmt: skip
    assert cast.case(report).case.state is CaseState.PUBLISHED
    assert patch_by(cast.database, cast.operator) == ["pkg:pypi/ujson on records server"]
    assert state_of(cast.database)["jobs"] == []


def test_a_correction_waits_for_an_embargo_that_was_set_since(cast, station):
    report = hand_in(cast, a_story_report("A-1"))
    work_until_idle(station)
    found = cast.publish(report)
    with cast.database.transaction(cast.coordinator) as tx:
        coordination.reopen_case(tx, cast.case(report).case.id, reason="another vector")
    cast.embargo(report)
    with cast.database.transaction(cast.coordinator) as tx:
        words = drafting.words_of(advisory.read_advisory(tx, found).document)
        with pytest.raises(Refused, match="the embargo runs until"):
            publishing.revise(tx, found, words, summary="Another vector.")
        revised = publishing.revise(tx, found, words, summary="Another vector.", early_because="It is exploited.")
    assert revised.document.revisions[-1].summary == "Another vector. It is exploited."


def test_publishing_again_what_is_published_closes_the_reopened_case(cast, station):
    report = hand_in(cast, a_story_report("A-1"))
    work_until_idle(station)
    found = cast.publish(report)
    with cast.database.transaction(cast.coordinator) as tx:
        coordination.reopen_case(tx, cast.case(report).case.id, reason="a doubt")
        publishing.publish(tx, found)
    assert cast.case(report).case.state is CaseState.PUBLISHED
    with cast.database.transaction(SYSTEM) as tx:
        assert len(advisory.read_published(tx, found).document.revisions) == 1
