from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from leadtime.flow.intake import Received, check_receipt, list_reports, read_receipt, read_report, receive, receive_all
from leadtime.flow.intake.rules import parse_report
from leadtime.flow.intake.tables import reports
from leadtime.foundation.access import ANYONE, SYSTEM, Role
from leadtime.foundation.database import Database
from leadtime.foundation.digests import canonical_json, digest_of
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.keys import KeyRing
from tests.conftest import SettableClock
from tests.flow.intake.factories import a_report, as_bytes
from tests.flow.parties.factories import enrol

SENDERS = 6


def test_a_report_is_answered_with_a_receipt_that_verifies(
    database: Database, clock: SettableClock, keys: KeyRing
) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    sent = a_report(reference="A-1", extra={"kept": [1]})
    with database.transaction(finder) as tx:
        receipt = receive(tx, as_bytes(sent))
    assert check_receipt(receipt, keys.public_key)
    assert (receipt.reference, receipt.received_at, receipt.key_id) == ("A-1", clock.now(), keys.key_id)
    assert receipt.digest == digest_of(canonical_json(sent))
    with database.transaction(finder) as tx:
        assert read_receipt(tx, receipt.id) == receipt
        report = read_report(tx, receipt.id)
    assert report.body.content == canonical_json(sent)
    assert (report.organisation, report.received_at, report.digest) == (
        finder.organisation, receipt.received_at, receipt.digest,
    )  # fmt: skip


@pytest.mark.parametrize("reference", ["A-1", None])
def test_the_same_report_again_gives_the_first_receipt(
    database: Database, clock: SettableClock, reference: str | None
) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    sent = a_report(reference=reference)
    with database.transaction(finder) as tx:
        first = receive(tx, as_bytes(sent))
    clock.advance(hours=1)
    with database.transaction(finder) as tx:
        assert receive(tx, b" " + as_bytes(dict(reversed(sent.items())))) == first
        assert tx.connection.scalar(select(func.count()).select_from(reports)) == 1


def test_the_same_reference_with_other_content_is_a_conflict(database: Database) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    with database.transaction(finder) as tx:
        receive(tx, as_bytes(a_report(reference="A-1")))
    with database.transaction(finder) as tx, pytest.raises(Conflict) as caught:
        receive(tx, as_bytes(a_report(reference="A-1", title="Something else")))
    assert str(caught.value) == (
        "$.reference: another report was handed in under this reference. "
        "Give the changed report a reference of its own."
    )


def test_one_reference_of_two_organisations_is_two_reports(database: Database) -> None:
    _, _, one = enrol(database, Role.FINDER, "Example One")
    _, _, two = enrol(database, Role.FINDER, "Example Two")
    ids = set()
    for finder in (one, two):
        with database.transaction(finder) as tx:
            ids.add(receive(tx, as_bytes(a_report(reference="A-1"))).id)
    assert len(ids) == 2


def test_of_many_senders_at_once_all_get_one_receipt(database: Database) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    together = threading.Barrier(SENDERS)

    def send(_: int) -> object:
        with database.transaction(finder) as tx:
            together.wait()
            return receive(tx, as_bytes(a_report(reference="A-1")))

    with ThreadPoolExecutor(SENDERS) as pool:
        receipts = list(pool.map(send, range(SENDERS)))
    assert len(set(receipts)) == 1


def test_what_a_report_says_is_sealed(database: Database) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    canary = "canary-4711"
    sent = a_report(title=canary, description=canary, reference=canary, component=f"pkg:pypi/{canary}@1", x=canary)
    with database.transaction(finder) as tx:
        receipt = receive(tx, as_bytes(sent))
        row = tx.connection.execute(select(reports)).one()
    stored = b"".join(bytes(value) if isinstance(value, bytes) else str(value).encode() for value in row)
    assert canary.encode() not in stored
    assert receipt.digest.encode() not in stored
    assert bytes.fromhex(receipt.digest.removeprefix("sha256:")) not in stored


def test_who_may_not_hand_in_is_refused_and_nothing_is_kept(database: Database) -> None:
    _, _, auditor = enrol(database, Role.AUDITOR)
    for viewer, refusal in ((auditor, Refused), (ANYONE, Missing), (SYSTEM, Refused)):
        with database.transaction(viewer) as tx, pytest.raises(refusal):
            receive(tx, as_bytes(a_report()))
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.scalar(select(func.count()).select_from(reports)) == 0


def test_a_malformed_report_leaves_nothing(database: Database) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    with database.transaction(finder) as tx, pytest.raises(Malformed):
        receive(tx, b"{}")
    with database.transaction(finder) as tx:
        assert list_reports(tx).reports == ()


def receipts_of(received: tuple[object, ...]) -> list[str | None]:
    return [each.receipt.reference if isinstance(each, Received) else None for each in received]


def test_many_reports_are_received_as_one_is_and_one_that_is_wrong_stops_no_other(
    database: Database, keys: KeyRing
) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    sent = [a_report(reference=f"A-{number}") for number in range(3)]
    raws = [as_bytes(sent[0]), b"{", as_bytes(sent[1]), as_bytes(a_report(reference="A-0", title="Other")), b"{}"]
    with database.transaction(finder) as tx:
        received = receive_all(tx, [*raws, as_bytes(sent[0]), as_bytes(sent[2])])
    assert receipts_of(received) == ["A-0", None, "A-1", None, None, "A-0", "A-2"]
    assert [type(each) for each in received if not isinstance(each, Received)] == [Malformed, Conflict, Malformed]
    assert [each.fresh for each in received if isinstance(each, Received)] == [True, True, False, True]
    assert received[5].receipt == received[0].receipt
    with database.transaction(finder) as tx:
        for each, report in zip((received[0], received[2], received[6]), sent, strict=True):
            assert check_receipt(each.receipt, keys.public_key)
            assert read_receipt(tx, each.receipt.id) == each.receipt
            assert read_report(tx, each.receipt.id).body.content == canonical_json(report)
        page = list_reports(tx)
    assert [each.reference for each in page.reports] == ["A-2", "A-1", "A-0"]


def test_what_was_received_before_gets_its_first_receipt_among_new_ones(
    database: Database, clock: SettableClock
) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    with database.transaction(finder) as tx:
        first = receive(tx, as_bytes(a_report(reference="A-1")))
    clock.advance(hours=1)
    with database.transaction(finder) as tx:
        again, changed, new = receive_all(
            tx,
            [
                as_bytes(a_report(reference="A-1")),
                as_bytes(a_report(reference="A-1", title="Other")),
                as_bytes(a_report(reference="A-2")),
            ],
        )
    assert again == Received(first, fresh=False, body=parse_report(as_bytes(a_report(reference="A-1"))))
    assert isinstance(changed, Conflict)
    assert new.receipt.received_at == clock.now()


def test_nothing_is_received_of_nothing(database: Database) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    with database.transaction(finder) as tx:
        assert receive_all(tx, []) == ()
        assert [type(each) for each in receive_all(tx, [b"{"])] == [Malformed]


def test_batches_and_single_reports_at_once_give_one_report_each(database: Database) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    raws = [as_bytes(a_report(reference=f"A-{number}")) for number in range(4)]
    begin = threading.Barrier(SENDERS)

    def send(sender: int) -> list[object]:
        mine = [raws[sender % 4]] if sender % 2 else raws[sender % 3 :] + raws[: sender % 3]
        begin.wait()
        with database.transaction(finder) as tx:
            return [each.receipt.id for each in receive_all(tx, mine)]

    with ThreadPoolExecutor(SENDERS) as pool:
        found = {report for reports_of in pool.map(send, range(SENDERS)) for report in reports_of}
    assert len(found) == 4
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.scalar(select(func.count()).select_from(reports)) == 4
