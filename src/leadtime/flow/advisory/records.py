"""What *advisory* gives: one record per case, of which every published format is a rendering."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.flow.coordination import CaseId
from leadtime.formats.advisories import AdvisoryDocument, AffectedPackage, Credit, Reference
from leadtime.foundation.labels import Tlp

AdvisoryId = NewType("AdvisoryId", UUID)


class AdvisoryState(StrEnum):
    """How far an advisory is."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class AdvisoryMove(StrEnum):
    """What a person does to it."""

    EDIT = "edit"
    PUBLISH = "publish"
    REVISE = "revise"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class FinderShare:
    """Whom one report wants thanked: its organisation's name, and the people it names (none: the organisation)."""

    organisation: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DraftFacts:
    """What a person writes and answers for; everything else in an advisory follows from the case and the clock.

    ``remedy`` is one paragraph on what to do, possibly empty; ``cwes`` are ids like ``CWE-787``.
    """

    title: str
    summary: str
    remedy: str
    cve: str | None
    cwes: tuple[str, ...]
    packages: tuple[AffectedPackage, ...]
    credits: tuple[Credit, ...]
    references: tuple[Reference, ...]
    tlp: Tlp


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory; as a draft its ``document`` is what publication would say, dated as if it happened now."""

    id: AdvisoryId
    case: CaseId
    state: AdvisoryState
    document: AdvisoryDocument


@dataclass(frozen=True, slots=True)
class PublishedAdvisory:
    """The newest published revision of one advisory, as anybody may read it."""

    id: AdvisoryId
    document: AdvisoryDocument
    modified_at: datetime

    @property
    def state(self) -> AdvisoryState:
        """Return whether it still stands."""
        return AdvisoryState.WITHDRAWN if self.document.withdrawn_at else AdvisoryState.PUBLISHED
