"""A text out of a report is in no file of the server, in no log and in no dump; only the keys outside open it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from leadtime.foundation.database.confinement import confine
from leadtime.foundation.database.connect import address_in, make_engine, make_roles_and
from leadtime.foundation.database.ddl import schema_statements
from leadtime.foundation.database.embedded import ADMIN, password_of, start_embedded
from leadtime.foundation.database.roles import OWNER
from leadtime.foundation.database.transaction import Database
from leadtime.workflows.engine import job_schema
from leadtime.workflows.reads import note_reads
from leadtime.workflows.whole_schema import whole_schema
from tests.workflows.story import (
    CANARY,
    Cast,
    a_story_report,
    patch_by,
    station_of,
    title_of,
    work_until_idle,
)


@pytest.fixture
def durable(home, clock, keys):
    """A server that writes as it does in earnest: fsync, full pages and statement logging of its own choice."""
    server = start_embedded(home / "database")
    make_roles_and("leadtime", server)
    with psycopg.connect(server.conninfo(OWNER, "leadtime")) as owner:
        for statement in (*schema_statements(whole_schema()), *job_schema()):
            owner.execute(statement)
    address = address_in(server, "leadtime")
    engine = make_engine(address)
    yield server, address, Database(engine, clock, keys, note_reads=note_reads)
    engine.dispose()
    server.release()


def dump_of(server, name: str) -> bytes:
    """Return what ``pg_dump`` writes of the whole database, as its superuser, past every policy."""
    confinement = confine(server.directory)
    connection = conninfo_to_dict(server.conninfo(ADMIN, name))
    host = f"{confinement.inner_directory}/socket"
    command = confinement.command("pg_dump", f"--host={host}", f"--username={ADMIN}", "--inserts", name)
    setting = command.index("--clearenv") + 1 if "--clearenv" in command else None
    secret = password_of(server.directory, ADMIN)
    if setting is not None:
        command[setting:setting] = ["--setenv", "PGPASSWORD", secret]
    environment = os.environ | {"PGPASSWORD": secret, "PGPORT": connection["port"]}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def holding(folder: Path, needle: bytes) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


def test_what_a_report_says_is_nowhere_in_clear(durable, home):
    server, address, database = durable
    cast = Cast(database)
    report = cast.hand_in(a_story_report("A-1"))
    cast.hand_in(a_story_report("B-1", verdict="not_reproduced"), by=cast.other_finder)
    cast.keep_inventory("canary-asset-in-ward-seven")
    work_until_idle(station_of(database, address, str(home)))
    with psycopg.connect(address.app) as broken, pytest.raises(psycopg.Error):
        broken.execute("select 1 / (select count(*) from reports where body = %s)", [CANARY.encode()])
    with psycopg.connect(server.conninfo(ADMIN, "leadtime"), autocommit=True) as admin:
        admin.execute("checkpoint")

    assert CANARY in title_of(database, report)
    dump = dump_of(server, "leadtime")
    assert b"INSERT INTO public.reports VALUES" in dump
    assert patch_by(database, cast.operator) == []
    for secret in (CANARY, "pkg:pypi/ujson", "lib/leaf.c", "stack-buffer-overflow", "canary-asset-in-ward-seven"):
        assert secret.encode() not in dump
        assert secret.encode().hex().encode() not in dump
        assert holding(home / "database", secret.encode()) == []
    assert holding(home / "database", b"Example Hospital") != []
