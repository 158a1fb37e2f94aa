"""Durable jobs as rows in our own database: enqueue, take, retry, set aside. It alone imports the job library.

A job is a step's name and one id, never content. It is enqueued on the caller's own connection, so it exists if and
only if the state that calls for it does. A taking is told from the next by the job's attempt number, which every retry
raises: a worker that was paused, declared dead and comes back late cannot finish what another has taken since.
"""

from leadtime.workflows.engine.jobs import count_open, enqueue, enqueue_all, job_schema
from leadtime.workflows.engine.plan import Call, Plan, PutAside, Station, Step
from leadtime.workflows.engine.sweeping import sweep
from leadtime.workflows.engine.worker import work

__all__ = [
    "Call",
    "Plan",
    "PutAside",
    "Station",
    "Step",
    "count_open",
    "enqueue",
    "enqueue_all",
    "job_schema",
    "sweep",
    "work",
]
