"""Opening an installation for people: its database, with every read recorded, and its own logs."""

from __future__ import annotations

from dataclasses import replace

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.clock import Clock
from leadtime.foundation.database import Database
from leadtime.foundation.database import opening as bare
from leadtime.foundation.settings import Settings
from leadtime.ledger import PUBLICATIONS, READS, Log, LogKind, open_log
from leadtime.workflows.reads import note_reads


def open_database(settings: Settings, clock: Clock) -> Database:
    """Return the installation's database as this process's pool, ready for people; raises as the foundation's own."""
    database = replace(bare.open_database(settings, clock), note_reads=note_reads)
    with database.transaction(SYSTEM) as tx:
        for name, kind in ((READS, LogKind.READS), (PUBLICATIONS, LogKind.PUBLICATIONS)):
            # The origin names the installation by its key: its address may change, a log's origin may not.
            open_log(tx, Log(name, origin=f"leadtime-{tx.keys.key_id}/{name}", kind=kind))
    return database
