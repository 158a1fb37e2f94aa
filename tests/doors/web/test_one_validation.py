"""One validation with its runs, each seen from outside; read by whom the report is read."""

from __future__ import annotations

import json

import pytest

from leadtime.doors.read_models.one_validation import (
    RUNS_OF,
    SHOWED,
    NetworkRow,
    RunRow,
    ended_by,
    network_in,
    runs_in,
)
from leadtime.flow import validation
from leadtime.flow.validation.records import RunOf, Showing
from leadtime.foundation.access import SYSTEM
from leadtime.workflows import report_to_operator
from tests.doors.standing import browse
from tests.doors.world import RESULT
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes

HOSTILE = "<img src=x>\u202e" + "frame" * 60


def a_run(of: str = "vulnerable", showed: str = "hit", reason: str = "SEGV in f", **told: object) -> dict[str, object]:
    return {
        "of": of,
        "showed": showed,
        "reason": reason,
        "limit": None,
        "signal": None,
        "exit_code": 1,
        "network": 0,
    } | told


def test_everything_that_a_run_can_be_and_show_has_words():
    assert set(RUNS_OF) == set(RunOf)
    assert set(SHOWED) == set(Showing)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"limit": "the time limit", "signal": 9}, "the time limit"),
        ({"signal": 11}, "SIGSEGV"),
        ({"signal": 99}, "signal 99"),
        ({"exit_code": 0}, "exit code 0"),
        ({"exit_code": None}, "not known"),
    ],
)
def test_a_run_is_ended_by_a_limit_else_a_signal_else_itself(told, words):
    assert ended_by(a_run(**told)) == words


def test_runs_stand_under_what_was_run():
    told = [a_run("control", "quiet", "nothing was seen"), a_run(), a_run(network=2), a_run("fixed", "quiet")]
    assert runs_in(told) == (
        ("Control: a harmless input", (RunRow(1, SHOWED["quiet"], "nothing was seen", "exit code 1", 0),)),
        (
            "Vulnerable release",
            (
                RunRow(1, SHOWED["hit"], "SEGV in f", "exit code 1", 0),
                RunRow(2, SHOWED["hit"], "SEGV in f", "exit code 1", 2),
            ),
        ),
        ("Fixed release", (RunRow(1, SHOWED["quiet"], "SEGV in f", "exit code 1", 0),)),
    )
    assert runs_in(()) == ()


def test_the_network_is_told_in_words():
    asked = {"during": "build", "call": "connect", "transport": "udp", "family": "inet", "address": "9.9.9.9"}
    whispered = {"during": "run", "call": "bind", "transport": "", "family": "unix", "address": "/run/x"}
    told = [{**asked, "port": 53, "times": 3, "dns": True}, {**whispered, "port": 0, "times": 1, "dns": False}]
    assert network_in(told) == (
        NetworkRow("build", "connect udp inet 9.9.9.9 port 53 (a look-up of a name)", 3),
        NetworkRow("run", "bind unix /run/x", 1),
    )


@pytest.fixture
def report(database, finder):
    """A report whose validation is decided, with text of a hostile program in what it showed."""
    with database.transaction(finder.viewer) as tx:
        handed = report_to_operator.hand_in(
            tx, as_bytes(a_report(reference="V", title="Title", reproducer=a_reproducer()))
        ).id
    runs = [a_run(reason=HOSTILE, signal=6, network=1), a_run("fixed", "quiet", "nothing was seen", exit_code=0)]
    releases = [{"purl": "pkg:pypi/ujson@5.0.0", "digest": "sha256:" + "c0" * 32}]
    result = {**RESULT, "reason": HOSTILE, "runs": runs, "releases": releases}
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, handed)
        validation.absorb_validation(tx, begun, validation.Outcome("reproduced", "s", json.dumps(result).encode()))
    return handed


def test_the_page_shows_each_run_and_nothing_of_a_hostile_one_works(clients, finder, report):
    page = browse(clients(), finder).get(f"/reports/{report}/validation").text
    assert page.count("&lt;img src=x&gt;⟨U+202E⟩frameframe") == 2
    assert "<img src=x" not in page
    assert "SIGABRT" in page
    assert "tried 1 time" in page
    assert "sha256:" + "c0" * 32 in page
    assert "Nothing tried it." in page
    assert "How far it can be believed" in page


def test_one_that_waits_says_so(clients, finder):
    sent = as_bytes(a_report(reference="W", reproducer=a_reproducer()))
    handed = clients(finder.token).post("/api/v1/reports", content=sent).json()["id"]
    page = browse(clients(), finder).get(f"/reports/{handed}/validation").text
    assert "No verdict yet." in page
    assert "waiting to be reproduced" in page
    assert "Each run" not in page


def test_another_finder_sees_nothing_of_it(clients, stranger, report):
    assert browse(clients(), stranger).get(f"/reports/{report}/validation").status_code == 404
