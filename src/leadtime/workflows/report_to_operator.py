"""From a report to a patched operator, top to bottom.

Each step is a job that names one entity. It reads the entity's state, does nothing if its move has been made, and
writes the new state and the next job in one transaction; so a step may be killed anywhere and run twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from leadtime.flow import intake, validation
from leadtime.flow.intake import Receipt, ReportId
from leadtime.flow.validation import Begun, Outcome
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.workflows.engine import Station, Step, enqueue
from leadtime.workflows.records import Kind, Queue

VALIDATE = Kind("validate", Queue.VALIDATION)

Prove = Callable[[Begun, threading.Event], Outcome]
"""Runs a report's reproducer in a child process, away from database and keys; gives up when the event is set."""


def hand_in(tx: Transaction, raw: bytes) -> Receipt:
    """Receive a report and let it be validated; the receipt may leave once the transaction has committed."""
    receipt = intake.receive(tx, raw)
    if validation.queue_validation(tx, receipt.id):
        enqueue(tx, VALIDATE, receipt.id)
    return receipt


def validate(prove: Prove, station: Station, report: UUID) -> None:
    """Run the report's reproducer, outside of any transaction, and keep what it came to."""
    with station.database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, ReportId(report))
    if begun is None:
        return
    outcome = prove(begun, station.stopping)
    with station.database.transaction(SYSTEM) as tx:
        validation.absorb_validation(tx, begun, outcome)


def steps(prove: Prove) -> Mapping[Kind, Step]:
    """Return every step of the story by the kind of its job."""
    return {VALIDATE: partial(validate, prove)}
