"""A real runner: a process whose home holds its own key and nothing else, in a database role that sees its own rows."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from leadtime.workflows.engine import work
from leadtime.workflows.farm.envelopes import keys_of
from leadtime.workflows.farm.give import prove_elsewhere
from leadtime.workflows.farm.runner import OWN_FILE, TRUSTED_FILE, trust_installation
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import plan
from tests.packages.registries import listed, running_registry
from tests.workflows.story import PATIENT, Cast, a_story_report, state_of, station_of, validation_of

LOADS = "loads"
"""A package of an index of the test's own: its first release calls what a document names, its second does not."""

FLAWED = b"import os\n\n\ndef load(text):\n    return getattr(os, text.split()[0])(text.split()[1])\n"
MENDED = b"def load(text):\n    return text.split()\n"
READ = b"import sys\nimport loads\nwith open(sys.argv[1]) as file:\n    loads.load(file.read())\n"
RECIPE = {
    "schema": "leadtime.recipe/1",
    "subject": {"vulnerable": f"pkg:pypi/{LOADS}@1.0", "fixed": f"pkg:pypi/{LOADS}@1.1"},
    "files": ["read.py"],
    "run": "PYTHONPATH={src} {python} read.py {input}",
    "oracle": "canary",
    "limits": {"build_s": 300, "run_s": 300, "memory_mib": 1024},
}


@pytest.fixture
def place(tmp_path, database, enrolled) -> Path:
    """The runner's home: its own key, and the installation's public one."""
    made = tmp_path / "runner"
    made.mkdir(mode=0o700)
    (made / OWN_FILE).write_bytes(enrolled.keys.as_bytes())
    trust_installation(made, keys_of(database.keys).public)
    return made


@contextmanager
def runner_in(place: Path, address, enrolled, **more: str) -> Iterator[subprocess.Popen]:
    """A real runner at work; it has to leave in order."""
    # A socket's path may be too long for libpq; through a descriptor that both processes have it is short.
    url = make_conninfo(enrolled.url, host=f"/proc/self/fd/{address.embedded.socket}")
    own = {"LEADTIME_HOME": str(place), "LEADTIME_DATABASE_URL": url} | more
    said = place.with_name("said")
    with said.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "leadtime.doors.cli.main", "worker", "--queues", "validation", "--concurrency", "1"],
            env={name: value for name, value in os.environ.items() if not name.startswith("LEADTIME_")} | own,
            pass_fds=(address.embedded.socket,),
            stdout=words,
            stderr=words,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait()
    assert code == 0, said.read_text()


def give_to_runners(process: subprocess.Popen, database, address, home) -> None:
    """Work as an installation that runs nothing itself, until nothing waits, or its runner is gone."""
    giver = plan(partial(prove_elsewhere, database))
    station = station_of(database, address, str(home))

    def leave_with_it() -> None:
        process.wait()
        station.stopping.set()

    threading.Thread(target=leave_with_it, daemon=True).start()
    asyncio.run(work(station, giver, queues=Queue, concurrency=1, timings=PATIENT, until_idle=True))


def archive_of(version: str, code: bytes) -> bytes:
    """Return a source release of the package."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("loads.py", code), ("PKG-INFO", f"Name: {LOADS}\nVersion: {version}\n".encode())):
            entry = tarfile.TarInfo(f"{LOADS}-{version}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@contextmanager
def index() -> Iterator[str]:
    """An index on the loopback that has both releases."""
    with running_registry() as registry:
        entries = []
        for version, code in (("1.0", FLAWED), ("1.1", MENDED)):
            name, packed = f"{LOADS}-{version}.tar.gz", archive_of(version, code)
            entries.append(listed(name, registry.file(name, packed), packed))
        registry.project(LOADS, *entries)
        yield f"{registry.address}/simple"


def test_a_runner_with_nothing_but_its_own_key_validates_a_report(database, address, home, place, enrolled):
    report = json.loads(a_story_report("A-1"))
    report["reproducer"]["recipe"]["oracle"] = "an oracle that is none"
    mine = Cast(database).hand_in(json.dumps(report).encode())
    with runner_in(place, address, enrolled) as process:
        give_to_runners(process, database, address, home)

    kept = validation_of(database, mine)
    assert kept.outcome is not None
    assert kept.outcome.verdict == "inconclusive"
    assert json.loads(kept.outcome.result)["reason"].startswith("$.oracle: ")
    assert {path.name for path in place.iterdir()} <= {OWN_FILE, TRUSTED_FILE, "cache", "evidence"}
    with psycopg.connect(enrolled.url) as link:
        assert link.execute("select count(id) from runs").fetchone() == (0,)
        assert link.execute("select slots from runners").fetchone() == (0,)


@pytest.mark.sandbox
def test_what_a_runner_reproduces_becomes_a_case(database, address, home, place, enrolled):
    """Releases fetched, run in the runner's own sandbox, believed as far as its answer can be checked."""
    report = json.loads(a_story_report("A-1")) | {"component": f"pkg:pypi/{LOADS}@1.0"}
    files = {"read.py": base64.b64encode(READ).decode()}
    evil = base64.b64encode(b"system true").decode()
    report["reproducer"] = {"recipe": RECIPE, "files": files, "input": {"name": "evil.txt", "base64": evil}}
    mine = Cast(database).hand_in(json.dumps(report).encode())
    with index() as simple, runner_in(place, address, enrolled, PIP_INDEX_URL=simple) as process:
        give_to_runners(process, database, address, home)

    kept = validation_of(database, mine)
    assert kept.outcome is not None
    assert kept.outcome.verdict == "reproduced", kept.outcome.result
    told = json.loads(kept.outcome.result)
    assert (told["crash"]["class"], told["fixed"]["verdict"]) == ("process-start", "clean")
    left = state_of(database)
    assert (left["merged_reports"], left["cases"], left["jobs"], left["set_aside"]) == (1, 1, [], 0)
