"""Bounds of the doors; each name ends in its unit."""

from __future__ import annotations

MIB = 1 << 20

FORM_BYTES_MAX = 1 * MIB
"""A page's form or an API request without a bound of its own."""

REPORT_BYTES_MAX = 16 * MIB
"""One report, as the contract states."""

BATCH_BYTES_MAX = 64 * 1024 * MIB
"""A whole NDJSON batch; it is answered line by line and never held, so that only its lines need to be small."""

BATCH_LINES_MAX = 1_000_000

TOGETHER_REPORTS_MAX = 500
"""Reports that are received in one transaction."""

TOGETHER_BYTES_MAX = 8 * MIB
"""Bytes after which no further report joins them."""

INVENTORY_BYTES_MAX = 128 * MIB

SOURCE_BYTES_MAX = 512 * MIB

PAGE_ROWS_MAX = 100
"""Rows of one page of a list."""

PAGE_ROWS_DEFAULT = 50

THREADS_MAX = 8
"""Verbs that run at once in one process; each holds a database connection, of which the pool has ten."""

PROVIDER_THREADS_MAX = 4
"""Pages that ask the identity provider at once; they hold no database connection while they wait for it."""

PROVIDER_PAGES_MAX = 40
"""Such pages under way, most of them waiting for a thread; beyond it they are refused at once."""

SESSION_HOURS_MAX = 12

SHUTDOWN_SECONDS_MAX = 10
"""How long requests may finish after SIGTERM."""
