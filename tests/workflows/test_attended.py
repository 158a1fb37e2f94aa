"""What waits and nobody takes is told, once it waits for long enough and nobody was seen."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from leadtime.foundation.access import SYSTEM
from leadtime.workflows.attended import is_unattended
from tests.workflows.story import Cast, a_story_report

TAKEN = """with worker as (insert into procrastinate_workers (last_heartbeat)
        values (clock_timestamp() - make_interval(mins => :minutes)) returning id)
    update procrastinate_jobs set status = 'doing', worker_id = worker.id from worker where task_name = 'validate'"""
HEARD = """insert into runners (name, role, sealing_key, signing_key, added_at, slots, heard_at)
    values ('a', 'a', '', '', now(), 1, clock_timestamp() - make_interval(mins => :minutes))"""


def told(database) -> bool:
    with database.transaction(SYSTEM) as tx:
        return is_unattended(tx)


def test_nobody_is_missed_before_anything_has_waited_for_long(database, clock):
    assert told(database) is False
    Cast(database).hand_in(a_story_report("A-1"))
    clock.advance(minutes=9, seconds=59)
    assert told(database) is False
    clock.advance(seconds=1)
    assert told(database) is True


@pytest.mark.parametrize("seen", [TAKEN, HEARD])
@pytest.mark.parametrize(("minutes", "missed"), [(9, False), (11, True)])
def test_a_worker_that_is_at_one_or_a_runner_is_enough_while_it_is_heard(database, clock, seen, minutes, missed):
    Cast(database).hand_in(a_story_report("A-1"))
    clock.advance(minutes=30)
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text(seen), {"minutes": minutes})
    assert told(database) is missed
