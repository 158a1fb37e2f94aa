"""A runner: takes the runs that were sealed to it, runs each in a process of its own, seals what it came to.

It holds its own keys and a database role that sees its own rows and nothing else. It loses the database: what runs goes
on, and is answered later. It is asked to stop: what it has not finished it gives back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import class_row

from leadtime.foundation.database.connect import connect
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.workflows.farm.answers import as_answer, read_question
from leadtime.workflows.farm.envelopes import ANSWER, RUN, OwnKeys, close, new_keys, open_up, read_own
from leadtime.workflows.farm.records import PublicKeys, What

OWN_FILE, TRUSTED_FILE = "runner.key", "installation.pub"
SPEAK_SECONDS = 1.0
"""How often it says that it is there, and asks for runs."""

RETURN_SECONDS = 2.0
ALONE_LOCK = 7_003
"""Advisory lock, with the role's own number: one process at a time is a runner."""

Run = Callable[[What, bytes, threading.Event], bytes]
"""Does what is asked in a child process and returns its answer; raises `Unavailable` if it cannot, or is to stop."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Given:
    """A row that was taken."""

    id: UUID
    message: bytes


@dataclass(frozen=True, slots=True)
class _Running:
    ended: Future[bytes]
    stopping: threading.Event


@dataclass(slots=True)
class Runner:
    """One runner at work; `work` returns when ``stopping`` is set and everything is answered or given back."""

    url: str
    own: OwnKeys
    installation: PublicKeys
    run: Run
    slots: int
    stopping: threading.Event
    _running: dict[UUID, _Running] = field(default_factory=dict)

    def work(self) -> None:
        """Work until told to stop, through losses of the database.

        Raises `Refused` where it is not wanted, or cannot open what it is given.
        """
        with ThreadPoolExecutor(self.slots) as threads:
            try:
                while not self.stopping.is_set():
                    try:
                        self._work_connected(threads)
                    except (psycopg.OperationalError, Unavailable) as problem:
                        log.warning("runner starts anew", problem=type(problem).__name__)
                        self.stopping.wait(RETURN_SECONDS)
            finally:
                for each in self._running.values():
                    each.stopping.set()

    def _work_connected(self, threads: ThreadPoolExecutor) -> None:
        with connect(self.url, None) as connection:
            connection.autocommit = True
            link = Link(connection)
            link.refuse_second()
            link.begin_anew(list(self._running))
            log.info("working", role=link.role, slots=self.slots)
            while not self.stopping.is_set():
                link.speak(self.slots)
                self._forget_withdrawn(link)
                self._answer(link)
                for given in link.take(self.slots - len(self._running)):
                    content, stop = self._open(link, given), threading.Event()
                    ended = threads.submit(self._run_and_close, link.role, given.id, content, stop)
                    self._running[given.id] = _Running(ended, stop)
                self.stopping.wait(SPEAK_SECONDS)
            self._leave(link)

    def _open(self, link: Link, given: Given) -> bytes:
        """Return what is asked; one that cannot open it gives all back, says so, and raises `Refused`."""
        try:
            content = open_up(RUN, given.message, run=given.id, role=link.role, by=self.installation, to=self.own)
        except Malformed as problem:
            link.note_unopened()
            self._leave(link)
            raise Refused(
                "this runner cannot open what is sealed to it: its keys are not those that it was added with",
                where=link.role,
                next_step="Run leadtime runner trust here again, or there remove it and add it by this host's key.",
            ) from problem
        link.note_opened()
        return content

    def _run_and_close(self, role: str, run: UUID, content: bytes, stop: threading.Event) -> bytes:
        """Return the sealed answer to a run; raises `Unavailable` if the run was stopped."""
        try:
            what, asked = read_question(content)
            answer = as_answer(self.run(what, asked, stop))
        except LeadtimeError as problem:
            if stop.is_set():
                raise
            answer = as_answer(problem)
        except OSError as problem:  # this host cannot run anything just now
            answer = as_answer(Unavailable(f"the runner could not run it ({problem.strerror})"))
        return close(ANSWER, answer, run=run, role=role, by=self.own, to=self.installation)

    def _forget_withdrawn(self, link: Link) -> None:
        """Stop what was given to another since."""
        mine = link.open_runs()
        for run, running in list(self._running.items()):
            if run not in mine:
                running.stopping.set()
                if running.ended.done():
                    del self._running[run]

    def _answer(self, link: Link) -> None:
        """Hand over what has ended, but for what was stopped: that is another's."""
        for run, running in list(self._running.items()):
            if not running.ended.done():
                continue
            try:
                link.answer(run, running.ended.result())
            except LeadtimeError as problem:
                log.warning("a run cannot be answered", run=str(run), problem=str(problem))
            del self._running[run]

    def _leave(self, link: Link) -> None:
        """Stop what runs, answer what has ended, give the rest back, and say that nobody is here."""
        link.speak(0)
        for each in self._running.values():
            each.stopping.set()
        wait([each.ended for each in self._running.values()])
        self._answer(link)
        link.give_back()


@dataclass(frozen=True, slots=True)
class Link:
    """What a runner may say to the database: nine statements on rows of its own."""

    connection: psycopg.Connection[tuple[object, ...]]

    @property
    def role(self) -> str:
        """Return who the database takes this runner for."""
        return self.connection.info.user

    def refuse_second(self) -> None:
        """Be the only process of this runner; raises `Unavailable` while another is, or was a moment ago."""
        query = "select pg_try_advisory_lock(%s, hashtext(current_user))"
        if self.connection.execute(query, [ALONE_LOCK]).fetchone() != (True,):
            raise Unavailable("another process works as this runner", where=self.role, next_step="Add a second runner.")

    def speak(self, slots: int) -> None:
        """Say that the runner is there with so many slots; raises `Refused` if it was never admitted, or removed."""
        statement = "update runners set heard_at = now(), slots = %s where role = current_user"
        if self.connection.execute(statement, [slots]).rowcount != 1:
            raise Refused("this runner is not admitted", where=self.role, next_step="Run leadtime runner add there.")

    def note_unopened(self) -> None:
        """Say that this runner could not open what was sealed to it."""
        self.connection.execute("update runners set unopened_at = now() where role = current_user")

    def note_opened(self) -> None:
        """Say that this runner opens what is sealed to it."""
        self.connection.execute(
            "update runners set unopened_at = null where role = current_user and unopened_at is not null"
        )

    def begin_anew(self, running: list[UUID]) -> None:
        """Have runs that an earlier process of this runner had begun taken again."""
        self.connection.execute(
            "update runs set taken_at = null where taken_at is not null and answered_at is null and id <> all(%s)",
            [running],
        )

    def take(self, runs_max: int) -> list[Given]:
        """Take runs, the oldest first."""
        statement = """update runs set taken_at = now(), takings = takings + 1 where id in (
            select id from runs where taken_at is null and answered_at is null order by given_at, id limit %s)
            returning id, message"""
        with self.connection.cursor(row_factory=class_row(Given)) as cursor:
            return list(cursor.execute(statement, [max(runs_max, 0)]))

    def open_runs(self) -> set[UUID]:
        """Return the runs that are still this runner's and wait for its answer."""
        rows = self.connection.execute("select id from runs where taken_at is not null and answered_at is null")
        return {run for (run,) in rows if isinstance(run, UUID)}

    def answer(self, run: UUID, message: bytes) -> None:
        """Hand in the sealed answer; nothing happens if the run was given to another since."""
        statement = "update runs set answer = %s, answered_at = now() where id = %s and answered_at is null"
        self.connection.execute(statement, [message, run])

    def give_back(self) -> None:
        """Give back what was taken and not answered; it does not count as a death."""
        self.connection.execute(
            "update runs set taken_at = null, takings = takings - 1 where taken_at is not null and answered_at is null"
        )


def make_runner_keys(home: Path) -> PublicKeys:
    """Return this runner's public keys, making the secret ones (mode 0600) on the first call."""
    path = home / OWN_FILE
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(new_keys().as_bytes())
    return read_own(path.read_bytes(), where=str(path)).public


def trust_installation(home: Path, keys: PublicKeys) -> None:
    """Take runs from that installation alone, from now on."""
    (home / TRUSTED_FILE).write_text(keys.as_text() + "\n")


def is_runner(home: Path) -> bool:
    """Tell whether this is a runner's home: it has a runner's key, and none of an installation's."""
    return (home / OWN_FILE).exists() and not (home / "keys").exists()


def read_runner_keys(home: Path) -> tuple[OwnKeys, PublicKeys]:
    """Return a runner's own keys and those of its installation; raises `Missing` where it knows no installation."""
    trusted = home / TRUSTED_FILE
    if not trusted.exists():
        raise Missing(
            "this runner knows no installation", where=str(home), next_step="Run leadtime runner trust with its key."
        )
    own = read_own((home / OWN_FILE).read_bytes(), where=str(home / OWN_FILE))
    return own, PublicKeys.from_text(trusted.read_text().strip(), where=str(trusted))
