"""Which releases are affected: found once for each vulnerability, after it is known, when no validation waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

from leadtime.flow import intake, validation
from leadtime.flow.intake import ReportId, Reproducer
from leadtime.flow.validation import Survey, Word, read_survey
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.settings import Settings
from leadtime.workflows.engine import Station
from leadtime.workflows.prove_apart import as_message
from leadtime.workflows.proving import run_apart
from leadtime.workflows.records import Kind, Queue

FIND_RANGE = Kind("find_range", Queue.VALIDATION)

APART = "from leadtime.workflows.survey_apart import main; main()"
"""What the process runs."""

Look = Callable[[Settings, Reproducer, threading.Event], Survey]
"""Runs a reproducer over releases in a child process, away from database and keys; gives up when the event is set."""


def look_over(settings: Settings, reproducer: Reproducer, stopping: threading.Event) -> Survey:
    """Return what the reproducer shows of its package's releases; raises as `proving.prove`."""
    return read_survey(run_apart(settings, as_message(reproducer), stopping, code=APART))


def find_range(look: Look, station: Station, report: UUID) -> None:
    """Run a reproduced report over its package's releases, outside of any transaction, and keep what that shows."""
    if not station.settings.range_releases:
        return
    mine = ReportId(report)
    with station.database.transaction(SYSTEM) as tx:
        kept = validation.read_validation(tx, mine)
        reproducer = intake.read_finding(tx, mine).reproducer
    reproduced = kept.outcome is not None and kept.outcome.verdict == Word.REPRODUCED
    if kept.survey is not None or reproducer is None or not reproduced:
        return
    found = look(station.settings, reproducer, station.stopping)
    with station.database.transaction(SYSTEM) as tx:
        validation.keep_survey(tx, mine, found)
