from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from leadtime.flow.coordination import (
    Case,
    CaseState,
    DeliveryLink,
    DeliveryState,
    EventKind,
    Pace,
    close_case,
    deliver,
    enter_delivery,
    open_case,
    read_case,
    read_delivery,
    read_pace,
    reopen_case,
    state_pace,
)
from leadtime.flow.coordination.tables import deliveries
from leadtime.flow.intake import read_report
from leadtime.flow.merging import read_vulnerability
from leadtime.flow.validation import read_validation
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.keys import token_hash
from tests.conftest import SettableClock
from tests.flow.coordination.factories import Scene, a_scene, handed_in, house

NOT_ACCEPTED = "this link is not accepted. Ask the coordinator who sent it for a fresh one."


def handed(scene: Scene, case: Case, **words: str) -> DeliveryLink:
    with scene.database.transaction(scene.coordinator) as tx:
        return deliver(tx, case.id, scene.maintainers, **words)


def refused(scene: Scene, secret: str) -> str:
    with scene.database.transaction(SYSTEM) as tx, pytest.raises(Refused) as caught:
        enter_delivery(tx, secret)
    return str(caught.value)


def test_a_maintainer_reads_all_that_was_delivered_and_nothing_before(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open()
    with database.transaction(scene.maintainer) as tx:
        for read in (
            lambda: read_case(tx, case.id),
            lambda: read_report(tx, scene.report),
            lambda: read_vulnerability(tx, scene.vulnerability),
            lambda: read_validation(tx, scene.report),
        ):
            with pytest.raises(Missing):
                read()
    link = handed(scene, case)
    with database.transaction(scene.maintainer) as tx:
        found = read_case(tx, case.id)
        assert read_report(tx, scene.report).body.title == "Stack overflow when indenting"
        assert read_vulnerability(tx, scene.vulnerability).crash_class == "stack-buffer-overflow"
        assert read_validation(tx, scene.report).report == scene.report
        assert read_delivery(tx, link.delivery.id) == link.delivery
    assert found.case.state is CaseState.DELIVERED
    assert found.deliveries == (link.delivery,)
    assert (found.history[-1].kind, found.history[-1].note) == (EventKind.DELIVERED, "")
    with database.transaction(scene.stranger) as tx, pytest.raises(Missing):
        read_delivery(tx, link.delivery.id)


def test_the_link_opens_the_delivery_without_an_account_until_it_expires(
    database: Database, clock: SettableClock
) -> None:
    scene = a_scene(database)
    link = handed(scene, scene.open())
    assert link.secret.startswith("ltd_")
    assert link.secret not in repr(link)
    assert link.delivery.link_expires_at == clock.now() + timedelta(days=60)
    clock.advance(days=60, microseconds=-1)
    with database.transaction(SYSTEM) as tx:
        entry = enter_delivery(tx, link.secret)
        assert tx.connection.scalars(select(deliveries.c.hash)).all() == [token_hash(link.secret)]
    assert entry.delivery == link.delivery
    assert entry.viewer == Viewer(role=Role.MAINTAINER, organisation=scene.maintainer.organisation)
    clock.advance(microseconds=1)
    assert refused(scene, link.secret) == NOT_ACCEPTED
    assert refused(scene, "ltd_guessed") == NOT_ACCEPTED


def test_delivered_again_there_is_one_delivery_and_only_the_fresh_link_opens_it(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open()
    first, second = handed(scene, case), handed(scene, case)
    assert first.delivery == second.delivery
    assert refused(scene, first.secret) == NOT_ACCEPTED
    with database.transaction(SYSTEM) as tx:
        assert enter_delivery(tx, second.secret).delivery == second.delivery
        assert sum(e.kind is EventKind.DELIVERED for e in read_case(tx, case.id).history) == 1


@pytest.mark.parametrize("verdict", ["not_reproduced", "harness_fault", "inconclusive", None])
def test_what_was_not_reproduced_is_delivered_only_with_a_persons_reason(
    database: Database, verdict: str | None
) -> None:
    scene = a_scene(database, verdict=verdict)
    case = scene.open()
    with pytest.raises(Refused, match=r"nobody but its finder has reproduced this flaw"):
        handed(scene, case)
    with database.transaction(SYSTEM) as tx, pytest.raises(Refused, match="only a named person gives a reason"):
        deliver(tx, case.id, scene.maintainers, reason="a hardware fault")
    with database.transaction(scene.maintainer) as tx, pytest.raises(Missing):
        read_report(tx, scene.report)
    assert handed(scene, case, reason=" a hardware fault ").delivery.state is DeliveryState.SENT
    with database.transaction(scene.maintainer) as tx:
        assert read_case(tx, case.id).history[-1].note == "a hardware fault"


def test_a_report_without_any_validation_is_no_proof(database: Database) -> None:
    scene = a_scene(database, verdict="inconclusive")
    handed_in(database, scene.finder, verdict="not_reproduced")
    case = scene.open()
    with pytest.raises(Refused):
        handed(scene, case)
    handed_in(database, scene.finder)
    assert handed(scene, case).delivery.state is DeliveryState.SENT


def test_the_pace_is_the_maintainers(database: Database) -> None:
    scene = a_scene(database)
    cases = [scene.open()]
    for function in ("second", "third"):
        _, vulnerability = handed_in(database, scene.finder, function=function)
        with database.transaction(SYSTEM) as tx:
            cases.append(open_case(tx, vulnerability, title=function))
    with database.transaction(scene.maintainer) as tx:
        assert read_pace(tx, scene.maintainers) == Pace(scene.maintainers, open_deliveries_max=5, stated=False)
        state_pace(tx, scene.maintainers, open_deliveries_max=9)
        stated = state_pace(tx, scene.maintainers, open_deliveries_max=1)
        assert stated == Pace(scene.maintainers, open_deliveries_max=1, stated=True)
        assert read_pace(tx, scene.maintainers) == stated
        with pytest.raises(Malformed):
            state_pace(tx, scene.maintainers, open_deliveries_max=-1)
        with pytest.raises(Missing):
            state_pace(tx, house(scene.stranger), open_deliveries_max=1)
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda case: _tried(scene, case), cases))
    assert sorted(outcomes) == ["delivered", *["this maintainer takes 1 open deliveries at a time"] * 2]
    waiting = cases[outcomes.index("delivered") - 1]
    handed(scene, waiting, exploitation="seen in traffic on 2 August")
    with database.transaction(scene.coordinator) as tx:
        assert read_case(tx, waiting.id).history[-1].note == "seen in traffic on 2 August"


def _tried(scene: Scene, case: Case) -> str:
    try:
        handed(scene, case)
    except Refused as error:
        return error.what
    return "delivered"


def test_deliveries_go_to_maintainers_by_coordinators(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open()
    with database.transaction(scene.coordinator) as tx, pytest.raises(Refused, match="deliveries go to maintainers"):
        deliver(tx, case.id, house(scene.finder))
    with database.transaction(scene.finder) as tx, pytest.raises(Refused, match="may not coordinate a case"):
        deliver(tx, case.id, scene.maintainers)
    with database.transaction(scene.coordinator) as tx, pytest.raises(Malformed, match="a link lasts 1 to 180 days"):
        deliver(tx, case.id, scene.maintainers, link_days=181)


def test_a_closed_case_ends_its_links_and_opened_again_is_delivered_anew(
    database: Database, clock: SettableClock
) -> None:
    scene = a_scene(database)
    case = scene.open()
    first = handed(scene, case)
    with database.transaction(scene.coordinator) as tx:
        close_case(tx, case.id, reason="withdrawn by its finder")
    assert refused(scene, first.secret) == NOT_ACCEPTED
    with pytest.raises(Conflict, match="a case that is closed cannot deliver"):
        handed(scene, case)
    clock.advance(hours=1)
    with database.transaction(scene.coordinator) as tx:
        reopen_case(tx, case.id, reason="it is a flaw after all")
    again = handed(scene, case)
    assert (again.delivery.id, again.delivery.sent_at, again.delivery.state) == (
        first.delivery.id, clock.now(), DeliveryState.SENT,
    )  # fmt: skip
