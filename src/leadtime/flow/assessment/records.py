"""What *assessment* gives: a designation as it was requested and as an outside authority answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.flow.window import ModelId

DesignationId = NewType("DesignationId", UUID)


class DesignationState(StrEnum):
    """How far a designation is, as far as was told here."""

    REQUESTED = "requested"
    DESIGNATED = "designated"
    NOT_DESIGNATED = "not designated"
    SET_ASIDE = "set aside"


class DesignationMove(StrEnum):
    """What an outside authority did."""

    DESIGNATE = "designate"
    FIND_OTHERWISE = "find otherwise"
    SET_ASIDE = "set aside"


@dataclass(frozen=True, slots=True)
class RequestWanted:
    """A request to note: of which authority, on which day, and unclassified facts."""

    authority: str
    requested_on: date
    facts: str


@dataclass(frozen=True, slots=True)
class OutcomeWanted:
    """An outcome to note: what the authority did, on which day, and unclassified facts."""

    move: DesignationMove
    decided_on: date
    facts: str


@dataclass(frozen=True, slots=True)
class Designation:
    """One request about a model and its outcome; ``decided_on`` is None until one was told."""

    id: DesignationId
    model: ModelId
    authority: str
    state: DesignationState
    requested_on: date
    request_facts: str
    decided_on: date | None
    outcome_facts: str
    noted_at: datetime
