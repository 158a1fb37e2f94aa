"""Inventories and lists against a database: what is kept, who reads it, and how a line lives."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from leadtime.flow.advisory import AdvisoryId, draft, publish, revise, withdraw
from leadtime.flow.exposure import (
    ExposureId,
    ExposureState,
    Inventory,
    PatchBy,
    Touch,
    expose,
    keep_inventory,
    list_inventories,
    mark_deployed,
    match_advisory,
    match_inventory,
    patch_by_list,
)
from leadtime.flow.exposure.tables import exposures, inventories, inventory_packages, inventory_shelves
from leadtime.flow.priority import Answer, SourceKind, load_source
from leadtime.formats.advisories import AffectedSpan, Outcome, Run
from leadtime.formats.inventories import InventoryForm
from leadtime.foundation.access import ANYONE, SYSTEM, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Malformed, Missing, Refused
from tests.conftest import SettableClock
from tests.flow.advisory.factories import PUBLISHER, a_case, some_facts
from tests.formats.factories import a_package

COORDINATOR = Viewer(Role.COORDINATOR, uuid4(), uuid4())
OPERATOR = Viewer(Role.OPERATOR, uuid4(), uuid4())
OTHER = Viewer(Role.OPERATOR, uuid4(), uuid4())
AGENCY = Viewer(Role.AGENCY, uuid4(), uuid4(), purpose="patching")


def keep(
    database: Database, lines: str, viewer: Viewer = OPERATOR, asset: str = "portal", exposed: Answer = Answer.YES
) -> Inventory:
    """Keep a pip freeze and hold it against what is published, as the workers do."""
    with database.transaction(viewer) as tx:
        inventory = keep_inventory(tx, asset=asset, exposed=exposed, raw=lines.encode())
    with database.transaction(SYSTEM) as tx:
        match_inventory(tx, inventory.id)
    return inventory


def advise(database: Database, number: str = "LT-2026-0001", **changes: object) -> AdvisoryId:
    case = a_case(database, number)
    with database.transaction(COORDINATOR) as tx:
        advisory = draft(tx, case=case, facts=some_facts(**changes), publisher=PUBLISHER).id
        publish(tx, advisory)
    look(database, advisory)
    return advisory


def look(database: Database, advisory: AdvisoryId) -> int:
    with database.transaction(SYSTEM) as tx:
        return match_advisory(tx, advisory)


def lines(database: Database, viewer: Viewer = OPERATOR) -> tuple[PatchBy, ...]:
    with database.transaction(viewer) as tx:
        return patch_by_list(tx)


def load_kev(database: Database, *cves: str) -> None:
    entries = [
        {
            "cveID": cve,
            "vendorProject": "v",
            "product": "p",
            "vulnerabilityName": "n",
            "dateAdded": "2026-08-01",
            "shortDescription": "s",
            "requiredAction": "Patch.",
            "dueDate": "2026-08-20",
            "knownRansomwareCampaignUse": "Unknown",
            "notes": "",
        }
        for cve in cves
    ]
    catalogue = {
        "title": "t",
        "catalogVersion": "2026.08.01",
        "dateReleased": "2026-08-01T00:00:00.0000Z",
        "count": len(entries),
        "vulnerabilities": entries,
    }
    with database.transaction(SYSTEM) as tx:
        load_source(tx, kind=SourceKind.KEV, raw=json.dumps(catalogue).encode())


def test_an_inventory_is_kept_in_numbers_and_what_cannot_be_matched_is_listed(
    database: Database, clock: SettableClock
) -> None:
    raw = b"name,version,ecosystem\nujson,5.0.0,PyPI\nin-house,12,\n"
    with database.transaction(OPERATOR) as tx:
        kept = keep_inventory(tx, asset=" portal ", exposed=Answer.UNKNOWN, raw=raw)
        assert (kept.asset, kept.exposed, kept.form, kept.components) == (
            "portal",
            Answer.UNKNOWN,
            InventoryForm.CSV,
            2,
        )
        assert [(each.name, each.why) for each in kept.unmatchable] == [
            (
                "in-house",
                "it has neither an ecosystem nor a purl: add a column ecosystem (PyPI, npm, Maven, Debian:12) or purl",
            )
        ]
        assert (kept.unmatchable_count, kept.kept_at) == (1, clock.now())
        assert list_inventories(tx) == (kept,)
        newer = keep_inventory(tx, asset="portal", exposed=Answer.YES, raw=b"ujson==5.2.0")
        clock.advance(seconds=1)
        other = keep_inventory(tx, asset="kiosk", exposed=Answer.NO, raw=b"ujson==5.2.0")
        assert list_inventories(tx) == (newer, other)


def test_a_broken_inventory_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(Malformed), database.transaction(OPERATOR) as tx:
        keep_inventory(tx, asset="portal", exposed=Answer.YES, raw=b'{"bomFormat": "CycloneDX", "components": [1]}')
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.execute(select(inventories)).all() == []


def test_only_the_operator_reads_its_inventory_and_list(database: Database) -> None:
    keep(database, "ujson==5.0.0")
    advise(database)
    assert len(lines(database)) == 1
    assert lines(database, OTHER) == ()
    for viewer in (OTHER, COORDINATOR, ANYONE):
        with database.transaction(viewer) as tx:
            for table in (inventories, inventory_packages, inventory_shelves, exposures):
                assert (viewer.role, table.name, tx.connection.execute(select(table)).all()) == (
                    viewer.role,
                    table.name,
                    [],
                )
    for viewer in (COORDINATOR, Viewer(Role.FINDER, uuid4(), uuid4()), ANYONE):
        with database.transaction(viewer) as tx:
            with pytest.raises((Refused, Missing)):
                patch_by_list(tx)
            with pytest.raises((Refused, Missing)):
                list_inventories(tx)
            with pytest.raises((Refused, Missing)):
                keep_inventory(tx, asset="a", exposed=Answer.NO, raw=b"a==1")


def test_names_and_versions_are_not_in_clear(database: Database) -> None:
    keep(database, "ujson==5.0.0", asset="patient portal")
    advise(database)
    with database.transaction(SYSTEM) as tx:
        for table in (inventories, inventory_packages, inventory_shelves, exposures):
            kept = tx.connection.scalar(text(f"select string_agg(t::text, ' ') from {table.name} t"))
            assert kept
            for name in ("ujson", "5.0.0", "patient portal"):
                assert name not in kept
                assert name.encode().hex() not in kept


def test_an_advisory_finds_who_runs_it_and_a_second_look_changes_nothing(
    database: Database, clock: SettableClock
) -> None:
    keep(database, "ujson==5.0.0\nrequests==2.32.3")
    keep(database, "ujson==5.10.0", OTHER)
    kept_at = clock.now()
    clock.advance(days=1)
    advisory = advise(database)
    (line,) = lines(database)
    assert (line.asset, line.component, line.version, line.fixed) == ("portal", "pkg:pypi/ujson", "5.0.0", "5.2.0")
    assert (line.number, line.cve, line.touch, line.state) == (
        "LT-2026-0001",
        "CVE-2021-45958",
        Touch.YES,
        ExposureState.OPEN,
    )
    assert (line.enumerated_at, line.changed_at) == (kept_at, clock.now())
    assert lines(database, OTHER) == ()
    clock.advance(days=1)
    assert look(database, advisory) == 1
    assert lines(database) == (line,)


def test_a_new_inventory_is_held_against_what_is_already_published(database: Database) -> None:
    advise(database)
    keep(database, "ujson==5.2.0rc1")
    (line,) = lines(database)
    assert (line.version, line.fixed, line.touch) == ("5.2.0rc1", "5.2.0", Touch.YES)


def test_the_date_follows_kev_and_exposure(database: Database, clock: SettableClock) -> None:
    advise(database)
    keep(database, "ujson==5.0.0")
    (undetermined,) = lines(database)
    assert (undetermined.decision.row, undetermined.decision.due) == (None, None)
    load_kev(database, "CVE-2000-0001")
    (outside,) = lines(database)
    assert outside.decision.row is not None
    assert (outside.decision.row.number, str(outside.decision.due)) == (7, "2026-08-17")
    assert outside.decision.informative
    told = {fact.name: (fact.value, fact.source, fact.as_of) for fact in outside.decision.why.facts}
    assert told["exposed, as given"] == ("yes", "your inventory of portal", clock.now())
    keep(database, "ujson==5.0.0", exposed=Answer.NO)
    (inside,) = lines(database)
    assert inside.decision.row is not None
    assert (inside.decision.row.number, inside.decision.due) == (15, None)
    assert inside.exposed is Answer.NO


def test_the_directive_binds_agencies(database: Database) -> None:
    advise(database)
    keep(database, "ujson==5.0.0", AGENCY)
    (line,) = lines(database, AGENCY)
    assert not line.decision.informative


def test_a_deployed_fix_is_marked_once_and_survives_an_older_look(database: Database, clock: SettableClock) -> None:
    keep(database, "ujson==5.0.0")
    advisory = advise(database)
    (line,) = lines(database)
    clock.advance(hours=1)
    with database.transaction(OPERATOR) as tx:
        done = mark_deployed(tx, line.exposure, " 5.2.0 ")
    assert (done.state, done.deployed_version, done.version) == (ExposureState.DEPLOYED, "5.2.0", "5.0.0")
    clock.advance(hours=1)
    with database.transaction(OPERATOR) as tx:
        assert mark_deployed(tx, line.exposure, "5.2.0") == done
    assert look(database, advisory) == 0
    assert lines(database) == (done,)


def test_a_version_that_is_touched_itself_is_no_fix(database: Database) -> None:
    keep(database, "ujson==5.0.0")
    advise(database)
    (line,) = lines(database)
    for version in ("5.0.0", "5.2.0rc1", "nonsense"):
        with database.transaction(OPERATOR) as tx, pytest.raises(Refused, match="affected itself"):
            mark_deployed(tx, line.exposure, version)
    assert lines(database) == (line,)


def test_nobody_else_marks_a_fix(database: Database) -> None:
    keep(database, "ujson==5.0.0")
    advise(database)
    (line,) = lines(database)
    for viewer in (OTHER, COORDINATOR, ANYONE):
        with database.transaction(viewer) as tx, pytest.raises(Missing):
            mark_deployed(tx, line.exposure, "5.2.0")
    with database.transaction(OPERATOR) as tx, pytest.raises(Missing):
        mark_deployed(tx, ExposureId(uuid4()), "5.2.0")


def states(database: Database) -> dict[str, tuple[ExposureState, str | None]]:
    """Each version's state and what was put in place of it."""
    return {line.version: (line.state, line.deployed_version) for line in lines(database)}


def test_a_newer_inventory_shows_the_fix_the_return_and_the_removal(database: Database, clock: SettableClock) -> None:
    keep(database, "ujson==5.0.0")
    advise(database)
    history = []
    for freeze in ("ujson==5.2.0", "ujson==5.1.0", "requests==1", "ujson==5.0.0"):
        clock.advance(days=1)
        keep(database, freeze)
        history.append(states(database))
    deployed, removed, is_open = (
        (ExposureState.DEPLOYED, "5.2.0"),
        (ExposureState.REMOVED, None),
        (ExposureState.OPEN, None),
    )
    assert history == [
        {"5.0.0": deployed},
        {"5.0.0": deployed, "5.1.0": is_open},
        {"5.0.0": deployed, "5.1.0": removed},
        {"5.0.0": is_open, "5.1.0": removed},
    ]
    assert {line.changed_at for line in lines(database) if line.state is ExposureState.OPEN} == {clock.now()}


def test_every_touched_version_is_a_line_of_its_own_and_a_fix_closes_only_what_it_stands_for(
    database: Database, clock: SettableClock
) -> None:
    keep(database, "ujson==5.0.0\nujson==5.1.0\nujson==5.2.0")
    advisory = advise(database)
    first, second = lines(database)
    assert [(each.version, each.state) for each in (first, second)] == [
        ("5.0.0", ExposureState.OPEN),
        ("5.1.0", ExposureState.OPEN),
    ]
    clock.advance(hours=1)
    with database.transaction(OPERATOR) as tx:
        mark_deployed(tx, first.exposure, "5.2.0")
    assert look(database, advisory) == 1
    assert states(database) == {"5.0.0": (ExposureState.DEPLOYED, "5.2.0"), "5.1.0": (ExposureState.OPEN, None)}
    clock.advance(hours=1)
    keep(database, "ujson==5.1.0\nujson==5.2.0\nujson==5.3.0")
    assert states(database)["5.1.0"] == (ExposureState.OPEN, None)
    clock.advance(hours=1)
    keep(database, "ujson==5.3.0")
    assert states(database) == {"5.0.0": (ExposureState.DEPLOYED, "5.3.0"), "5.1.0": (ExposureState.DEPLOYED, "5.3.0")}


def test_going_to_another_touched_version_does_not_start_the_clock_again(
    database: Database, clock: SettableClock
) -> None:
    keep(database, "ujson==5.0.0")
    since = clock.now()
    advise(database)
    clock.advance(days=2)
    keep(database, "ujson==5.1.0")
    assert {line.version: (line.state, line.enumerated_at) for line in lines(database)} == {
        "5.0.0": (ExposureState.REMOVED, since),
        "5.1.0": (ExposureState.OPEN, since),
    }


def test_a_version_of_which_nothing_is_known_is_open_again_when_it_is_still_there(
    database: Database, clock: SettableClock
) -> None:
    runs = (Run("5.0.0", Outcome.AFFECTED, "v"), Run("5.2.0", Outcome.FIXED, "v"))
    keep(database, "ujson==4.0.0")
    advise(database, packages=(a_package(runs=runs, spans=()),))
    (line,) = lines(database)
    clock.advance(hours=1)
    with database.transaction(OPERATOR) as tx:
        mark_deployed(tx, line.exposure, "5.2.0")
    clock.advance(hours=1)
    keep(database, "ujson==4.0.0")
    assert [(each.state, each.touch) for each in lines(database)] == [(ExposureState.OPEN, Touch.UNKNOWN)]


def test_a_superseded_inventory_is_not_looked_at_again(database: Database, clock: SettableClock) -> None:
    advise(database)
    old = keep(database, "ujson==5.0.0")
    clock.advance(days=1)
    keep(database, "ujson==5.2.0")
    with database.transaction(SYSTEM) as tx:
        assert match_inventory(tx, old.id) == 0
    assert [each.state for each in lines(database)] == [ExposureState.DEPLOYED]


@pytest.mark.parametrize("looking", ["at the inventory", "for the advisory"])
def test_an_inventory_is_not_replaced_while_it_is_looked_at(
    database: Database, monkeypatch: pytest.MonkeyPatch, looking: str
) -> None:
    advisory = advise(database)
    old = keep(database, "ujson==5.0.0")
    waited = []

    def replace(place: expose.Place, *_: object) -> None:
        with database.transaction(OPERATOR) as tx:
            tx.connection.execute(text("set local lock_timeout = '20ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                keep_inventory(tx, asset=place.asset, exposed=Answer.YES, raw=b"requests==1.0")
        waited.append(place.asset)

    monkeypatch.setattr(expose, "_follow", lambda tx, place, *rest: replace(place))
    with database.transaction(SYSTEM) as tx:
        match_inventory(tx, old.id) if looking == "at the inventory" else match_advisory(tx, advisory)
    assert waited == ["portal"]


def test_a_withdrawn_advisory_closes_its_lines(database: Database, clock: SettableClock) -> None:
    keep(database, "ujson==5.0.0")
    advisory = advise(database)
    with database.transaction(COORDINATOR) as tx:
        withdraw(tx, advisory, reason="Not a flaw.")
    assert look(database, advisory) == 0
    assert [each.state for each in lines(database)] == [ExposureState.WITHDRAWN]
    clock.advance(days=1)
    keep(database, "ujson==5.0.0")
    assert [each.state for each in lines(database)] == [ExposureState.WITHDRAWN]


def test_a_narrower_range_takes_a_line_back_and_a_wider_one_brings_it_back(database: Database) -> None:
    keep(database, "ujson==2.0.0")
    advisory = advise(database)
    narrow = a_package(spans=(AffectedSpan("3", "5.2.0", None, "a person"),))
    for facts, state in (
        (some_facts(packages=(narrow,)), ExposureState.WITHDRAWN),
        (some_facts(), ExposureState.OPEN),
    ):
        with database.transaction(COORDINATOR) as tx:
            revise(tx, advisory, facts, summary="Another range.")
        look(database, advisory)
        assert [each.state for each in lines(database)] == [state]


def test_without_a_range_a_version_that_was_not_run_may_be_touched(database: Database) -> None:
    runs = (Run("5.0.0", Outcome.AFFECTED, "v"), Run("5.2.0", Outcome.FIXED, "v"))
    for asset, version in (("ran", "5.0.0"), ("older", "4.0.0"), ("fixed", "5.2.0"), ("newer", "5.10.0")):
        keep(database, f"ujson=={version}", asset=asset)
    advise(database, packages=(a_package(runs=runs, spans=()),))
    assert {line.asset: (line.touch, line.fixed, line.reason) for line in lines(database)} == {
        "ran": (Touch.YES, "5.2.0", "5.0.0 is listed as affected"),
        "older": (Touch.UNKNOWN, "5.2.0", "this version was not run, and nobody entered a range"),
    }


def test_each_operator_is_told_the_next_fix_above_what_it_runs(database: Database) -> None:
    runs = tuple(Run(version, Outcome.AFFECTED, "v") for version in ("4.9.0", "5.0.0", "6.0.0"))
    runs = (*runs, *(Run(version, Outcome.FIXED, "v") for version in ("5.10.0", "5.9.1", "4.9.1")))
    for version in ("4.9.0", "5.0.0", "6.0.0"):
        keep(database, f"ujson=={version}", asset=version)
    advise(database, packages=(a_package(runs=runs, spans=()),))
    assert {line.asset: line.fixed for line in lines(database)} == {"4.9.0": "4.9.1", "5.0.0": "5.9.1", "6.0.0": None}


def test_a_hundred_thousand_components_are_kept_and_matched(database: Database) -> None:
    rows = "\n".join(f"package-{number}==1.{number % 7}" for number in range(100_000))
    keep(database, f"{rows}\nujson==5.0.0")
    advise(database)
    assert [line.component for line in lines(database)] == ["pkg:pypi/ujson"]
