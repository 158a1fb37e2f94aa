"""A finder asks a running server what it holds; it learns of its own findings alone, and only so often."""

from __future__ import annotations

import base64
import json
import threading
from uuid import UUID

import pytest
from sqlalchemy import text

from leadtime.doors import held_shelf
from leadtime.doors.cli import asking
from leadtime.doors.cli.main import run
from leadtime.flow import merging, validation
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import held as held_module
from leadtime.flow.merging.held import FINGERPRINTS_A_DAY_MAX, HELD
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Refused, Unavailable
from leadtime.workflows.engine import Station
from leadtime.workflows.report_to_operator import hand_in, merge, open_case
from tests.doors.live import listening
from tests.workflows.story import a_story_report, believe

private_match = pytest.importorskip("leadtime.private_match")
pytest.importorskip("private_set_intersection.python", reason="openmined-psi has no wheel for this machine")

UJSON = "pkg:pypi/ujson"
LEAF = ("--project", f"{UJSON}@5.1.0", "--file", "lib/leaf.c")


@pytest.fixture
def at_work(database, site, finder):
    """Take a report from the finder to its case, as workers do."""
    station = Station(database, None, site.settings)

    def take(reference: str) -> None:
        with database.transaction(finder.viewer) as tx:
            report = hand_in(tx, a_story_report(reference)).id
        with database.transaction(SYSTEM) as tx:
            begun = validation.begin_validation(tx, report)
            validation.absorb_validation(tx, begun, believe(begun, threading.Event()))
        merge(station, report)
        with database.transaction(SYSTEM) as tx:
            vulnerability = merging.vulnerability_of(tx, report)
        open_case(station, vulnerability)

    return take


@pytest.fixture
def held(site, coordinator, monkeypatch, capsys):
    """Run ``leadtime held --json`` as somebody against the site, which really listens."""
    with listening(site) as url:
        monkeypatch.setenv("LEADTIME_URL", url)

        def ask(somebody, *arguments: str):
            monkeypatch.setenv("LEADTIME_TOKEN", somebody.token)
            code = run(["held", *arguments])
            told = capsys.readouterr()
            return code, told.out, told.err

        yield ask


def test_another_finder_learns_that_it_is_held_and_whom_to_talk_to_and_nothing_else(held, at_work, stranger):
    at_work("A-1")
    code, out, _ = held(stranger, *LEAF, "--function", "leaf", "--line", "530", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["findings"] == [
        {"finding": "lib/leaf.c", "held": True, "by": "the same function of the same file", "cases": []}
    ]
    assert told["coordinators"] == ["Coordination Centre"]
    assert (told["spent"], told["budget"], told["renewed_at"]) == (8, 2048, "2026-08-04T00:00:00Z")
    code, out, err = held(stranger, *LEAF, "--function", "other")
    assert (code, out) == (3, "lib/leaf.c: not held\n")
    assert err == (
        "Of what was held at 2026-08-03T09:00:00Z; a report counts once it is validated and merged. "
        "16 of 2048 fingerprints asked for today.\n"
    )


@pytest.mark.parametrize(
    ("asked", "by"),
    [
        (("--file", "lib/leaf.c", "--line", "525"), "close lines of a file of that name"),
        (("--file", "src/moved/leaf.c", "--function", "leaf"), "the same function of a file of that name"),
        (
            ("--file", "renamed.c", "--function", "leaf", "--cwe", "CWE-121"),
            "a function of that name with the same kind of weakness",
        ),
        (("--signature", "sha256:leaf"), "the same crash"),
    ],
)
def test_drift_and_renames_do_not_defeat_it(held, at_work, stranger, asked, by):
    at_work("A-1")
    code, out, _ = held(stranger, "--project", UJSON, *asked)
    assert code == 0
    assert f": held, by {by}\nTalk to Coordination Centre: http" in out


def test_who_is_in_the_case_already_gets_its_number(held, at_work, finder, database):
    at_work("A-1")
    with database.transaction(SYSTEM) as tx:
        number = tx.connection.scalar(text("select number from cases"))
    code, out, _ = held(finder, *LEAF, "--function", "leaf")
    assert code == 0
    assert out.startswith(f"lib/leaf.c: held, by the same function of the same file; yours: {number}\n")


def test_reports_can_be_asked_for_before_they_are_handed_in(held, at_work, stranger, tmp_path):
    at_work("A-1")
    report = json.loads(a_story_report("B-1"))
    mine = tmp_path / "mine.ndjson"
    lines = []
    for function in ("leaf", "root"):
        report["locations"] = [{"file": f"lib/{function}.c", "function": function}]
        lines.append(json.dumps(report))
    mine.write_text("\n".join(lines))
    code, out, _ = held(stranger, "--report", str(mine), "--json")
    assert code == 0
    assert [each["held"] for each in json.loads(out)["findings"]] == [True, False]


def test_a_row_that_names_no_place_is_left_out_and_stops_no_other(held, stranger, tmp_path):
    table = tmp_path / "mine.csv"
    rows = ("title,component,file,function,line", f"x,{UJSON}@5.1.0,a.c,,0", f"y,{UJSON}@5.1.0,b.c,f,")
    table.write_text("\n".join(rows))
    code, out, err = held(stranger, "--report", str(table))
    assert (code, out) == (3, f"{table}, line 3: not held\n")
    why = "it says too little of where the flaw lies. Give a file with a function or a line."
    assert err.startswith(f"{table}, line 2: left out, {why}\nOf what was held at ")
    table.write_text("\n".join(rows[:2]))
    code, out, err = held(stranger, "--report", str(table))
    assert (code, out) == (2, "")
    assert err.endswith("\n--report: no report here can be asked for. Give each a file with a line.\n")


def test_the_server_sees_nothing_in_clear(held, stranger, monkeypatch):
    sent: list[bytes] = []
    carry = asking.ask

    def note(client, request):
        sent.append(request.read())
        return carry(client, request)

    monkeypatch.setattr(asking, "ask", note)
    assert held(stranger, *LEAF, "--function", "secret_place")[0] == 3
    (body,) = sent
    request = base64.b64decode(json.loads(body)["request"])
    clue = merging.Clue(UJSON, "lib/leaf.c", "secret_place")
    for _, mark in merging.fingerprints_of(clue):
        assert mark not in request
        assert mark.hex().encode() not in request
    for word in (b"ujson", b"leaf", b"secret_place", b"pypi"):
        assert word not in request
        assert word not in body


def test_the_set_cannot_be_walked_through(held, finder, stranger, database, clock):
    asker = private_match.Asker.of([bytes([n % 256]) * 31 + bytes([n // 256]) for n in range(1024)])
    assert private_match.count_asked(asker.request) * 2 == FINGERPRINTS_A_DAY_MAX
    for _ in range(2):
        with database.transaction(stranger.viewer) as tx:
            merging.count_ask(tx, 1024)
    code, out, err = held(stranger, *LEAF, "--function", "leaf")
    assert (code, out) == (2, "")
    assert err == (
        "held: your organisation may ask for 2048 fingerprints a day, and 0 are left. "
        "Ask for fewer, or come back at 2026-08-04 00:00 UTC.\n"
    )
    assert held(finder, *LEAF, "--function", "leaf")[0] == 3
    clock.advance(hours=14, minutes=59, seconds=59)
    assert held(stranger, *LEAF, "--function", "leaf")[0] == 2
    clock.advance(seconds=1)
    assert held(stranger, *LEAF, "--function", "leaf")[0] == 3


def test_an_asking_is_counted_before_it_is_answered_and_is_a_read_of_what_is_held(
    clients, database, stranger, coordinator, monkeypatch
):
    program = clients(stranger.token)
    asker = private_match.Asker.of([b"a" * 32])
    body = {"request": base64.b64encode(asker.request).decode()}

    def fail(*_: object) -> bytes:
        raise Unavailable("no answer")

    monkeypatch.setattr(private_match.Holder, "answer", fail)
    assert program.post("/api/v1/held", json=body).status_code == 503
    told = program.get("/api/v1/held").json()["items"]
    assert [(each["person"], each["fingerprints"]) for each in told] == [(str(stranger.person.id), 8)]
    assert clients(coordinator.token).get("/api/v1/held").json()["items"] == told
    with database.transaction(SYSTEM) as tx:
        read = tx.connection.execute(text("select person, entities from reads order by leaf desc limit 1")).one()
    assert read.person == stranger.person.id
    assert {str(each) for each in read.entities} == {told[0]["id"], str(HELD)}


def test_another_finders_askings_are_not_seen(clients, database, stranger, finder):
    with database.transaction(stranger.viewer) as tx:
        merging.count_ask(tx, 8)
    assert clients(finder.token).get("/api/v1/held").json()["items"] == []


def test_the_set_is_prepared_anew_after_an_hour(database, clock):
    shelf = held_shelf.HeldShelf()
    first = shelf.prepared(database)
    clock.advance(minutes=59, seconds=59)
    assert shelf.prepared(database) is first
    clock.advance(seconds=1)
    second = shelf.prepared(database)
    assert (second is first, second.as_of) == (False, clock.now())


def test_who_asks_while_it_is_prepared_is_told_to_come_again(database, monkeypatch):
    shelf = held_shelf.HeldShelf()
    monkeypatch.setattr(held_shelf, "PREPARING_SECONDS_MAX", 0.0)
    with shelf._one_at_a_time, pytest.raises(Unavailable) as refused:
        shelf.prepared(database)
    assert str(refused.value) == ("held: what is held is being prepared to be asked for. Ask again in a minute.")


def test_fingerprints_lie_sealed(at_work, finder, database):
    at_work("A-1")
    with database.transaction(SYSTEM) as tx:
        (stored,) = tx.connection.scalars(text("select marks from held_marks"))
        (held_now,) = [merging.read_held(tx)]
    assert len(held_now) == 6
    assert not any(mark in stored for mark in held_now)
    with database.transaction(finder.viewer) as tx:
        assert tx.connection.scalar(text("select count(*) from held_marks")) == 0


def test_what_is_too_much_to_be_matched_is_held_as_far_as_the_newest_and_of_no_finder_all(database, clock, monkeypatch):
    def note(number: int, finder: UUID) -> set[bytes]:
        marks = {bytes([number, each]) * (private_match.ELEMENT_BYTES // 2) for each in range(2)}
        with database.transaction(SYSTEM) as tx:
            merging.note_held(tx, ReportId(UUID(int=number)), OrganisationId(finder), marks)
        clock.advance(seconds=1)
        return marks

    def held() -> frozenset[bytes]:
        with database.transaction(SYSTEM) as tx:
            return merging.read_held(tx)

    monkeypatch.setattr(held_module, "HELD_MAX", 6)
    monkeypatch.setattr(held_module, "MARKS_A_FINDER_MAX", 4)
    one, other, third = UUID(int=1), UUID(int=2), UUID(int=3)
    first = note(1, one)
    assert held() == first
    second = note(2, one)
    newest = note(3, one)
    assert held() == second | newest
    others = note(4, other)
    assert held() == second | newest | others
    thirds = note(5, third)
    assert held() == newest | others | thirds


def test_only_named_people_ask(database, coordinator):
    with database.transaction(SYSTEM) as tx, pytest.raises(Refused, match="only a named person asks what is held"):
        merging.count_ask(tx, 8)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "held: name a project or give reports. Give --project, or --report FILE.\n"),
        (
            ("--project", UJSON, "--file", "a.c"),
            "held: this says too little of where the flaw lies. Give a file with a function or a line.\n",
        ),
        (("--project", "ujson"), "--project: this is not a package URL. Write it like pkg:pypi/name@1.0"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_anything_is_sent(arguments, sentence, capsys):
    assert run(["held", *arguments]) == 2
    assert capsys.readouterr().err.startswith(sentence)


def test_what_is_no_request_is_refused_and_costs_nothing(clients, stranger):
    program = clients(stranger.token)
    for wrong in ("%%%", base64.b64encode(b"LTPM\x01").decode()):
        answer = program.post("/api/v1/held", json={"request": wrong})
        assert (answer.status_code, answer.json()["where"]) == (400, "request")
    assert program.get("/api/v1/held").json()["items"] == []
