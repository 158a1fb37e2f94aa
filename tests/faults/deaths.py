"""What a test knows of a process that died: PostgreSQL has noticed, and nothing of it comes late."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import Address
from leadtime.foundation.database.embedded import ADMIN

NOTICED_SECONDS_MAX = 600


def await_burial(database: Database, address: Address) -> None:
    """End every connection to the test's database, and return once their locks and open transactions are gone, too.

    A statement that a process had sent when it was killed is carried out, and its locks are held, until the server
    notices; a test that looks or goes on before that races with the dead.
    """
    database.engine.dispose()
    name = conninfo_to_dict(address.app)["dbname"]
    with psycopg.connect(address.embedded.conninfo(ADMIN, "postgres"), autocommit=True) as admin:
        query = "select pg_terminate_backend(pid, %s) from pg_stat_activity where datname = %s"
        admin.execute(query, [NOTICED_SECONDS_MAX * 1_000, name])
        query = "select count(*) from pg_stat_activity where datname = %s"
        assert admin.execute(query, [name]).fetchone() == (0,)
