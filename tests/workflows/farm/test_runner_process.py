"""A real runner: a process whose home holds its own key and nothing else, in a database role that sees its own rows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from functools import partial

import psycopg
from psycopg.conninfo import make_conninfo

from leadtime.workflows.engine import work
from leadtime.workflows.farm.envelopes import keys_of
from leadtime.workflows.farm.give import prove_elsewhere
from leadtime.workflows.farm.runner import OWN_FILE, TRUSTED_FILE, trust_installation
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import plan
from tests.workflows.story import QUICK, Cast, a_story_report, station_of, validation_of

SECONDS_MAX = 120


def test_a_runner_with_nothing_but_its_own_key_validates_a_report(database, address, home, tmp_path, enrolled):
    place = tmp_path / "runner"
    place.mkdir(mode=0o700)
    (place / OWN_FILE).write_bytes(enrolled.keys.as_bytes())
    trust_installation(place, keys_of(database.keys).public)
    report = json.loads(a_story_report("A-1"))
    report["reproducer"]["recipe"]["oracle"] = "an oracle that is none"
    mine = Cast(database).hand_in(json.dumps(report).encode())
    # A socket's path may be too long for libpq; through a descriptor that both processes have it is short.
    url = make_conninfo(enrolled.url, host=f"/proc/self/fd/{address.embedded.socket}")
    process = subprocess.Popen(
        [sys.executable, "-m", "leadtime.doors.cli.main", "worker", "--queues", "validation", "--concurrency", "1"],
        env={"PATH": os.environ["PATH"], "LEADTIME_HOME": str(place), "LEADTIME_DATABASE_URL": url},
        pass_fds=(address.embedded.socket,),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        giver = plan(partial(prove_elsewhere, database))
        station = station_of(database, address, str(home))
        asyncio.run(work(station, giver, queues=Queue, concurrency=1, timings=QUICK, until_idle=True))
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=SECONDS_MAX)

    assert process.returncode == 0, said
    kept = validation_of(database, mine)
    assert kept.outcome is not None
    assert kept.outcome.verdict == "inconclusive"
    assert json.loads(kept.outcome.result)["reason"].startswith("$.oracle: ")
    assert {path.name for path in place.iterdir()} <= {OWN_FILE, TRUSTED_FILE, "cache", "evidence"}
    with psycopg.connect(enrolled.url) as link:
        assert link.execute("select count(id) from runs").fetchone() == (0,)
        assert link.execute("select slots from runners").fetchone() == (0,)
