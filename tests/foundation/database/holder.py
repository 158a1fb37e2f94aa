"""A process that uses the server of the directory it is given, says so, and goes on until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg

from leadtime.foundation.database.embedded import ADMIN, start_embedded

server = start_embedded(Path(sys.argv[1]), fleeting=True)
with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as connection:
    pid = connection.execute("select pg_postmaster_start_time()::text").fetchone()
    sys.stdout.write(f"started {pid[0]}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        connection.execute(line)
        sys.stdout.write("done\n")
        sys.stdout.flush()
