"""Jobs: there with their transaction, tried again, given back when a worker dies, set aside when no try helps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from sqlalchemy import text

from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed, Missing, Refused, Unavailable
from leadtime.foundation.settings import read_settings
from leadtime.workflows.engine import Plan, Station, enqueue, sweep, takings, work, worker
from leadtime.workflows.engine.perform import Decided
from leadtime.workflows.engine.takings import FencedJobManager
from leadtime.workflows.records import Kind, Queue, SetAside, Timings
from leadtime.workflows.rules import ATTEMPTS_MAX, OUTAGE_ATTEMPTS_MAX, PAUSE_SECONDS_MAX, Cause
from leadtime.workflows.set_aside import list_set_aside, try_again
from leadtime.workflows.tries import count_try

GREET = Kind("greet", Queue.FLOW)
PROVE = Kind("prove", Queue.VALIDATION)
COORDINATOR = Viewer(Role.COORDINATOR, organisation=UUID(int=5), person=UUID(int=6))
FINDER = Viewer(Role.FINDER, organisation=UUID(int=1), person=UUID(int=2))
QUICK = Timings(heartbeat_seconds=0.5, dead_after_seconds=2, sweep_seconds=0.5, poll_seconds=0.2, drain_seconds=5)
ENTITY = UUID("0190a000-0000-7000-8000-000000000001")


@pytest.fixture
def station(database, address, home) -> Station:
    return Station(database, address, read_settings({"LEADTIME_HOME": str(home)}))


def run(station: Station, step: Callable[[Station, UUID], None], *, kind: Kind = GREET, queues=(Queue.FLOW,)) -> None:
    asyncio.run(work(station, Plan({kind: step}), queues=queues, concurrency=2, timings=QUICK, until_idle=True))


def jobs(database) -> list[tuple]:
    query = "select task_name, queue_name, args, status::text, attempts from procrastinate_jobs order by id"
    with database.transaction(SYSTEM) as tx:
        return [tuple(row) for row in tx.connection.execute(text(query))]


def put(database, kind: Kind = GREET, entity: UUID = ENTITY) -> None:
    with database.transaction(FINDER) as tx:
        enqueue(tx, kind, entity)


def failed(database, cause: Cause, times: int) -> None:
    """Let the one job have been tried before: ``times`` times, each ended by ``cause``."""
    with database.transaction(SYSTEM) as tx:
        job = tx.connection.scalar(text("select id from procrastinate_jobs"))
        for _ in range(times):
            count_try(tx, job, cause)
        tx.connection.execute(text("update procrastinate_jobs set attempts = attempts + :n"), {"n": times})


def tries(database) -> dict[str, int]:
    with database.transaction(SYSTEM) as tx:
        return {row.cause: row.times for row in tx.connection.execute(text("select cause, times from failed_tries"))}


def take(database, *, worker_died: bool) -> None:
    """Take the one waiting job as a worker whose heart stopped long ago, or beats."""
    with database.transaction(SYSTEM) as tx:
        take_in(tx, age="1 hour" if worker_died else "0")


def take_in(tx, *, age: str) -> None:
    worker = tx.connection.scalar(text("insert into procrastinate_workers default values returning id"))
    beat = "update procrastinate_workers set last_heartbeat = now() - cast(:age as interval) where id = :id"
    tx.connection.execute(text(beat), {"age": age, "id": worker})
    tx.connection.execute(text("select procrastinate_fetch_job_v2(null, :id)"), {"id": worker})


def lose_to_another(database) -> None:
    """Have the running job's worker declared dead, and another take it: in one, or the first may take it again."""
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'"))
        assert sweep(tx, dead_after_seconds=2) == 1
        take_in(tx, age="0")


def test_a_job_is_a_name_a_queue_and_an_id(database):
    put(database, PROVE)

    assert jobs(database) == [("prove", "validation", {"entity": str(ENTITY)}, "todo", 0)]


def test_a_job_of_a_transaction_that_rolls_back_never_was(database):
    with database.engine.connect() as connection, connection.begin() as transaction:
        enqueue(Transaction(connection, SYSTEM, database.clock, database.keys), GREET, ENTITY)
        transaction.rollback()

    assert jobs(database) == []


def test_a_job_is_run_once_and_leaves_no_row(database, station):
    seen = []
    put(database)

    run(station, lambda _, entity: seen.append(entity))

    assert (seen, jobs(database)) == ([ENTITY], [])


def test_a_worker_leaves_other_queues_alone(database, station):
    put(database, PROVE)

    run(station, lambda *_: pytest.fail("taken"), kind=PROVE, queues=(Queue.FLOW,))

    assert jobs(database)[0][3] == "todo"


def test_two_jobs_of_one_step_and_entity_never_run_at_once(database, station):
    running, seen = set(), []

    def step(_, entity):
        assert entity not in running
        running.add(entity)
        seen.append(entity)
        running.discard(entity)

    for _ in range(6):
        put(database)
    run(station, step)

    assert seen == [ENTITY] * 6


def test_a_failed_step_is_tried_again_after_a_pause(database, station):
    put(database)

    def step(*_):
        raise Unavailable("the registry does not answer")

    run(station, step)

    assert jobs(database) == [("greet", "flow", {"entity": str(ENTITY)}, "todo", 1)]
    with database.transaction(SYSTEM) as tx:
        pause = tx.connection.scalar(text("select extract(epoch from scheduled_at - now()) from procrastinate_jobs"))
    assert 0 < pause <= 2


def test_wrong_input_is_set_aside_at_once_with_its_sentence(database, station, clock):
    put(database)

    def step(*_):
        raise Malformed("the purl has no version", where="$.component", next_step="Add it.")

    run(station, step)

    with database.transaction(COORDINATOR) as tx:
        (aside,) = list_set_aside(tx)
    reason = "$.component: the purl has no version. Add it."
    assert aside == SetAside(aside.job, GREET, ENTITY, 1, reason, clock.now())
    assert jobs(database)[0][3] == "failed"


def test_what_an_unexpected_error_says_is_written_nowhere(database, station, capsys):
    put(database)
    failed(database, Cause.FAULT, ATTEMPTS_MAX - 1)

    def step(*_):
        raise KeyError("a canary in a report")

    run(station, step)

    with database.transaction(COORDINATOR) as tx:
        (aside,) = list_set_aside(tx)
    assert aside.attempts == ATTEMPTS_MAX
    assert aside.reason.startswith("an unexpected KeyError at test_engine.py:")
    assert aside.reason.endswith(f"(tried {ATTEMPTS_MAX} times)")
    assert "canary" not in "".join(capsys.readouterr())


def test_a_job_that_was_set_aside_can_be_tried_again_once(database, station):
    put(database)
    seen = []

    def step(_, entity):
        if not seen:
            seen.append("failed")
            raise Refused("not on this host")
        seen.append(entity)

    run(station, step)
    with database.transaction(COORDINATOR) as tx:
        (aside,) = list_set_aside(tx)
        try_again(tx, aside.job)
        assert list_set_aside(tx) == ()
        with pytest.raises(Missing, match="this job is not set aside"):
            try_again(tx, aside.job)
    run(station, step)

    assert seen == ["failed", ENTITY]


def test_only_coordinators_see_what_was_set_aside(database):
    with database.transaction(FINDER) as tx:
        for use in (lambda: list_set_aside(tx), lambda: try_again(tx, 1)):
            with pytest.raises(Refused):
                use()


def test_the_job_of_a_dead_worker_is_given_back(database):
    put(database)
    take(database, worker_died=True)

    with database.transaction(SYSTEM) as tx:
        assert sweep(tx, dead_after_seconds=2) == 1
        assert sweep(tx, dead_after_seconds=2) == 0

    assert jobs(database)[0][3:] == ("todo", 1)


def test_the_job_of_a_worker_that_was_pruned_is_given_back(database):
    put(database)
    take(database, worker_died=True)

    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text("select procrastinate_prune_stalled_workers_v1(2)"))
        assert sweep(tx, dead_after_seconds=2) == 1


def test_the_job_of_a_living_worker_stays_with_it(database):
    put(database)
    take(database, worker_died=False)

    with database.transaction(SYSTEM) as tx:
        assert sweep(tx, dead_after_seconds=2) == 0

    assert jobs(database)[0][3:] == ("doing", 0)


def test_two_sweepers_give_a_job_back_once(database):
    put(database)
    take(database, worker_died=True)

    with database.transaction(SYSTEM) as first, database.transaction(SYSTEM) as second:
        assert sweep(first, dead_after_seconds=2) == 1
        assert sweep(second, dead_after_seconds=2) == 0


def test_a_job_that_kills_its_workers_is_set_aside(database):
    put(database)
    failed(database, Cause.DEATH, ATTEMPTS_MAX - 1)
    take(database, worker_died=True)

    with database.transaction(SYSTEM) as tx:
        assert sweep(tx, dead_after_seconds=2) == 1

    with database.transaction(COORDINATOR) as tx:
        (aside,) = list_set_aside(tx)
    assert aside.reason == f"its worker died or stopped answering (tried {ATTEMPTS_MAX} times)"
    assert (aside.kind, aside.entity, aside.attempts) == (GREET, ENTITY, ATTEMPTS_MAX)
    assert jobs(database)[0][3] == "failed"


@pytest.mark.parametrize(
    ("error", "outages", "faults"), [(RuntimeError("a fault"), 38, 1), (Unavailable("no answer"), 39, 0)]
)
def test_after_a_long_outage_a_job_has_all_its_tries_of_every_other_cause(database, station, error, outages, faults):
    put(database)
    failed(database, Cause.OUTAGE, OUTAGE_ATTEMPTS_MAX - 2)

    def step(*_):
        raise error

    run(station, step)
    assert jobs(database)[0][3] == "todo"
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text("update procrastinate_jobs set scheduled_at = null"))
    take(database, worker_died=True)
    with database.transaction(SYSTEM) as tx:
        assert sweep(tx, dead_after_seconds=2) == 1
    assert jobs(database)[0][3] == "todo"
    assert tries(database) == {"outage": outages, "death": 1} | ({"fault": faults} if faults else {})


def test_tries_are_forgotten_with_their_job(database, station):
    put(database)
    failed(database, Cause.FAULT, 2)
    run(station, lambda *_: None)
    with database.transaction(SYSTEM) as tx:
        sweep(tx, dead_after_seconds=2)
    assert tries(database) == {}


@pytest.mark.parametrize("by", ["its own error", "its worker's death"])
def test_an_entity_whose_job_is_set_aside_is_told_in_that_transaction(database, station, by):
    put(database)
    told = []

    def tell(tx, entity):
        told.append((entity, tx.viewer is SYSTEM, len(list_set_aside(tx))))

    def step(*_):
        raise Malformed("wrong")

    if by == "its own error":
        timings = {"timings": QUICK, "until_idle": True}
        asyncio.run(work(station, Plan({GREET: step}, {GREET: tell}), queues=(Queue.FLOW,), concurrency=1, **timings))
    else:
        failed(database, Cause.DEATH, ATTEMPTS_MAX - 1)
        take(database, worker_died=True)
        with database.transaction(SYSTEM) as tx:
            sweep(tx, dead_after_seconds=2, asides={GREET: tell})
    assert told == [(ENTITY, True, 1)]


def test_a_worker_that_comes_back_late_sets_nothing_aside(database, station):
    put(database)

    def step(*_):
        lose_to_another(database)
        raise Malformed("too late")

    run(station, step)

    assert jobs(database)[0][3:] == ("doing", 1)
    with database.transaction(COORDINATOR) as tx:
        assert list_set_aside(tx) == ()


def test_a_worker_that_comes_back_late_does_not_finish_what_another_took(database, station):
    """While a step runs its worker is declared dead and another takes the job, which must then stay the other's."""
    put(database)

    def step(*_):
        lose_to_another(database)

    run(station, step)

    assert jobs(database)[0][3:] == ("doing", 1)


def test_a_worker_that_comes_back_late_and_failed_does_not_give_back_what_another_took(database, station):
    put(database)

    def step(*_):
        lose_to_another(database)
        raise Unavailable("too late")

    run(station, step)

    assert jobs(database)[0][3:] == ("doing", 1)


def test_a_worker_that_cannot_start_tries_again(database, station, monkeypatch):
    put(database)
    tries, seen = [], []
    make = worker._make_app

    def make_badly_once(*arguments):
        tries.append(1)
        if len(tries) == 1:
            raise OSError("a secret in an error")
        return make(*arguments)

    monkeypatch.setattr(worker, "_make_app", make_badly_once)
    monkeypatch.setattr(worker, "RESTART_SECONDS", 0)
    run(station, lambda _, entity: seen.append(entity))

    assert (len(tries), seen) == (2, [ENTITY])


class Shaky:
    """A connector whose first queries fail as those of a database that is away, and which counts them."""

    def __init__(self, failures: int) -> None:
        self.failures, self.asked = failures, 0

    async def execute_query_async(self, *_: object, **__: object) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise ConnectorException

    async def listen_notify(self, **_: object) -> None:
        await self.execute_query_async()
        raise asyncio.CancelledError


def a_taking(task: str) -> Job:
    return Job(id=1, queue="flow", lock="l", queueing_lock=None, task_name=task, task_kwargs={}, attempts=0)


@pytest.fixture
def shaky(station, monkeypatch) -> FencedJobManager:
    monkeypatch.setattr(takings, "AGAIN_SECONDS", 0)
    return FencedJobManager(Shaky(failures=2), station, Plan({GREET: lambda *_: None}))


@pytest.mark.parametrize("task", ["greet", "unknown"])
def test_how_a_taking_ended_is_written_as_soon_as_the_database_can(shaky, task):
    """A job that nobody finishes would stay for ever with a worker that lives."""
    asyncio.run(shaky.finish_job(a_taking(task), Status.SUCCEEDED, delete_job=True))

    assert shaky.connector.asked == 3


def test_a_worker_that_is_to_stop_leaves_what_it_cannot_write_to_others(shaky, station):
    station.stopping.set()

    with pytest.raises(ConnectorException):
        asyncio.run(shaky.finish_job(a_taking("greet"), Status.SUCCEEDED, delete_job=True))
    assert shaky.connector.asked == 1


def test_a_lost_connection_ends_neither_heartbeat_nor_listening(shaky):
    asyncio.run(shaky.update_heartbeat(1))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(shaky.listen_for_jobs(on_notification=None))

    assert shaky.connector.asked == 3


def test_a_database_that_cannot_give_a_job_now_is_asked_again_later(shaky, station, monkeypatch):
    def away(*_):
        raise Unavailable("the database cannot do this now")

    monkeypatch.setattr(takings, "_take", away)
    assert asyncio.run(shaky.fetch_job(["flow"], 1)) is None


def test_a_job_of_a_kind_that_a_worker_does_not_know_waits_for_one_that_does(database, station):
    put(database)

    run(station, lambda *_: pytest.fail("taken"), kind=Kind("other", Queue.FLOW))

    assert jobs(database)[0][3:] == ("todo", 1)
    with database.transaction(SYSTEM) as tx:
        pause = tx.connection.scalar(text("select extract(epoch from scheduled_at - now()) from procrastinate_jobs"))
    assert 0 < pause <= PAUSE_SECONDS_MAX


def test_a_step_that_is_cut_short_is_tried_again_at_once():
    decision = Decided().get_retry_decision(exception=asyncio.CancelledError(), job=a_taking("greet"))

    assert decision is not None
    assert decision.retry_at <= datetime.now(UTC)


def test_a_job_that_cannot_be_enqueued_fails_as_any_other_statement(database):
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text("set local transaction read only"))
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            enqueue(tx, GREET, ENTITY)


def test_jobs_carry_ids_only(database):
    for kind in (GREET, PROVE):
        put(database, kind, uuid4())

    with database.transaction(SYSTEM) as tx:
        rows = tx.connection.execute(text("select row_to_json(j) from procrastinate_jobs j")).scalars().all()
    for row in rows:
        assert set(row["args"]) == {"entity"}
        assert str(UUID(row["args"]["entity"])) in json.dumps(row)
        assert row["lock"] == f"{row['task_name']}:{row['args']['entity']}"


def test_of_a_queue_with_turns_the_job_whose_turn_it_is_is_taken_and_then_the_oldest(database, station):
    entities = [UUID(int=number) for number in range(1, 6)]
    for entity in entities:
        put(database, PROVE, entity)
    turns, seen = [entities[3], None, entities[1], entities[1], UUID(int=99)], []

    def call(tx):
        assert tx.viewer is SYSTEM
        return turns.pop(0) if turns else None

    plan = Plan({PROVE: lambda _, entity: seen.append(entity)}, calls={Queue.VALIDATION: call})
    asyncio.run(work(station, plan, queues=(Queue.VALIDATION,), concurrency=1, timings=QUICK, until_idle=True))

    assert seen == [entities[number] for number in (3, 0, 1, 2, 4)]


def test_turns_of_a_queue_that_is_not_worked_are_left_alone(database, station):
    put(database)
    plan = Plan({GREET: lambda *_: None}, calls={Queue.VALIDATION: lambda _: pytest.fail("asked")})
    asyncio.run(work(station, plan, queues=(Queue.FLOW,), concurrency=1, timings=QUICK, until_idle=True))
    assert jobs(database) == []


def test_what_is_proven_goes_on_before_anything_else_is_proven(database, station):
    seen = []
    put(database, PROVE)
    put(database, GREET)
    steps = {kind: lambda _station, _entity, kind=kind: seen.append(kind) for kind in (PROVE, GREET)}
    asyncio.run(work(station, Plan(steps), queues=Queue, concurrency=1, timings=QUICK, until_idle=True))
    assert seen == [GREET, PROVE]


def test_a_job_that_is_given_back_keeps_its_turn(database, station):
    first, second = UUID(int=1), UUID(int=2)
    for entity in (first, second):
        put(database, PROVE, entity)
    turns, seen = [second], []

    def step(_, entity):
        if not seen:
            lose_to_sweep(database)
        seen.append(entity)

    plan = Plan({PROVE: step}, calls={Queue.VALIDATION: lambda _: turns.pop() if turns else None})
    asyncio.run(work(station, plan, queues=(Queue.VALIDATION,), concurrency=1, timings=QUICK, until_idle=True))
    assert seen == [second, second, first]


def lose_to_sweep(database) -> None:
    """Have the running job's worker declared dead, and its job given back."""
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'"))
        assert sweep(tx, dead_after_seconds=2) == 1
