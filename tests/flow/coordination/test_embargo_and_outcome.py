from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from leadtime.flow.coordination import (
    CaseId,
    CaseState,
    Embargo,
    EventKind,
    close_case,
    lift_embargo,
    note_published,
    note_reach,
    read_case,
    reopen_case,
    set_embargo,
)
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from tests.flow.coordination.factories import Scene, a_scene

ADVISORY = UUID(int=7)


def notes(scene: Scene, case: CaseId, kind: EventKind) -> list[str]:
    with scene.database.transaction(scene.coordinator) as tx:
        return [event.note for event in read_case(tx, case).history if event.kind is kind]


def test_an_embargo_is_set_moved_and_lifted_with_its_history(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open().id
    with database.transaction(scene.coordinator) as tx:
        for _ in range(2):
            embargo = set_embargo(tx, case, ends_at="2026-09-01T17:00", zone="Europe/Berlin")
        assert embargo == Embargo(datetime(2026, 9, 1, 15, 0, tzinfo=UTC), "Europe/Berlin")
        assert read_case(tx, case).case.embargo == embargo
        set_embargo(tx, case, ends_at="2026-09-01T15:00", zone="UTC")
        with pytest.raises(Malformed, match="reason: this is empty"):
            lift_embargo(tx, case, reason=" ")
        for _ in range(2):
            lift_embargo(tx, case, reason="the fix is public")
        assert read_case(tx, case).case.embargo is None
    assert notes(scene, case, EventKind.EMBARGO_SET) == [
        "until 2026-09-01T15:00:00+00:00, agreed in Europe/Berlin",
        "until 2026-09-01T15:00:00+00:00, agreed in UTC",
    ]
    assert notes(scene, case, EventKind.EMBARGO_LIFTED) == ["the fix is public"]


def test_only_coordinators_set_an_embargo_and_not_in_the_past(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open().id
    with database.transaction(scene.finder) as tx:
        with pytest.raises(Refused, match="may not coordinate a case"):
            set_embargo(tx, case, ends_at="2026-09-01T17:00", zone="UTC")
        with pytest.raises(Refused, match="may not coordinate a case"):
            lift_embargo(tx, case, reason="now")
    with database.transaction(scene.coordinator) as tx:
        with pytest.raises(Refused, match="an embargo cannot end in the past"):
            set_embargo(tx, case, ends_at="2026-08-01T17:00", zone="UTC")
        with pytest.raises(Missing, match="there is no such case"):
            set_embargo(tx, CaseId(UUID(int=1)), ends_at="2026-09-01T17:00", zone="UTC")


def test_a_publication_is_noted_once(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open().id
    with database.transaction(scene.coordinator) as tx:
        for _ in range(2):
            note_published(tx, case, ADVISORY)
        assert read_case(tx, case).case.state is CaseState.PUBLISHED
    assert notes(scene, case, EventKind.PUBLISHED) == [str(ADVISORY)]


def test_a_reach_is_noted_when_it_changes(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open().id
    with database.transaction(SYSTEM) as tx:
        for operators in (3, 3, 0):
            note_reach(tx, case, operators)
        with pytest.raises(Malformed):
            note_reach(tx, case, -1)
        assert read_case(tx, case).case.reach == 0
    assert notes(scene, case, EventKind.REACH_NOTED) == ["3", "0"]


def test_a_case_is_closed_once_and_opened_again_with_reasons(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open().id
    with database.transaction(scene.coordinator) as tx:
        with pytest.raises(Malformed, match="reason: this is empty"):
            close_case(tx, case, reason="")
        with pytest.raises(Conflict, match="a case that is open cannot reopen"):
            reopen_case(tx, case, reason="why not")
        for _ in range(2):
            close_case(tx, case, reason="no flaw")
        assert read_case(tx, case).case.state is CaseState.CLOSED
        with pytest.raises(Conflict, match="a case that is closed cannot publish"):
            note_published(tx, case, ADVISORY)
        with pytest.raises(Malformed, match="reason: this is empty"):
            reopen_case(tx, case, reason="")
        reopen_case(tx, case, reason="a flaw after all")
        assert read_case(tx, case).case.state is CaseState.OPEN
    assert notes(scene, case, EventKind.CLOSED) == ["no flaw"]
    assert notes(scene, case, EventKind.REOPENED) == ["a flaw after all"]
