"""What a worker works with, and what it does for each kind of job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.database.connect import Address
from leadtime.foundation.settings import Settings
from leadtime.workflows.records import Kind, Queue


@dataclass(frozen=True, slots=True)
class Station:
    """What a step works with: the database, the settings, and the event that says that the worker is to stop."""

    database: Database
    address: Address
    settings: Settings
    stopping: threading.Event = field(default_factory=threading.Event)


Step = Callable[[Station, UUID], None]
"""Does one step for one entity, or nothing if its move has been made; its transactions are its own."""


PutAside = Callable[[Transaction, UUID], None]
"""Lets an entity say of itself that its job was set aside; in the transaction that sets the job aside."""

Call = Callable[[Transaction], UUID | None]
"""Says whose turn it is in a queue, each entity once; None leaves the queue as it is. In the transaction that takes."""

NO_ASIDES: Mapping[Kind, PutAside] = MappingProxyType({})
NO_CALLS: Mapping[Queue, Call] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker does: each kind's step, what is done for those that are set aside, who keeps a queue's turns."""

    steps: Mapping[Kind, Step]
    asides: Mapping[Kind, PutAside] = field(default_factory=lambda: NO_ASIDES)
    calls: Mapping[Queue, Call] = field(default_factory=lambda: NO_CALLS)
