"""Give a run to a runner and wait for its answer: what `proving`, `surveying` and `judging` do here, done elsewhere.

The run is a row. If this worker stops meanwhile, whoever takes the job next finds it and waits on.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation import Begun, JudgedPatch, Outcome, Survey, read_judged, read_survey
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Conflict, Refused, Unavailable
from leadtime.foundation.ids import new_id
from leadtime.foundation.settings import Settings
from leadtime.workflows.farm.admit import list_runners
from leadtime.workflows.farm.answers import as_question, read_answer
from leadtime.workflows.farm.envelopes import ANSWER, RUN, close, keys_of, open_up
from leadtime.workflows.farm.records import Asked, PublicKeys, Runner, What
from leadtime.workflows.farm.rules import choose_runner, is_poison, is_there
from leadtime.workflows.farm.tables import runs
from leadtime.workflows.judge_apart import PatchAsked, as_patch_message
from leadtime.workflows.prove_apart import as_message, undecided
from leadtime.workflows.proving import RUN_SECONDS_MAX, read_outcome

POLL_SECONDS = 1.0
NAMESPACE = UUID("0190a000-0000-7000-8000-00000000fa12")


@dataclass(frozen=True, slots=True)
class Answered:
    """A runner's answer, and the keys that it has to be signed with."""

    run: UUID
    role: str
    by: PublicKeys
    message: bytes


@dataclass(frozen=True, slots=True)
class Poison:
    """A run that its runners did not survive."""

    takings: int


def prove_elsewhere(database: Database, begun: Begun, stopping: threading.Event) -> Outcome:
    """Return what a runner says that running the report's reproducer comes to; raises as `ask_runner` and `Malformed`.

    `Malformed`: for an answer that cannot be meant.
    """
    if begun.reproducer is None:
        return read_outcome(undecided("the report carries no reproducer"))
    asked = Asked(begun.validation, begun.attempt, What.PROVE, as_message(begun.reproducer))
    return read_outcome(ask_runner(database, asked, stopping))


def survey_elsewhere(
    database: Database, _settings: Settings, reproducer: Reproducer, stopping: threading.Event
) -> Survey:
    """Return what a runner says of the package's releases; raises as `prove_elsewhere`."""
    return read_survey(_ask_once(database, What.SURVEY, as_message(reproducer), stopping))


def judge_elsewhere(
    database: Database, _settings: Settings, asked: PatchAsked, stopping: threading.Event
) -> JudgedPatch:
    """Return what a runner says of a patch; raises as `prove_elsewhere`."""
    return read_judged(_ask_once(database, What.JUDGE, as_patch_message(asked), stopping))


def _ask_once(database: Database, what: What, message: bytes, stopping: threading.Event) -> bytes:
    """Ask for what has no entity of its own: the same question is one run."""
    entity = uuid5(NAMESPACE, digest_of(as_question(what, message)))
    return ask_runner(database, Asked(entity, 0, what, message), stopping)


def ask_runner(database: Database, asked: Asked, stopping: threading.Event) -> bytes:
    """Return what a runner answers, to be distrusted; waits until one is free.

    Raises `Unavailable` if this worker is to stop or the runner could not do it just now, `Refused` for a run that
    runners do not survive, `Conflict` if a later attempt waits for the answer, `Malformed` if the runner did not seal
    it to us.
    """
    while not stopping.is_set():
        with database.transaction(SYSTEM) as tx:
            found = _look(tx, asked)
        match found:
            case Answered(run, role, by, message):
                return read_answer(open_up(ANSWER, message, run=run, role=role, by=by, to=keys_of(database.keys)))
            case Poison(takings):
                raise Refused(
                    f"its runner died or stopped answering (begun {takings} times)", next_step="Look at its recipe."
                )
        stopping.wait(POLL_SECONDS)
    raise Unavailable("the worker is stopping", next_step="Another waits for the runner's answer.")


def _look(tx: Transaction, asked: Asked) -> Answered | Poison | None:
    """See to it that a living runner has the run; return its answer, once, if it is there."""
    tx.lock("farm", "give")
    age = func.extract("epoch", func.now() - runs.c.given_at).label("age_seconds")
    row = tx.connection.execute(select(runs, age).where(runs.c.entity == asked.entity)).one_or_none()
    runners = list_runners(tx)
    if row is not None:
        if row.attempt > asked.attempt:
            raise Conflict("another worker has taken this since", next_step="It waits for the answer.")
        mine = next((one for one in runners if one.role == row.role), None)
        if mine is not None and row.answer is not None:
            _take_back(tx, row.id)
            return Answered(row.id, row.role, mine.keys, row.answer)
        there = mine is not None and is_there(mine) and row.age_seconds <= RUN_SECONDS_MAX
        if is_poison(row.takings, gone=not there):
            _take_back(tx, row.id)
            return Poison(row.takings)
        if there:
            _count_for(tx, row.id, asked.attempt)
            return None
    if (chosen := choose_runner(runners)) is not None:
        _give(tx, asked, chosen)
    return None


def _take_back(tx: Transaction, run: UUID) -> None:
    tx.connection.execute(delete(runs).where(runs.c.id == run))


def _count_for(tx: Transaction, run: UUID, attempt: int) -> None:
    """Let the answer to a run count for this taking of its validation."""
    tx.connection.execute(update(runs).where(runs.c.id == run, runs.c.attempt < attempt).values(attempt=attempt))


def _give(tx: Transaction, asked: Asked, to: Runner) -> None:
    """Write the run, new or taken from a runner that is gone; under its new id, no late answer fits."""
    run = new_id(tx.now)
    content = as_question(asked.what, asked.message)
    message = close(RUN, content, run=run, role=to.role, by=keys_of(tx.keys), to=to.keys)
    fresh = {"id": run, "attempt": asked.attempt, "role": to.role, "message": message, "given_at": func.now()}
    fresh |= {"taken_at": None, "answer": None, "answered_at": None}
    statement = upsert(runs).values(entity=asked.entity, takings=0, **fresh)
    tx.connection.execute(statement.on_conflict_do_update(index_elements=["entity"], set_=fresh))
