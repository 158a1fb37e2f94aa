from __future__ import annotations

from uuid import UUID

import pytest

from leadtime.flow.coordination import (
    CaseState,
    DeliveryId,
    DeliveryState,
    EventKind,
    FixedVersion,
    acknowledge,
    close_case,
    deliver,
    enter_delivery,
    name_fixed_version,
    read_case,
    read_delivery,
)
from leadtime.foundation.access import SYSTEM, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from tests.conftest import SettableClock
from tests.flow.coordination.factories import Scene, a_scene, house


def delivered(database: Database) -> tuple[Scene, DeliveryId, Viewer]:
    """A scene, its delivery, and who its link lets in."""
    scene = a_scene(database)
    case = scene.open()
    with database.transaction(scene.coordinator) as tx:
        link = deliver(tx, case.id, scene.maintainers)
    with database.transaction(SYSTEM) as tx:
        viewer = enter_delivery(tx, link.secret).viewer
    return scene, link.delivery.id, viewer


def test_a_maintainer_acknowledges_once(database: Database, clock: SettableClock) -> None:
    scene, delivery, by_link = delivered(database)
    clock.advance(hours=1)
    with database.transaction(by_link) as tx:
        answered = acknowledge(tx, delivery)
    assert (answered.state, answered.acknowledged_at) == (DeliveryState.ACKNOWLEDGED, clock.now())
    clock.advance(hours=1)
    with database.transaction(scene.maintainer) as tx:
        assert acknowledge(tx, delivery) == answered
        found = read_case(tx, answered.case)
    assert found.case.state is CaseState.ACKNOWLEDGED
    assert [(e.kind, e.organisation, e.person) for e in found.history][-1] == (
        EventKind.ACKNOWLEDGED,
        scene.maintainers,
        None,
    )


def test_a_maintainer_names_the_fixed_version_and_may_correct_it(database: Database, clock: SettableClock) -> None:
    scene, delivery, by_link = delivered(database)
    with database.transaction(by_link) as tx:
        for _ in range(2):
            answered = name_fixed_version(tx, delivery, " 5.2.0 ")
    assert answered.state is DeliveryState.FIX_NAMED
    assert answered.fixed == FixedVersion("5.2.0", "the maintainer", clock.now())
    clock.advance(hours=1)
    with database.transaction(scene.coordinator) as tx:
        corrected = name_fixed_version(tx, delivery, "5.2.1", source="mail of 3 August")
        found = read_case(tx, corrected.case)
    assert corrected.fixed == FixedVersion("5.2.1", "mail of 3 August", clock.now())
    assert found.case.state is CaseState.FIX_NAMED
    assert [(e.note, e.organisation) for e in found.history if e.kind is EventKind.FIX_NAMED] == [
        ("5.2.0, said by the maintainer", scene.maintainers),
        ("5.2.1, said by mail of 3 August", scene.coordinator.organisation),
    ]
    with database.transaction(scene.finder) as tx:
        assert read_delivery(tx, delivery) == corrected


def test_an_acknowledgement_after_the_fix_is_kept_without_going_back(database: Database, clock: SettableClock) -> None:
    _, delivery, by_link = delivered(database)
    with database.transaction(by_link) as tx:
        name_fixed_version(tx, delivery, "5.2.0")
        answered = acknowledge(tx, delivery)
    assert (answered.state, answered.acknowledged_at) == (DeliveryState.FIX_NAMED, clock.now())


def test_nobody_else_answers_for_a_maintainer(database: Database) -> None:
    scene, delivery, _ = delivered(database)
    with database.transaction(scene.coordinator) as tx:
        case = read_delivery(tx, delivery).case
        deliver(tx, case, house(scene.stranger))
    with database.transaction(scene.stranger) as tx:
        with pytest.raises(Missing, match="there is no such delivery"):
            acknowledge(tx, delivery)
        with pytest.raises(Missing, match="there is no such delivery"):
            name_fixed_version(tx, delivery, "5.2.0")
    with database.transaction(scene.finder) as tx, pytest.raises(Refused, match="may not answer a delivery"):
        acknowledge(tx, delivery)
    with database.transaction(scene.coordinator) as tx, pytest.raises(Missing, match="there is no such delivery"):
        acknowledge(tx, DeliveryId(UUID(int=1)))


def test_a_closed_delivery_takes_no_answer_and_a_version_is_needed(database: Database) -> None:
    scene, delivery, by_link = delivered(database)
    with database.transaction(by_link) as tx:
        with pytest.raises(Malformed, match="version: this is empty"):
            name_fixed_version(tx, delivery, " ")
        with pytest.raises(Malformed, match="version: this has more than 200 characters"):
            name_fixed_version(tx, delivery, "1" * 201)
        with pytest.raises(Malformed) as refusal:
            name_fixed_version(tx, delivery, "the next one")
        assert str(refusal.value) == (
            "version: 'the next one' is not a version in the order of PEP 440, which pkg:pypi/ujson follows. "
            "Write the release as its registry does."
        )
        with pytest.raises(Malformed, match="source: this is empty"):
            name_fixed_version(tx, delivery, "5.2.0", source="")
    with database.transaction(scene.coordinator) as tx:
        close_case(tx, read_delivery(tx, delivery).case, reason="no flaw")
    with database.transaction(by_link) as tx:
        with pytest.raises(Conflict, match="a delivery that is closed cannot acknowledge"):
            acknowledge(tx, delivery)
        with pytest.raises(Conflict, match="a delivery that is closed cannot name a fix"):
            name_fixed_version(tx, delivery, "5.2.0")
