"""Whether anybody takes what waits to be reproduced: what nobody takes must not look as if it waited for its turn."""

from __future__ import annotations

from sqlalchemy import text

from leadtime.foundation.database import Transaction
from leadtime.workflows.records import Queue

UNSEEN_MINUTES_MAX = 10
"""Within which a report is taken, or at least whoever takes them was seen."""


def is_unattended(tx: Transaction) -> bool:
    """Tell whether a report waits to be reproduced for so long, and no worker at one and no runner was seen meanwhile.

    For everybody who may see that anything waits: it tells of no report.
    """
    with tx.as_system() as system:
        asked = {"now": tx.now, "minutes": UNSEEN_MINUTES_MAX, "queue": Queue.VALIDATION.value}
        return bool(system.connection.scalar(_UNATTENDED, asked))


_UNATTENDED = text("""
    select exists (select from validations
        where state = 'queued' and queued_at <= :now - make_interval(mins => :minutes))
    and not exists (select from procrastinate_workers worker join procrastinate_jobs job on job.worker_id = worker.id
        where job.status = 'doing' and job.queue_name = :queue
        and worker.last_heartbeat > clock_timestamp() - make_interval(mins => :minutes))
    and not exists (select from runners where heard_at > clock_timestamp() - make_interval(mins => :minutes))""")
"""Workers and runners are heard by the database's own clock."""
