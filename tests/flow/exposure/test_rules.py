from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.advisory import AdvisoryId
from leadtime.flow.exposure.records import ExposureId, ExposureMove, ExposureState, PatchBy, Touch
from leadtime.flow.exposure.rules import (
    ASSET_CHARS_MAX,
    MOVES,
    VERSION_CHARS_MAX,
    apply,
    check_asset,
    check_deployed,
    check_version,
    combined,
    fix_to_name,
    in_order,
    move_after_looking,
    release_fits,
    speaks,
    touched_by_runs,
)
from leadtime.flow.priority import Answer, Impact, Inputs, decide
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused

OPEN, DEPLOYED, REMOVED, WITHDRAWN = ExposureState
DEPLOY, REMOVE, SEE, WITHDRAW = ExposureMove
YES, NO, UNKNOWN = Touch
AT = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)


def told(error: LeadtimeError) -> tuple[str, str, str]:
    return (error.where, error.what, error.next_step)


def test_the_table_of_moves_is_this_one() -> None:
    assert MOVES == {
        OPEN: {SEE: OPEN, DEPLOY: DEPLOYED, REMOVE: REMOVED, WITHDRAW: WITHDRAWN},
        DEPLOYED: {SEE: OPEN, DEPLOY: DEPLOYED, REMOVE: DEPLOYED, WITHDRAW: WITHDRAWN},
        REMOVED: {SEE: OPEN, DEPLOY: DEPLOYED, REMOVE: REMOVED, WITHDRAW: WITHDRAWN},
        WITHDRAWN: {SEE: OPEN, DEPLOY: WITHDRAWN, REMOVE: WITHDRAWN, WITHDRAW: WITHDRAWN},
    }


@given(st.sampled_from(ExposureState), st.lists(st.sampled_from(ExposureMove), max_size=10))
def test_any_history_ends_where_the_table_says_and_a_move_made_twice_is_made_once(
    state: ExposureState, moves: list[ExposureMove]
) -> None:
    for move in moves:
        state = apply(state, move)
        assert apply(state, move) is state
        assert (state is OPEN) is (move is SEE)


def test_an_asset_has_a_name_of_one_line() -> None:
    assert check_asset("  patient portal ") == "patient portal"
    assert check_asset("x" * ASSET_CHARS_MAX) == "x" * ASSET_CHARS_MAX
    for name in ("", "  ", "a\nb", "\x1b[2J", "x" * (ASSET_CHARS_MAX + 1)):
        with pytest.raises(Malformed) as refusal:
            check_asset(name)
        assert told(refusal.value) == (
            "asset",
            "an asset's name is one line of 1 to 200 characters",
            "Correct it.",
        )


def test_a_version_is_one_line() -> None:
    assert check_version(" 5.2.0 ") == "5.2.0"
    assert check_version("1" * VERSION_CHARS_MAX) == "1" * VERSION_CHARS_MAX
    for text in ("", " ", "1\n2", "1" * (VERSION_CHARS_MAX + 1)):
        with pytest.raises(Malformed) as refusal:
            check_version(text)
        assert told(refusal.value) == ("version", "a version is one line of 1 to 200 characters", "Correct it.")


@pytest.mark.parametrize(
    ("meant", "installed", "fits"),
    [
        ("", None, YES),
        ("", "12", YES),
        ("12", "12", YES),
        ("11", "11.6", YES),
        ("11", "110", NO),
        ("1", "11", NO),
        ("12", "11", NO),
        ("12", None, UNKNOWN),
    ],
)
def test_an_advisory_about_one_release_is_held_against_that_release(
    meant: str, installed: str | None, fits: Touch
) -> None:
    assert release_fits(meant, installed) is fits


@given(st.lists(st.sampled_from(Touch)))
def test_verdicts_add_up_to_the_strongest(verdicts: list[Touch]) -> None:
    expected = YES if YES in verdicts else UNKNOWN if UNKNOWN in verdicts else NO
    assert combined(verdicts) is expected
    assert combined(reversed(verdicts)) is expected
    assert combined([*verdicts, combined(verdicts)]) is expected


@pytest.mark.parametrize(
    ("ran", "after_fix", "touch"), [(True, True, YES), (True, False, YES), (False, True, NO), (False, False, UNKNOWN)]
)
def test_without_a_range_only_what_was_run_is_known(*, ran: bool, after_fix: bool, touch: Touch) -> None:
    assert touched_by_runs(version_ran=ran, at_or_after_a_fix=after_fix) is touch


@pytest.mark.parametrize("state", ExposureState)
@pytest.mark.parametrize("fix", [True, False])
def test_what_an_inventory_shows_of_a_version_makes_this_move(*, state: ExposureState, fix: bool) -> None:
    assert move_after_looking(state, here=YES, fix_is_here=fix) is SEE
    assert move_after_looking(state, here=NO, fix_is_here=fix) is WITHDRAW
    assert move_after_looking(state, here=UNKNOWN, fix_is_here=fix) is (None if state is OPEN else SEE)
    assert move_after_looking(state, here=None, fix_is_here=fix) is (DEPLOY if fix else REMOVE)


def test_an_inventory_from_before_the_fix_was_deployed_says_nothing_about_it() -> None:
    just_after, just_before = AT + timedelta(microseconds=1), AT - timedelta(microseconds=1)
    assert speaks(DEPLOYED, looked_at=just_after, changed_at=AT)
    assert not speaks(DEPLOYED, looked_at=AT, changed_at=AT)
    assert not speaks(DEPLOYED, looked_at=just_before, changed_at=AT)
    for state in (OPEN, REMOVED, WITHDRAWN):
        assert speaks(state, looked_at=just_before, changed_at=AT)


def test_a_version_that_is_or_may_be_affected_is_no_fix() -> None:
    check_deployed(NO, "5.2.0")
    for touch, verb in ((YES, "is"), (UNKNOWN, "may be")):
        with pytest.raises(Refused) as refusal:
            check_deployed(touch, "5.1.0")
        assert told(refusal.value) == (
            "version",
            f"version 5.1.0 {verb} affected itself",
            "Deploy a version that the advisory names as fixed.",
        )


def a_line(**changes: object) -> PatchBy:
    line = PatchBy(
        exposure=ExposureId(uuid4()),
        state=OPEN,
        asset="b",
        exposed=Answer.YES,
        component="pkg:pypi/b",
        version="1",
        advisory=AdvisoryId(uuid4()),
        number="LT-2026-0001",
        title="t",
        cve=None,
        touch=YES,
        fixed="2",
        reason="r",
        enumerated_at=AT,
        changed_at=AT,
        deployed_version=None,
        decision=_decision(Answer.NO, date(2026, 8, 10)),
    )
    return replace(line, **changes)  # type: ignore[arg-type]


def _decision(kev: Answer, enumerated: date) -> object:
    inputs = Inputs(
        exposed=Answer.YES, kev=kev, automatable=Answer.NO, impact=Impact.PARTIAL, kev_added=None, enumerated=enumerated
    )
    return decide(inputs)


def test_the_list_is_in_the_order_in_which_to_work() -> None:
    undetermined = a_line(decision=_decision(Answer.UNKNOWN, date(2026, 8, 3)))
    early = a_line(decision=_decision(Answer.NO, date(2026, 8, 1)), asset="z")
    by_asset = a_line(asset="a", component="pkg:pypi/z")
    by_component = a_line(component="pkg:pypi/a", number="LT-2026-0009")
    by_number = a_line(number="LT-2026-0000")
    by_version = a_line(version="0", number="LT-2026-0009")
    plain = a_line()
    maybe = a_line(touch=UNKNOWN, decision=_decision(Answer.UNKNOWN, date(2026, 8, 3)))
    done = a_line(state=DEPLOYED, decision=_decision(Answer.UNKNOWN, date(2026, 8, 3)))
    expected = (undetermined, early, by_asset, by_component, by_version, by_number, plain, maybe, done)
    assert in_order(reversed(expected)) == expected
    assert in_order(expected) == expected


def test_the_nearest_fix_above_is_named_or_the_only_one() -> None:
    assert fix_to_name(("4.9.1", "5.2.0", "6.1"), ("5.2.0", "6.1")) == "5.2.0"
    assert fix_to_name(("4.9.1", "5.2.0"), ()) is None
    assert fix_to_name(("abc",), ()) == "abc"
    assert fix_to_name((), ()) is None
