"""A run is given to a runner, run there, answered, and absorbed; runners come, go, die, lie, and see only their own."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text

from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused, Unavailable
from leadtime.workflows.farm import give, runner
from leadtime.workflows.farm.admit import admit_runner, list_runners, remove_runner
from leadtime.workflows.farm.give import ask_runner, prove_elsewhere
from leadtime.workflows.farm.records import Asked, What
from leadtime.workflows.farm.rules import TAKINGS_MAX
from leadtime.workflows.prove_apart import read_message
from tests.workflows.farm.conftest import CANARY, COORDINATOR, REPRODUCER, Enrolled, a_taking
from tests.workflows.story import Cast, a_story_report

SECONDS_MAX = 60
SILENT = json.dumps({"verdict": "not_reproduced", "crash": None}).encode()
FINDER = Viewer(Role.FINDER, organisation=UUID(int=1), person=UUID(int=2))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for module, name in ((give, "POLL_SECONDS"), (runner, "SPEAK_SECONDS"), (runner, "RETURN_SECONDS")):
        monkeypatch.setattr(module, name, 0.02)


@contextmanager
def at_work(*workers: runner.Runner):
    """Runners that work while the block runs."""
    with ThreadPoolExecutor(len(workers)) as threads:
        ended = [threads.submit(worker.work) for worker in workers]
        try:
            yield ended
        finally:
            for worker in workers:
                worker.stopping.set()
            for each in ended:
                each.result(SECONDS_MAX)


@contextmanager
def asking(database, taking=None):
    """One who waits for the answer, beside the block."""
    stopping = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(prove_elsewhere, database, taking or a_taking(), stopping)
        try:
            yield waits
        finally:
            stopping.set()


def rows(database, query: str = "select * from runs order by id") -> list:
    with database.transaction(SYSTEM) as tx:
        return list(tx.connection.execute(text(query)).mappings())


def change(database, statement: str) -> None:
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text(statement))


def until(condition) -> None:
    waits = threading.Event()
    for _ in range(SECONDS_MAX * 100):
        if condition():
            return
        waits.wait(0.01)
    pytest.fail("it never came")


def is_there(enrolled: Enrolled) -> None:
    """Let a runner say that it is there, and do nothing."""
    with enrolled.link() as link:
        link.execute("update runners set heard_at = now(), slots = 2 where role = current_user")


def test_a_run_is_sealed_to_a_runner_run_there_and_answered(database, enrolled):
    seen = []

    def run(what, message, _stopping):
        (row,) = rows(database)
        seen.append((what, read_message(message), row["role"], CANARY in row["message"]))
        return SILENT

    with at_work(enrolled.worker(run)):
        outcome = prove_elsewhere(database, a_taking(), threading.Event())

    assert (outcome.verdict, json.loads(outcome.result)) == ("not_reproduced", json.loads(SILENT))
    assert seen == [(What.PROVE, REPRODUCER, enrolled.role, False)]
    assert rows(database) == []


def test_a_runner_that_can_run_nothing_just_now_says_so_and_stays(database, enrolled):
    def run(_what, _message, _stopping):
        raise OSError(28, "No space left on device")

    with at_work(enrolled.worker(run)):
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"could not run it \(No space left on device\)"):
                prove_elsewhere(database, a_taking(), threading.Event())
    assert rows(database) == []


def test_a_report_without_a_reproducer_needs_no_runner(database):
    begun = a_taking()
    without = type(begun)(begun.validation, begun.report, 1, None)

    assert json.loads(prove_elsewhere(database, without, threading.Event()).result)["reason"] == (
        "the report carries no reproducer"
    )


def test_where_no_runner_is_there_nothing_is_given(database, enrolled):
    with asking(database) as waits:
        until(lambda: list_of(database)[0].silent_seconds is None)
    with pytest.raises(Unavailable, match="the worker is stopping"):
        waits.result(SECONDS_MAX)
    assert rows(database) == []


def list_of(database):
    with database.transaction(COORDINATOR) as tx:
        return list_runners(tx)


def test_no_more_is_given_than_a_runner_asks_for(database, enrolled):
    go, running = threading.Event(), []

    def run(_what, _reproducer, _stopping):
        running.append(1)
        assert go.wait(SECONDS_MAX)
        return SILENT

    with at_work(enrolled.worker(run, slots=1)), asking(database) as first:
        until(lambda: running == [1])
        with asking(database, a_taking(number=2)) as second:
            until(lambda: list_of(database)[0].runs == 1)
            assert len(rows(database)) == 1
            go.set()
            assert first.result(SECONDS_MAX).verdict == second.result(SECONDS_MAX).verdict == "not_reproduced"


def test_a_worker_that_stops_leaves_the_run_to_the_next(database, enrolled):
    go, runs = threading.Event(), []

    def run(_what, _reproducer, _stopping):
        runs.append(1)
        assert go.wait(SECONDS_MAX)
        return SILENT

    with at_work(enrolled.worker(run)):
        with asking(database) as first:
            until(lambda: runs == [1])
        with pytest.raises(Unavailable):
            first.result(SECONDS_MAX)
        with asking(database, a_taking(attempt=2)) as second:
            until(lambda: rows(database)[0]["attempt"] == 2)
            with pytest.raises(Conflict, match="another worker has taken this since"):
                prove_elsewhere(database, a_taking(attempt=1), threading.Event())
            go.set()
            assert second.result(SECONDS_MAX).verdict == "not_reproduced"
    assert runs == [1]


def test_the_run_of_a_runner_that_falls_silent_is_given_to_another(database, enrol_runner):
    dead, other = enrol_runner(), enrol_runner()
    is_there(dead)
    with asking(database) as waits:
        until(lambda: rows(database))
        (before,) = rows(database)
        assert before["role"] == dead.role
        change(database, "update runners set heard_at = heard_at - interval '1 minute'")
        with at_work(other.worker(lambda *_: SILENT)):
            assert waits.result(SECONDS_MAX).verdict == "not_reproduced"
    with dead.link() as link:
        late = link.execute("update runs set answer = '\\x00' where id = %s", [before["id"]])
        assert late.rowcount == 0


def test_the_run_of_a_runner_that_was_removed_is_given_to_another(database, enrol_runner):
    dead, other = enrol_runner(), enrol_runner()
    is_there(dead)
    with asking(database) as waits:
        until(lambda: rows(database))
        with database.transaction(COORDINATOR) as tx:
            assert remove_runner(tx, dead.name) == dead.role
        with at_work(other.worker(lambda *_: SILENT)):
            assert waits.result(SECONDS_MAX).verdict == "not_reproduced"


def test_a_run_that_runners_do_not_survive_is_given_up(database, enrolled):
    is_there(enrolled)
    with asking(database) as waits:
        until(lambda: rows(database))
        change(database, f"update runs set takings = {TAKINGS_MAX + 1}")
        with pytest.raises(Refused, match=r"its runner died or stopped answering \(begun 6 times\)"):
            waits.result(SECONDS_MAX)
    assert rows(database) == []


def test_a_runner_that_starts_again_begins_its_runs_anew(database, enrolled):
    is_there(enrolled)
    with asking(database) as waits:
        until(lambda: rows(database))
        with enrolled.link() as link:
            link.execute("update runs set taken_at = now(), takings = 1")
        with at_work(enrolled.worker(lambda *_: SILENT)):
            assert waits.result(SECONDS_MAX).verdict == "not_reproduced"


def test_a_runner_that_is_asked_to_stop_gives_back_what_it_has_not_finished(database, enrolled):
    begun = threading.Event()

    def run(_what, _reproducer, stopping):
        begun.set()
        assert stopping.wait(SECONDS_MAX)
        raise Unavailable("the worker is stopping")

    with asking(database):
        with at_work(enrolled.worker(run)):
            assert begun.wait(SECONDS_MAX)
        (row,) = rows(database)
        (left,) = list_of(database)
    assert (row["taken_at"], row["takings"], row["answer"], left.slots) == (None, 0, None, 0)


def test_a_runner_goes_on_after_a_lost_connection(database, enrolled, server):
    go, runs = threading.Event(), []

    def run(_what, _reproducer, _stopping):
        runs.append(1)
        assert go.wait(SECONDS_MAX)
        return SILENT

    with at_work(enrolled.worker(run)), asking(database) as waits:
        until(lambda: runs == [1])
        with psycopg.connect(server.conninfo("leadtime_admin", "postgres"), autocommit=True) as admin:
            query = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = %s"
            assert admin.execute(query, [enrolled.role]).fetchone() == (1,)
        go.set()
        assert waits.result(SECONDS_MAX).verdict == "not_reproduced"
    assert runs == [1]


def test_what_a_runner_cannot_do_now_is_tried_again(database, enrolled):
    def run(*_):
        raise Unavailable("the index does not answer")

    with at_work(enrolled.worker(run)), pytest.raises(Unavailable, match="a runner says: the index does not answer"):
        prove_elsewhere(database, a_taking(), threading.Event())


def test_a_run_that_took_too_long_is_given_up_at_once(database, enrolled):
    def run(*_):
        raise Refused("it took more than 14400 s")

    with at_work(enrolled.worker(run)), pytest.raises(Refused, match=r"^a runner says: it took more than 14400 s\."):
        prove_elsewhere(database, a_taking(), threading.Event())
    assert rows(database) == []


def test_an_answer_that_somebody_else_wrote_counts_for_nothing(database, enrolled):
    """Whoever writes into the database cannot answer for a runner."""
    is_there(enrolled)
    with asking(database) as waits:
        until(lambda: rows(database))
        change(database, "update runs set answer = '\\x0011', answered_at = now()")
        with pytest.raises(Malformed, match="a sealed message does not open"):
            waits.result(SECONDS_MAX)
    assert rows(database) == []


def test_what_a_runner_answers_is_distrusted(database, enrolled):
    with at_work(enrolled.worker(lambda *_: b'{"verdict": "fine"}')), pytest.raises(Malformed, match="verdict"):
        prove_elsewhere(database, a_taking(), threading.Event())


@pytest.mark.parametrize("wrong", ["installation", "own"])
def test_a_runner_that_cannot_open_a_run_gives_it_back_at_once_and_says_so(database, enrol_runner, wrong):
    astray, other = enrol_runner(), enrol_runner()
    worker = astray.worker(lambda *_: pytest.fail("opened"))
    keys = runner.new_keys()
    setattr(worker, wrong, keys.public if wrong == "installation" else keys)
    with asking(database) as waits:
        with pytest.raises(Refused, match=rf"^{astray.role}: this runner cannot open what is sealed to it: "):
            worker.work()
        (row,) = rows(database)
        assert (row["role"], row["taken_at"], row["takings"], row["answered_at"]) == (astray.role, None, 0, None)
        told = {one.role: (one.slots, one.unopened_at is not None) for one in list_of(database)}
        assert told == {astray.role: (0, True), other.role: (0, False)}
        with at_work(other.worker(lambda *_: SILENT)):
            assert waits.result(SECONDS_MAX).verdict == "not_reproduced"

    with at_work(astray.worker(lambda *_: SILENT)):
        assert prove_elsewhere(database, a_taking(), threading.Event()).verdict == "not_reproduced"
    assert [one.unopened_at for one in list_of(database)] == [None, None]


def test_the_run_of_a_runner_that_was_removed_is_sealed_anew_to_one_of_its_name(database, address, enrolled):
    is_there(enrolled)
    with asking(database) as waits:
        until(lambda: rows(database))
        keys = runner.new_keys()
        with database.transaction(COORDINATOR) as tx:
            assert remove_runner(tx, enrolled.name) == enrolled.role
            assert admit_runner(tx, enrolled.name, keys.public) == enrolled.role
        with at_work(replace(enrolled, keys=keys).worker(lambda *_: SILENT)):
            assert waits.result(SECONDS_MAX).verdict == "not_reproduced"


def test_a_runner_that_does_not_know_what_is_asked_says_so(database, enrolled, monkeypatch):
    monkeypatch.setattr(give, "as_question", lambda _what, message: b"dance\n" + message)
    with (
        at_work(enrolled.worker(lambda *_: SILENT)),
        pytest.raises(Unavailable, match="something that it does not know"),
    ):
        prove_elsewhere(database, a_taking(), threading.Event())
    assert rows(database) == []


def test_two_processes_are_not_one_runner(database, enrolled):
    go = threading.Event()
    runs = []

    def run(*_):
        runs.append(1)
        assert go.wait(SECONDS_MAX)
        return SILENT

    with at_work(enrolled.worker(run)), asking(database) as waits:
        until(lambda: runs == [1])
        with at_work(enrolled.worker(lambda *_: pytest.fail("taken twice"))):
            go.set()
            assert waits.result(SECONDS_MAX).verdict == "not_reproduced"


def test_a_runner_that_is_not_admitted_says_so(database, enrolled):
    with database.transaction(COORDINATOR) as tx:
        remove_runner(tx, enrolled.name)

    with pytest.raises(Refused, match="this runner is not admitted"):
        enrolled.worker(lambda *_: SILENT).work()


def test_a_survey_is_asked_for_apart_from_a_proof(database, enrolled):
    with at_work(enrolled.worker(lambda what, *_: what.value.encode())):
        for what in What:
            asked = Asked(UUID(int=7), 0, what, b"{}")
            assert ask_runner(database, asked, threading.Event()) == what.value.encode()


@pytest.mark.parametrize(
    "statement",
    [
        *(f"select * from {name}" for name in ("reports", "validations", "data_keys", "relations", "organisations")),
        *(f"select * from {name}" for name in ("procrastinate_jobs", "set_aside", "reads", "validation_shares")),
        "select count(*) from reports",
        "select * from runs",
        "select entity from runs",
        "select attempt from runs",
        "select answer from runs",
        "select sealing_key from runners",
        "select name from runners",
        "insert into runs (id) values (gen_random_uuid())",
        "delete from runs",
        "update runs set message = ''",
        "update runs set role = 'leadtime_runner_other'",
        "update runners set role = 'leadtime_runner_other'",
        "update runners set sealing_key = ''",
        "select procrastinate_fetch_job_v2(null, 1)",
        "select leadtime_related(gen_random_uuid())",
        "set role leadtime_app",
        "create table mine (number int)",
        "create temporary table mine (number int)",
        "create function leadtime_role() returns text language sql as 'select ''system'''",
    ],
)
def test_a_runners_role_may_nothing_but_answer(enrolled, statement):
    with enrolled.link() as link:
        link.execute("select set_config('leadtime.role', 'system', false)")
        with pytest.raises(InsufficientPrivilege):
            link.execute(statement)


def test_a_runner_sees_its_own_runs_and_no_others(database, enrol_runner):
    one, other = enrol_runner(), enrol_runner()
    Cast(database).hand_in(a_story_report("A-1"))
    is_there(one)
    with asking(database):
        until(lambda: rows(database))
        with other.link() as link:
            link.execute("select set_config('leadtime.role', 'system', false)")
            assert link.execute("select id, message from runs").fetchall() == []
            assert link.execute("update runs set answer = '\\x00'").rowcount == 0
            assert link.execute("select role from runners").fetchall() == [(other.role,)]
        with one.link() as link:
            ((_, message),) = link.execute("select id, message from runs").fetchall()
    assert CANARY not in message


def test_runners_are_admitted_listed_and_removed_by_coordinators(database, keys):
    mine = Enrolled("lab1", "leadtime_runner_lab1", "", runner.new_keys(), database)
    with database.transaction(COORDINATOR) as tx:
        assert list_runners(tx) == ()
        assert admit_runner(tx, "lab1", mine.keys.public) == "leadtime_runner_lab1"
        (listed,) = list_runners(tx)
        assert (listed.name, listed.role, listed.keys, listed.added_at) == ("lab1", mine.role, mine.keys.public, tx.now)
        assert (listed.slots, listed.silent_seconds, listed.runs) == (0, None, 0)
        with pytest.raises(Conflict, match="lab1: there is a runner of this name"):
            admit_runner(tx, "lab1", mine.keys.public)
        assert remove_runner(tx, "lab1") == "leadtime_runner_lab1"
        with pytest.raises(Missing, match="there is no such runner"):
            remove_runner(tx, "lab1")
    with database.transaction(FINDER) as tx:
        for use in (lambda: list_runners(tx), lambda: remove_runner(tx, "a"), lambda: admit_runner(tx, "a", None)):
            with pytest.raises(Refused):
                use()


def test_a_runners_home_is_told_from_an_installations(home):
    assert not runner.is_runner(home)
    public = runner.make_runner_keys(home)
    assert runner.make_runner_keys(home) == public
    assert ((home / runner.OWN_FILE).stat().st_mode & 0o777, runner.is_runner(home)) == (0o600, True)
    with pytest.raises(Missing, match="this runner knows no installation"):
        runner.read_runner_keys(home)
    other = runner.new_keys().public
    runner.trust_installation(home, other)
    own, trusted = runner.read_runner_keys(home)
    assert (own.public, trusted) == (public, other)
    (home / "keys").mkdir()
    assert not runner.is_runner(home)
