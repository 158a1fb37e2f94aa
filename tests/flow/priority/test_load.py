from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from leadtime.flow.priority import (
    Answer,
    CveFacts,
    Exploitation,
    Impact,
    KevEntry,
    Loaded,
    SourceKind,
    SsvcEntry,
    facts_for,
    load_source,
)
from leadtime.foundation.access import ANYONE, Role, Viewer
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Malformed, Refused
from tests.flow.priority.factories import cve_record, kev_file

COORDINATOR = Viewer(Role.COORDINATOR, UUID(int=1), UUID(int=2))
AT = datetime(2026, 8, 1, 12, tzinfo=UTC)


def test_before_anything_is_loaded_nothing_is_known(database):
    with database.transaction(ANYONE) as tx:
        assert facts_for(tx, "CVE-2026-0001") == CveFacts("CVE-2026-0001", None, None, None, None)


def test_both_sources_answer_with_their_age(database, clock):
    kev, ssvc = kev_file("CVE-2026-0001"), json.dumps(cve_record("CVE-2026-0001", Exploitation="poc")).encode()
    with database.transaction(COORDINATOR) as tx:
        loaded = load_source(tx, kind=SourceKind.KEV, raw=kev)
        load_source(tx, kind=SourceKind.VULNRICHMENT, raw=ssvc)
    assert loaded == Loaded(SourceKind.KEV, digest_of(kev), AT, 1, clock.now())
    assessed = Loaded(SourceKind.VULNRICHMENT, digest_of(ssvc), AT, 1, clock.now())
    entry = KevEntry(
        "CVE-2026-0001", date(2026, 7, 30), date(2026, 8, 20), None, ransomware=True, required_action="Apply updates."
    )
    answers = SsvcEntry("CVE-2026-0001", Exploitation.POC, Answer.YES, Impact.TOTAL, AT)
    with database.transaction(ANYONE) as tx:
        assert facts_for(tx, "CVE-2026-0001") == CveFacts("CVE-2026-0001", loaded, entry, assessed, answers)
        assert facts_for(tx, "CVE-2026-0002") == CveFacts("CVE-2026-0002", loaded, None, assessed, None)
        assert facts_for(tx, None) == CveFacts(None, loaded, None, assessed, None)


def test_an_unanswered_assessment_comes_back_unanswered(database):
    record = cve_record("CVE-2026-0001", Exploitation="", Automatable="", Technical_Impact="")
    with database.transaction(COORDINATOR) as tx:
        load_source(tx, kind=SourceKind.VULNRICHMENT, raw=json.dumps(record).encode())
        assert facts_for(tx, "CVE-2026-0001").ssvc == SsvcEntry("CVE-2026-0001", None, Answer.UNKNOWN, None, AT)


def test_a_newer_file_replaces_and_the_same_file_changes_nothing(database, clock):
    with database.transaction(COORDINATOR) as tx:
        first = load_source(tx, kind=SourceKind.KEV, raw=kev_file("CVE-2026-0001"))
    clock.advance(hours=1)
    with database.transaction(COORDINATOR) as tx:
        assert load_source(tx, kind=SourceKind.KEV, raw=kev_file("CVE-2026-0001")) == first
        newer = load_source(tx, kind=SourceKind.KEV, raw=kev_file("CVE-2026-0002", released="2026-08-02T00:00:00Z"))
        assert newer.as_of == datetime(2026, 8, 2, tzinfo=UTC)
        assert facts_for(tx, "CVE-2026-0001").kev is None
        assert facts_for(tx, "CVE-2026-0002").kev_source == newer


def test_an_older_file_is_refused(database):
    with database.transaction(COORDINATOR) as tx:
        load_source(tx, kind=SourceKind.KEV, raw=kev_file("CVE-2026-0001"))
        with pytest.raises(Refused, match="2026-07-31T00:00:00"):
            load_source(tx, kind=SourceKind.KEV, raw=kev_file("CVE-2026-0002", released="2026-07-31T00:00:00Z"))
        assert facts_for(tx, "CVE-2026-0001").kev is not None


def test_a_file_without_a_date_needs_one_said(database):
    raw = kev_file("CVE-2026-0001", released=None)
    with database.transaction(COORDINATOR) as tx:
        with pytest.raises(Malformed, match=r"\$\.dateReleased: this file carries no date"):
            load_source(tx, kind=SourceKind.KEV, raw=raw)
        said = AT - timedelta(days=3)
        assert load_source(tx, kind=SourceKind.KEV, raw=raw, as_of=said).as_of == said


@pytest.mark.parametrize("role", [Role.FINDER, Role.OPERATOR, Role.MAINTAINER])
def test_only_coordinators_load(database, role):
    with database.transaction(Viewer(role, UUID(int=7), UUID(int=8))) as tx, pytest.raises(Refused):
        load_source(tx, kind=SourceKind.KEV, raw=kev_file("CVE-2026-0001"))
