"""A real runner: a process whose home holds its own key and nothing else, in a database role that sees its own rows."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
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
from tests.workflows.story import PATIENT, Cast, a_story_report, state_of, station_of, validation_of

SECONDS_MAX = 120


YAML = {
    "schema": "leadtime.recipe/1",
    "subject": {"vulnerable": "pkg:pypi/pyyaml@3.13", "fixed": "pkg:pypi/pyyaml@5.1"},
    "files": ["load.py"],
    "run": "PYTHONPATH={src}/lib3 {python} load.py {input}",
    "oracle": "canary",
    "limits": {"build_s": 300, "run_s": 300, "memory_mib": 1024},
}
LOAD = b"import sys\nimport yaml\nwith open(sys.argv[1]) as file:\n    yaml.load(file.read())\n"


@pytest.fixture
def place(tmp_path, database, enrolled) -> Path:
    """The runner's home: its own key, and the installation's public one."""
    made = tmp_path / "runner"
    made.mkdir(mode=0o700)
    (made / OWN_FILE).write_bytes(enrolled.keys.as_bytes())
    trust_installation(made, keys_of(database.keys).public)
    return made


@contextmanager
def runner_in(place: Path, address, enrolled) -> Iterator[None]:
    """A real runner at work; it has to leave in order."""
    # A socket's path may be too long for libpq; through a descriptor that both processes have it is short.
    url = make_conninfo(enrolled.url, host=f"/proc/self/fd/{address.embedded.socket}")
    own = {"LEADTIME_HOME": str(place), "LEADTIME_DATABASE_URL": url}
    process = subprocess.Popen(
        [sys.executable, "-m", "leadtime.doors.cli.main", "worker", "--queues", "validation", "--concurrency", "1"],
        env={name: value for name, value in os.environ.items() if not name.startswith("LEADTIME_")} | own,
        pass_fds=(address.embedded.socket,),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, said


def give_to_runners(database, address, home) -> None:
    """Work as an installation that runs nothing itself, until nothing waits."""
    giver = plan(partial(prove_elsewhere, database))
    station = station_of(database, address, str(home))
    asyncio.run(work(station, giver, queues=Queue, concurrency=1, timings=PATIENT, until_idle=True))


def test_a_runner_with_nothing_but_its_own_key_validates_a_report(database, address, home, place, enrolled):
    report = json.loads(a_story_report("A-1"))
    report["reproducer"]["recipe"]["oracle"] = "an oracle that is none"
    mine = Cast(database).hand_in(json.dumps(report).encode())
    with runner_in(place, address, enrolled):
        give_to_runners(database, address, home)

    kept = validation_of(database, mine)
    assert kept.outcome is not None
    assert kept.outcome.verdict == "inconclusive"
    assert json.loads(kept.outcome.result)["reason"].startswith("$.oracle: ")
    assert {path.name for path in place.iterdir()} <= {OWN_FILE, TRUSTED_FILE, "cache", "evidence"}
    with psycopg.connect(enrolled.url) as link:
        assert link.execute("select count(id) from runs").fetchone() == (0,)
        assert link.execute("select slots from runners").fetchone() == (0,)


@pytest.mark.soak
@pytest.mark.fetch
@pytest.mark.sandbox
def test_what_a_runner_reproduces_becomes_a_case(database, address, home, place, enrolled):
    """A published release, fetched, run in the runner's own sandbox, believed as far as its answer can be checked."""
    report = json.loads(a_story_report("A-1")) | {"component": "pkg:pypi/pyyaml@3.13"}
    evil = base64.b64encode(b'!!python/object/apply:os.system ["true"]\n').decode()
    files = {"load.py": base64.b64encode(LOAD).decode()}
    report["reproducer"] = {"recipe": YAML, "files": files, "input": {"name": "evil.yaml", "base64": evil}}
    mine = Cast(database).hand_in(json.dumps(report).encode())
    with runner_in(place, address, enrolled):
        give_to_runners(database, address, home)

    kept = validation_of(database, mine)
    assert kept.outcome is not None
    assert kept.outcome.verdict == "reproduced", kept.outcome.result
    told = json.loads(kept.outcome.result)
    assert (told["crash"]["class"], told["fixed"]["verdict"]) == ("process-start", "clean")
    left = state_of(database)
    assert (left["merged_reports"], left["cases"], left["jobs"], left["set_aside"]) == (1, 1, [], 0)
