"""I3: every person's read of sealed content is a leaf and a row; I4: so is a receipt; publications are everybody's."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from sqlalchemy import select

from leadtime.flow import advisory, intake
from leadtime.formats.osv import write_osv
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Missing, Refused
from leadtime.foundation.ids import new_id
from leadtime.ledger import PUBLICATIONS, READS, Leaf, open_leaf, parse_leaf, verify_opening
from leadtime.ledger.tables import leaves
from leadtime.workflows.publishing import PUBLISHED
from leadtime.workflows.reads import READ, list_reads, note_reads, open_read
from tests.doors.world import World, a_world


@pytest.fixture
def told(database) -> World:
    return a_world(database)


def leaves_of(database, log, kind) -> list[Leaf]:
    with database.transaction(SYSTEM) as tx:
        entries = tx.connection.scalars(select(leaves.c.entry).where(leaves.c.log == log).order_by(leaves.c.id)).all()
    return [leaf for leaf in map(parse_leaf, entries) if leaf.kind == kind]


def an_auditor(clock) -> Viewer:
    return Viewer(Role.AUDITOR, new_id(clock.now()), new_id(clock.now()))


def test_a_read_is_a_leaf_that_opens_to_who_read_what(database, told, clock):
    before = len(leaves_of(database, READS, READ))
    finder = told.people["finder"]
    with database.transaction(replace(finder.viewer, purpose="triage")) as tx:
        intake.read_report(tx, told.unproven)
    with database.transaction(an_auditor(clock)) as tx:
        (read,) = (each for each in list_reads(tx) if each.purpose == "triage")
        opening = open_read(tx, read.leaf)
    leaf = {leaf.id: leaf for leaf in leaves_of(database, READS, READ)}[read.leaf]
    assert len(leaves_of(database, READS, READ)) == before + 1
    assert (read.person, read.role) == (finder.person.id, "finder")
    assert read.entities == (told.unproven,)
    assert verify_opening(leaf, opening)
    assert {field.name: field.value for field in opening.fields} == {
        "role": b"finder",
        "organisation": str(finder.organisation.id).encode(),
        "person": str(finder.person.id).encode(),
        "purpose": b"triage",
        "entities": canonical_json([str(told.unproven)]),
    }


def test_a_transaction_that_opens_nothing_leaves_no_leaf(database, told):
    before = len(leaves_of(database, READS, READ))
    with database.transaction(told.people["finder"].viewer) as tx:
        tx.relation_to(told.unproven)
    assert len(leaves_of(database, READS, READ)) == before


def read_and_fail(database, told):
    with database.transaction(told.people["finder"].viewer) as tx:
        intake.read_report(tx, told.unproven)
        raise ZeroDivisionError


def test_a_read_that_is_refused_or_rolled_back_answers_nothing_and_leaves_nothing(database, told):
    before = len(leaves_of(database, READS, READ))
    with pytest.raises(Missing), database.transaction(told.people["other_finder"].viewer) as tx:
        intake.read_report(tx, told.unproven)
    with pytest.raises(ZeroDivisionError):
        read_and_fail(database, told)
    assert len(leaves_of(database, READS, READ)) == before


def test_the_workers_own_reading_is_nobodys_read(database, told):
    before = len(leaves_of(database, READS, READ))
    with database.transaction(SYSTEM) as tx:
        intake.read_report(tx, told.unproven)
    assert len(leaves_of(database, READS, READ)) == before


def test_where_reads_are_not_recorded_no_person_reads(database, told):
    blind = replace(database, note_reads=None)
    sentence = "sealed content is read only where reads are recorded"
    with pytest.raises(Refused, match=sentence), blind.transaction(told.people["finder"].viewer) as tx:
        intake.read_report(tx, told.unproven)


def test_a_read_whose_leaf_cannot_be_written_does_not_happen(database, told):
    def fail(tx):
        note_reads(tx)
        raise ConnectionError

    broken, before = replace(database, note_reads=fail), len(leaves_of(database, READS, READ))
    with pytest.raises(ConnectionError), broken.transaction(told.people["finder"].viewer) as tx:
        intake.read_report(tx, told.unproven)
    assert len(leaves_of(database, READS, READ)) == before


@pytest.mark.parametrize("who", ["finder", "coordinator", "maintainer", "operator", "agency", "developer", "partner"])
def test_only_auditors_see_who_read_what(database, told, who):
    with pytest.raises(Refused), database.transaction(told.people[who].viewer) as tx:
        list_reads(tx)


def test_an_unknown_read_has_no_opening(database, told, clock):
    with pytest.raises(Missing, match="there is no such read"), database.transaction(an_auditor(clock)) as tx:
        open_read(tx, told.unproven)


def test_the_receipt_of_a_report_is_a_leaf_with_the_reports_id(database, told):
    with database.transaction(SYSTEM) as tx:
        receipt = canonical_json(intake.receipt_as_json(intake.read_receipt(tx, told.unproven)))
        opening = open_leaf(tx.keys, READS, told.unproven, {"receipt": receipt})
    found = {leaf.id: leaf for leaf in leaves_of(database, READS, "acknowledged")}
    assert verify_opening(found[told.unproven], opening)
    assert json.loads(receipt)["id"] == str(told.unproven)


def test_what_is_published_is_logged_with_the_digests_of_the_files(database, told):
    with database.transaction(SYSTEM) as tx:
        document = advisory.read_advisory(tx, told.told.advisory).document
    (leaf,) = leaves_of(database, PUBLICATIONS, PUBLISHED)
    assert leaf.commitments["osv"] == sha256(write_osv(document)).digest()
    assert sorted(leaf.commitments) == ["csaf", "osv"]
