"""Advisories: drafted from a case, published by a person, read by everybody as OSV and CSAF."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from leadtime.doors import limits
from leadtime.doors.api.asking import JSON, Ask, Asking, AskingAnyone, AskingOnce, Limit
from leadtime.doors.api.shapes import Input, Line, Page, Prose
from leadtime.doors.read_models.case_numbers import case_named
from leadtime.flow import advisory
from leadtime.flow.advisory import Advisory, AdvisoryId, AdvisoryState, PublishedAdvisory
from leadtime.flow.coordination import CaseId
from leadtime.formats.advisories import AdvisoryDocument, AffectedSpan, Reference, ReferenceKind
from leadtime.formats.csaf import write_csaf
from leadtime.formats.osv import write_osv
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.workflows import publishing
from leadtime.workflows.drafting import Words, draft_advisory

router = APIRouter(tags=["advisories"])

CaseName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$")]


AdvisoryName = UUID | Annotated[str, StringConstraints(pattern=r"^LT-[0-9]{4}-[0-9A-Za-z-]{1,30}$")]


class Format(StrEnum):
    """A public format of an advisory."""

    OSV = "osv"
    CSAF = "csaf"


WRITERS = {Format.OSV: write_osv, Format.CSAF: write_csaf}


class SpanWanted(Input):
    """A range that a person enters, from ``introduced`` up to ``fixed`` (not included), with its source."""

    introduced: Line = "0"
    fixed: Line | None = None
    last_affected: Line | None = None
    source: Line


class ReferenceWanted(Input):
    """An address and what lies there."""

    kind: ReferenceKind
    url: Annotated[str, StringConstraints(max_length=2_000)]
    summary: Line


class DraftWanted(Input):
    """A person's words; what was run, and who found it, follows from the case."""

    title: Line
    summary: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    remedy: Prose = ""
    cve: Line | None = None
    cwes: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    affected: Annotated[tuple[SpanWanted, ...], Field(max_length=100)] = ()
    references: Annotated[tuple[ReferenceWanted, ...], Field(max_length=100)] = ()

    @property
    def words(self) -> Words:
        """Return the words as the workflow takes them."""
        return Words(
            title=self.title,
            summary=self.summary,
            remedy=self.remedy,
            cve=self.cve,
            cwes=self.cwes,
            spans=tuple(
                AffectedSpan(each.introduced, each.fixed, each.last_affected, each.source) for each in self.affected
            ),
            references=tuple(Reference(each.kind, each.url, each.summary) for each in self.references),
        )


class RevisionWanted(DraftWanted):
    """The whole advisory in new words, what ``changed``, and why early if an embargo runs; all of it becomes public."""

    changed: Line
    early_because: Prose = ""


class PublicationWanted(Input):
    """``early_because``: why it is published while the embargo runs; it becomes public."""

    early_because: Prose = ""


class WithdrawalWanted(Input):
    """Why it is withdrawn, in public."""

    reason: Line


class AdvisoryShape(BaseModel):
    """One advisory, as far as its viewer may see it."""

    id: UUID
    number: str
    state: AdvisoryState
    title: str
    summary: str
    cve: str | None
    modified_at: datetime

    @classmethod
    def of(cls, found: AdvisoryId, state: AdvisoryState, document: AdvisoryDocument) -> AdvisoryShape:
        """Return the shape of an advisory."""
        return cls(
            id=found,
            number=document.number,
            state=state,
            title=document.title,
            summary=document.summary,
            cve=document.cve,
            modified_at=document.modified_at,
        )


@router.get("/advisories", summary="List what is published")
def list_advisories(
    ask: AskingAnyone, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[AdvisoryShape]:
    """Return published advisories, to everybody."""
    with ask.transaction() as tx:
        found = advisory.list_published(tx, after=AdvisoryId(cursor) if cursor else None, limit=limit + 1)
    shown = found[:limit]
    return Page(
        items=tuple(AdvisoryShape.of(each.id, each.state, each.document) for each in shown),
        cursor=str(shown[-1].id) if len(found) > limit else None,
    )


@router.get("/advisories/{found}", summary="Read one published advisory")
def read_advisory(found: AdvisoryName, ask: AskingAnyone) -> AdvisoryShape:
    """Return what is published now under an id or a number (``LT-2026-…``)."""
    published = _published(ask, found)
    return AdvisoryShape.of(published.id, published.state, published.document)


@router.get("/advisories/{found}/{rendered}", summary="Read one published advisory as OSV or CSAF")
def render_advisory(found: AdvisoryName, rendered: Format, ask: AskingAnyone) -> Response:
    """Return the advisory in a public format."""
    return Response(WRITERS[rendered](_published(ask, found).document), media_type=JSON)


@router.get("/cases/{case}/advisory", summary="Read a case's advisory, draft or not")
def read_case_advisory(case: CaseName, ask: Asking, format: Format = Format.OSV) -> Response:  # noqa: A002  # the query's name
    """Return the advisory of a case (its id or number) in a public format, to its case's people."""
    with ask.transaction() as tx:
        held = advisory.find_advisory(tx, case_named(tx, case))
    if held is None:
        raise Missing("this case has no advisory yet", where=case, next_step="Draft it first.")
    return Response(WRITERS[format](held.document), media_type=JSON)


@router.post("/cases/{case}/advisory", status_code=201, summary="Draft a case's advisory", response_model=AdvisoryShape)
def draft(case: UUID, wanted: DraftWanted, ask: AskingOnce) -> Response:
    """Draft the advisory from a person's words and what the case proves; as long as it is a draft, again."""

    def act(tx: Transaction) -> AdvisoryShape:
        return _shape(draft_advisory(tx, CaseId(case), wanted.words, namespace=ask.site.settings.url))

    return ask.do(act, AdvisoryShape, status=201)


@router.post("/advisories/{found}/publication", summary="Publish an advisory", response_model=AdvisoryShape)
def publish(found: UUID, wanted: PublicationWanted, ask: AskingOnce) -> Response:
    """Publish a draft to everybody; operators are told."""

    def act(tx: Transaction) -> AdvisoryShape:
        return _shape(publishing.publish(tx, AdvisoryId(found), early_because=wanted.early_because))

    return ask.do(act, AdvisoryShape, status=200)


@router.post("/advisories/{found}/revision", summary="Correct an advisory", response_model=AdvisoryShape)
def revise(found: UUID, wanted: RevisionWanted, ask: AskingOnce) -> Response:
    """Publish a correction of what was published or withdrawn; a case that was opened again is published again."""

    def act(tx: Transaction) -> AdvisoryShape:
        return _shape(
            publishing.revise(
                tx, AdvisoryId(found), wanted.words, summary=wanted.changed, early_because=wanted.early_because
            )
        )

    return ask.do(act, AdvisoryShape, status=200)


@router.post("/advisories/{found}/withdrawal", summary="Withdraw an advisory", response_model=AdvisoryShape)
def withdraw(found: UUID, wanted: WithdrawalWanted, ask: AskingOnce) -> Response:
    """Withdraw what was published, with the reason in public."""

    def act(tx: Transaction) -> AdvisoryShape:
        return _shape(publishing.withdraw(tx, AdvisoryId(found), reason=wanted.reason))

    return ask.do(act, AdvisoryShape, status=200)


def _published(ask: Ask, found: UUID | str) -> PublishedAdvisory:
    with ask.transaction() as tx:
        if isinstance(found, UUID):
            return advisory.read_published(tx, AdvisoryId(found))
        return advisory.find_published(tx, found)


def _shape(held: Advisory) -> AdvisoryShape:
    return AdvisoryShape.of(held.id, held.state, held.document)
