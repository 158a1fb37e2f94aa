"""Who works beside a site: finders' programs run here only where that was said, else at runners, else nowhere."""

from __future__ import annotations

import pytest

from leadtime.doors.cli.serve import are_runners, reproduces, workers_of
from leadtime.foundation.access import SYSTEM
from leadtime.workflows.farm.admit import admit_runner
from leadtime.workflows.farm.envelopes import new_keys

FLOW, VALIDATION = ["worker", "--queues", "flow"], ["worker", "--queues", "validation"]


@pytest.mark.parametrize(
    ("same_host", "runners", "workers"),
    [
        (False, False, [FLOW]),
        (False, True, [FLOW, [*VALIDATION, "--to-runners", "--concurrency", "32"]]),
        (True, False, [FLOW, VALIDATION]),
        (True, True, [FLOW, VALIDATION]),
    ],
)
def test_validations_go_to_runners_unless_this_host_runs_them(same_host, runners, workers):
    assert workers_of(same_host=same_host, runners=runners) == workers
    assert reproduces(workers) is (same_host or runners)


def test_runners_are_there_once_one_is_admitted(database):
    assert not are_runners(database)
    with database.transaction(SYSTEM) as tx:
        admit_runner(tx, "lab1", new_keys().public)
    assert are_runners(database)
