"""The words of durable work: queues, kinds of job, timings, and jobs that were set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID


class Queue(StrEnum):
    """Where a job waits; hostile work has a queue of its own, which other hosts may serve."""

    FLOW = "flow"
    VALIDATION = "validation"


class Priority(IntEnum):
    """Which jobs are taken before which; equal ones in the order in which they came."""

    UNTIL_CALLED = 0
    CALLED = 1
    FIRST = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: the step's name and its queue."""

    name: str
    queue: Queue


@dataclass(frozen=True, slots=True)
class Timings:
    """How soon a dead worker's jobs are taken over: at most dead after + sweep + poll, 35 s as it stands."""

    heartbeat_seconds: float = 5
    dead_after_seconds: float = 20
    sweep_seconds: float = 10
    poll_seconds: float = 5
    drain_seconds: float = 60


@dataclass(frozen=True, slots=True)
class SetAside:
    """A job that waits for a person: what it was to do to which entity, how often it was tried, and why it stopped."""

    job: int
    kind: Kind
    entity: UUID
    attempts: int
    reason: str
    at: datetime
