"""A back-up and restore drill, as docs/operate/backups.md tells it: an older dump comes back, and no leaf is lost."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import func, select

from leadtime.flow import parties, window
from leadtime.flow.window import Upstream, Variant, WireFormat
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database.confinement import LIBRARIES, PROGRAMS, WHEEL, confine
from leadtime.foundation.database.embedded import ADMIN, EmbeddedServer, start_embedded
from leadtime.foundation.database.roles import create_role
from leadtime.foundation.errors import Refused
from leadtime.foundation.settings import read_settings
from leadtime.ledger import CHECKPOINT, READS, Keeper, Round, append, log_home, new_leaf, sequencer_of
from leadtime.ledger.tables import leaves
from leadtime.workflows.opening import open_database
from tests.stories.installations import Installation

OWNER, PASSWORD, NAME = "an_owner", "a password", "clearinghouse"
PROGRAM_SECONDS_MAX = 60
CREDENTIAL = "sk-upstream"
BEFORE, AFTER = 4, 7
"""Leaves of the log of reads when the dump is taken, and those that come after it."""


@dataclass
class Site:
    """An installation on somebody's PostgreSQL, dumped and restored with PostgreSQL's own programs."""

    server: EmbeddedServer
    installation: Installation
    models: list[window.Model] = field(default_factory=list)

    def program(self, name: str, database: str, *arguments: object) -> None:
        """Run a program of PostgreSQL as the server's administrator, whom no policy holds."""
        programs = confine(self.server.directory).programs
        connection = make_conninfo(self.server.conninfo(ADMIN, database))
        subprocess.run(
            [programs / WHEEL / PROGRAMS / name, *arguments, "--dbname", connection], pass_fds=(self.server.socket,),
            env={"LD_LIBRARY_PATH": str(programs / LIBRARIES)}, timeout=PROGRAM_SECONDS_MAX, check=True,
        )  # fmt: skip

    def dump(self, file: Path) -> None:
        self.program("pg_dump", NAME, "--format=custom", "--create", "--file", file)

    def restore(self, file: Path) -> None:
        self.program("pg_restore", "postgres", "--clean", "--if-exists", "--create", "--exit-on-error", file)

    @property
    def home(self) -> Path:
        return self.installation.home

    def opened(self):
        return open_database(read_settings(self.installation.environment()), SystemClock())

    def log_reads(self, count: int) -> None:
        database = self.opened()
        with database.transaction(SYSTEM) as tx:
            for _ in range(count):
                append(tx, READS, new_leaf(tx.keys, READS, kind="read", at=tx.now, fields={}))
        database.engine.dispose()

    def offer(self, name: str) -> None:
        """Let a developer enrol a model: its log's first leaves, and a sealed credential."""
        database = self.opened()
        with database.transaction(SYSTEM) as tx:
            lab = parties.enrol_organisation(tx, name=f"Lab of {name}", role=Role.DEVELOPER)
            person = parties.enrol_person(tx, organisation=lab.id, name="Ada Example", email="ada@example.org")
        viewer = Viewer(role=Role.DEVELOPER, organisation=lab.id, person=person.id)
        with database.transaction(viewer) as tx:
            upstream, variants = Upstream("http://127.0.0.1:9/v1", CREDENTIAL), (Variant("on", name),)
            self.models.append(
                window.enrol_model(tx, name=name, variants=variants, upstream=upstream, wire_format=WireFormat.OPENAI)
            )
        database.engine.dispose()

    def turn(self):
        """Turn every log once, as a process that has just started does."""
        database = self.opened()
        keeper = Keeper(database, lambda log: sequencer_of(database, log, self.home))
        outcomes = keeper.turn_all()
        database.engine.dispose()
        return outcomes

    def verified(self, name: str, *earlier: Path) -> int:
        """Verify the files of a log as anybody may, and return how many leaves it has."""
        older = [part for path in earlier for part in ("--earlier", str(path))]
        told = self.installation.tell("ledger", "verify", "--from", str(self.home / "ledger" / name), *older)
        assert told["holds"]
        return told["size"]

    def rows(self, name: str) -> int:
        database = self.opened()
        with database.transaction(SYSTEM) as tx:
            found = tx.connection.scalar(select(func.count()).where(leaves.c.log == name, leaves.c.index.is_not(None)))
        database.engine.dispose()
        return found


@pytest.fixture
def site(tmp_path):
    server = start_embedded(tmp_path / "elsewhere", fleeting=True)
    with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as connection:
        create_role(connection, OWNER, PASSWORD)
        connection.execute(f"alter role {OWNER} createrole")
        connection.execute(f"create database {NAME} owner {OWNER}")
    url = make_conninfo(server.conninfo(ADMIN, NAME), user=OWNER, password=PASSWORD)
    installation = Installation(tmp_path / "home", more={"LEADTIME_DATABASE_URL": url})
    assert installation.ask("init")[0] == 0
    yield Site(server, installation)
    server.release()


@pytest.fixture
def restored(site, tmp_path):
    """The site after its older dump came back: leaves were signed that this database has never seen."""
    site.offer("orion-1")
    site.log_reads(BEFORE)
    site.turn()
    site.dump(tmp_path / "dump")
    shutil.copytree(site.home / "ledger", tmp_path / "older-ledger")
    site.log_reads(AFTER)
    site.turn()
    shutil.copytree(site.home / "ledger", tmp_path / "auditors-copy")
    site.restore(tmp_path / "dump")
    return site


def test_a_restored_older_dump_signs_nothing_until_reconciled_and_then_no_leaf_is_lost(restored, tmp_path):
    signed = log_home(restored.home, READS).read(CHECKPOINT)
    refused = restored.turn()[READS]
    assert isinstance(refused, Refused)
    assert refused.what == (
        f"the database ends at {BEFORE} leaves, and a checkpoint of {BEFORE + AFTER} was signed: "
        "an older backup of the database was restored, and the log is read-only until reconciled"
    )
    assert log_home(restored.home, READS).read(CHECKPOINT) == signed

    told = restored.installation.tell("ledger", "reconcile", READS)
    assert (told["size"], told["restored"]) == (BEFORE + AFTER, AFTER)
    restored.log_reads(1)
    assert restored.turn()[READS].added == 1
    assert restored.verified(READS, tmp_path / "auditors-copy" / READS / CHECKPOINT) == BEFORE + AFTER + 1
    assert restored.rows(READS) == BEFORE + AFTER + 1


def test_where_the_disk_is_older_too_the_auditors_copy_brings_back_what_both_lost(restored, tmp_path):
    shutil.rmtree(restored.home / "ledger")
    shutil.copytree(tmp_path / "older-ledger", restored.home / "ledger")
    copy = tmp_path / "auditors-copy" / READS
    told = restored.installation.tell("ledger", "reconcile", READS, "--copy", str(copy))
    assert (told["size"], told["restored"]) == (BEFORE + AFTER, AFTER)
    assert isinstance(restored.turn()[READS], Round)
    assert restored.verified(READS, copy / CHECKPOINT) == BEFORE + AFTER


def test_the_other_logs_and_what_is_sealed_come_back_with_the_dump_and_the_keys(restored, tmp_path):
    log = window.log_of(restored.models[0].id)
    assert isinstance(restored.turn()[log], Round)
    assert restored.verified(log, tmp_path / "auditors-copy" / log / CHECKPOINT) == restored.rows(log)
    database = restored.opened()
    with database.transaction(SYSTEM) as tx:
        assert window.open_upstream_credential(tx, restored.models[0].id) == CREDENTIAL
    database.engine.dispose()


def test_a_dump_holds_nothing_that_was_sealed(restored, tmp_path):
    plain = tmp_path / "plain"
    restored.program("pg_dump", NAME, "--file", plain)
    assert "orion-1" in plain.read_text()
    assert CREDENTIAL not in plain.read_text()
