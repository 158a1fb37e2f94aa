"""How often a finder's reports did not hold: counted over what was decided, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation.records import DECIDING, REFUTING, Rate, Word
from leadtime.flow.validation.rules import wilson
from leadtime.flow.validation.tables import validations
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Of a finder's reports: how many were decided, how many of those did not hold, and that share (None: of none)."""

    organisation: OrganisationId
    decided: int
    refuted: int
    rate: Rate | None


def read_track_record(tx: Transaction, organisation: OrganisationId) -> TrackRecord:
    """Return how often the reports of an organisation did not hold; its own people and coordinators may read it."""
    tx.require(Act.READ_ORGANISATION, organisation)
    mine = (validations.c.organisation == organisation) & validations.c.verdict.in_(DECIDING)
    counted = select(validations.c.verdict, func.count()).where(mine).group_by(validations.c.verdict)
    words = {Word(word): count for word, count in tx.connection.execute(counted)}
    decided = sum(words.values())
    refuted = sum(count for word, count in words.items() if word in REFUTING)
    return TrackRecord(organisation, decided, refuted, wilson(refuted, decided) if decided else None)
