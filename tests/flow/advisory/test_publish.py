from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from sqlalchemy import update

from leadtime.flow import coordination
from leadtime.flow.advisory import (
    AdvisoryId,
    AdvisoryState,
    affected_package,
    draft,
    edit,
    find_advisory,
    find_published,
    list_published,
    publish,
    read_advisory,
    read_published,
    revise,
    withdraw,
)
from leadtime.flow.advisory.stored import restore_document, restore_facts, store_document, store_facts
from leadtime.flow.coordination.tables import cases
from leadtime.formats.advisories import AdvisoryDocument, AffectedPackage, Outcome, Run
from leadtime.foundation.access import ANYONE, SYSTEM, Relation, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from tests.conftest import SettableClock
from tests.flow.advisory.factories import PUBLISHER, a_case, some_facts
from tests.formats.factories import a_document, documents

COORDINATOR = Viewer(Role.COORDINATOR, uuid4(), uuid4())
MAINTAINER = Viewer(Role.MAINTAINER, uuid4(), uuid4())
FINDER = Viewer(Role.FINDER, uuid4(), uuid4())


def drafted(database: Database, number: str = "LT-2026-0001", **changes: object) -> AdvisoryId:
    case = a_case(database, number)
    with database.transaction(COORDINATOR) as tx:
        return draft(tx, case=case, facts=some_facts(**changes), publisher=PUBLISHER).id


def published(database: Database) -> AdvisoryId:
    advisory = drafted(database)
    with database.transaction(COORDINATOR) as tx:
        publish(tx, advisory)
    return advisory


def test_a_case_has_one_draft_and_it_is_what_publication_would_say(database: Database) -> None:
    case = a_case(database)
    with database.transaction(COORDINATOR) as tx:
        first = draft(tx, case=case, facts=some_facts(), publisher=PUBLISHER)
        assert first.state is AdvisoryState.DRAFT
        assert first.document.number == "LT-2026-0001"
        assert first.document.revisions[0].summary == "Draft, not published."
        assert draft(tx, case=case, facts=some_facts(title="Other"), publisher=PUBLISHER) == first
        assert find_advisory(tx, case) == first
    with database.transaction(ANYONE) as tx:
        assert list_published(tx) == ()


def test_a_draft_is_changed_until_it_is_published(database: Database) -> None:
    advisory = drafted(database)
    with database.transaction(COORDINATOR) as tx:
        assert edit(tx, advisory, some_facts(title="Better")).document.title == "Better"
        publish(tx, advisory)
        with pytest.raises(Conflict, match="published cannot be changed by the move edit"):
            edit(tx, advisory, some_facts())


def test_a_published_advisory_is_everybodys(database: Database, clock: SettableClock) -> None:
    advisory = drafted(database)
    with database.transaction(COORDINATOR) as tx:
        shown = publish(tx, advisory)
        assert shown.state is AdvisoryState.PUBLISHED
        assert publish(tx, advisory) == shown
        assert read_advisory(tx, advisory) == shown
        assert coordination.read_case(tx, shown.case).case.state is coordination.CaseState.PUBLISHED
    with database.transaction(ANYONE) as tx:
        found = find_published(tx, "LT-2026-0001")
        assert found.document == a_document(revisions=shown.document.revisions)
        assert [(each.number, each.at, each.summary) for each in found.document.revisions] == [
            (1, clock.now(), "First published.")
        ]
        assert (found.id, found.state) == (advisory, AdvisoryState.PUBLISHED)
        assert list_published(tx) == (found,)


def test_neither_workers_nor_other_roles_publish(database: Database) -> None:
    advisory = drafted(database)
    case = _case_of(database, advisory)
    with database.transaction(SYSTEM) as tx:
        tx.relate(case, MAINTAINER.organisation, Relation.PARTICIPANT)  # type: ignore[arg-type]
        tx.relate(case, FINDER.organisation, Relation.PARTICIPANT)  # type: ignore[arg-type]
        with pytest.raises(Refused, match="only a named person"):
            publish(tx, advisory)
    for viewer, refusal in ((MAINTAINER, Refused), (FINDER, Refused), (Viewer(Role.FINDER, uuid4(), uuid4()), Missing)):
        with database.transaction(viewer) as tx, pytest.raises(refusal):
            publish(tx, advisory)
    with database.transaction(ANYONE) as tx, pytest.raises(Missing):
        publish(tx, advisory)
    with database.transaction(ANYONE) as tx:
        assert list_published(tx) == ()


def test_a_maintainer_of_the_case_reads_the_draft_and_a_finder_does_not(database: Database) -> None:
    advisory = drafted(database)
    case = _case_of(database, advisory)
    with database.transaction(SYSTEM) as tx:
        tx.relate(case, MAINTAINER.organisation, Relation.PARTICIPANT)  # type: ignore[arg-type]
        tx.relate(case, FINDER.organisation, Relation.PARTICIPANT)  # type: ignore[arg-type]
    with database.transaction(MAINTAINER) as tx:
        assert read_advisory(tx, advisory).document.title == some_facts().title
    with database.transaction(FINDER) as tx, pytest.raises(Refused):
        read_advisory(tx, advisory)
    with database.transaction(Viewer(Role.MAINTAINER, uuid4(), uuid4())) as tx:
        with pytest.raises(Missing):
            read_advisory(tx, advisory)
        assert find_advisory(tx, case) is None


def test_an_incomplete_draft_is_not_published(database: Database) -> None:
    advisory = drafted(database, packages=())
    with database.transaction(COORDINATOR) as tx, pytest.raises(Refused, match="No release is said to be affected"):
        publish(tx, advisory)


def test_an_embargo_holds_publication_back_unless_a_reason_is_given(database: Database, clock: SettableClock) -> None:
    advisory = drafted(database)
    case = _case_of(database, advisory)
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(
            update(cases)
            .where(cases.c.id == case)
            .values(embargo_ends_at=clock.now() + timedelta(days=45), embargo_zone="Europe/Berlin")
        )
    with database.transaction(COORDINATOR) as tx:
        with pytest.raises(Refused, match="the embargo runs until 2026-09-17"):
            publish(tx, advisory)
        shown = publish(tx, advisory, early_because="It is public since 2021.")
    assert shown.document.revisions[0].summary == "First published. It is public since 2021."


def test_a_revision_is_published_at_once_and_the_first_date_stays(database: Database, clock: SettableClock) -> None:
    advisory = published(database)
    first = clock.now()
    clock.advance(days=1)
    with database.transaction(COORDINATOR) as tx:
        revise(tx, advisory, some_facts(title="Better"), summary="A better title.")
    with database.transaction(ANYONE) as tx:
        found = read_published(tx, advisory)
    assert (found.document.title, found.document.published_at, found.modified_at) == ("Better", first, clock.now())
    assert [(each.number, each.summary) for each in found.document.revisions] == [
        (1, "First published."),
        (2, "A better title."),
    ]
    with database.transaction(COORDINATOR) as tx, pytest.raises(Refused):
        revise(tx, advisory, some_facts(packages=()), summary="Nothing left.")


def test_a_withdrawn_advisory_says_so_until_it_is_revised(database: Database, clock: SettableClock) -> None:
    advisory = published(database)
    clock.advance(days=1)
    with database.transaction(COORDINATOR) as tx:
        assert withdraw(tx, advisory, reason="Not a flaw.").state is AdvisoryState.WITHDRAWN
        with pytest.raises(Conflict):
            publish(tx, advisory)
        with pytest.raises(Conflict):
            withdraw(tx, advisory, reason="Again.")
    with database.transaction(ANYONE) as tx:
        found = read_published(tx, advisory)
    assert (found.state, found.document.withdrawn_at) == (AdvisoryState.WITHDRAWN, clock.now())
    assert found.document.revisions[-1].summary == "Not a flaw."
    with database.transaction(COORDINATOR) as tx:
        assert revise(tx, advisory, some_facts(), summary="A flaw.").state is AdvisoryState.PUBLISHED
    with database.transaction(ANYONE) as tx:
        found = read_published(tx, advisory)
    assert (found.state, found.document.withdrawn_at) == (AdvisoryState.PUBLISHED, None)


def test_a_draft_cannot_be_revised_or_withdrawn(database: Database) -> None:
    advisory = drafted(database)
    with database.transaction(COORDINATOR) as tx:
        with pytest.raises(Conflict):
            revise(tx, advisory, some_facts(), summary="x")
        with pytest.raises(Conflict):
            withdraw(tx, advisory, reason="x")


def test_published_advisories_page_by_id(database: Database, clock: SettableClock) -> None:
    ids = []
    for number in ("LT-2026-0001", "LT-2026-0002", "LT-2026-0003"):
        clock.advance(seconds=1)
        ids.append(drafted(database, number))
    with database.transaction(COORDINATOR) as tx:
        for advisory in ids:
            publish(tx, advisory)
        revise(tx, ids[0], some_facts(title="Newest"), summary="x")
    with database.transaction(ANYONE) as tx:
        first = list_published(tx, limit=2)
        assert [each.id for each in first] == ids[:2]
        assert first[0].document.title == "Newest"
        assert [each.id for each in list_published(tx, after=ids[1])] == ids[2:]


def test_what_was_never_published_is_missing(database: Database) -> None:
    advisory = drafted(database)
    with database.transaction(ANYONE) as tx:
        with pytest.raises(Missing):
            read_published(tx, advisory)
        with pytest.raises(Missing):
            find_published(tx, "LT-2026-0001")
        with pytest.raises(Missing):
            read_advisory(tx, AdvisoryId(uuid4()))
    with database.transaction(COORDINATOR) as tx, pytest.raises(Missing):
        edit(tx, AdvisoryId(uuid4()), some_facts())


def test_facts_that_contradict_each_other_are_not_kept(database: Database) -> None:
    with pytest.raises(Malformed):
        drafted(database, cve="CVE")


@settings(max_examples=60, deadline=None)
@given(document=documents())
def test_what_is_stored_reads_back(document: AdvisoryDocument) -> None:
    assert restore_document(store_document(document)) == document


def test_a_stored_draft_reads_back() -> None:
    assert restore_facts(store_facts(some_facts(), PUBLISHER)) == (some_facts(), PUBLISHER)


def test_a_package_is_named_by_its_component_without_a_version() -> None:
    runs = (Run("1.0", Outcome.AFFECTED, "val-1"),)
    assert affected_package("pkg:pypi/Foo.Bar@1.0", runs=runs) == AffectedPackage(
        "PyPI", "foo-bar", "pkg:pypi/foo-bar", runs, ()
    )
    with pytest.raises(Malformed):
        affected_package("ujson", runs=runs)


def _case_of(database: Database, advisory: AdvisoryId) -> coordination.CaseId:
    with database.transaction(COORDINATOR) as tx:
        return read_advisory(tx, advisory).case
