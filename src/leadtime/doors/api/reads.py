"""Who read what: for auditors, each read with the opening of its leaf (I3)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from leadtime.doors.api.asking import JSON, Asking
from leadtime.doors.api.shapes import Page
from leadtime.ledger import opening_as_json
from leadtime.workflows.reads import PAGE_READS_MAX, Read, list_reads, open_read

router = APIRouter(tags=["reads"])


@router.get("/reads", summary="List who opened embargoed detail, newest first")
def list_all(ask: Asking, cursor: UUID | None = None) -> Page[Read]:
    """Return reads; the cursor is the last one's leaf."""
    with ask.transaction() as tx:
        found = list_reads(tx, before=cursor)
    return Page(items=found, cursor=str(found[-1].leaf) if len(found) == PAGE_READS_MAX else None)


@router.get("/reads/{leaf}/opening", summary="Open one read's leaf")
def open_one(leaf: UUID, ask: Asking) -> Response:
    """Return the salts and values that the leaf of that id in the log ``reads`` committed to, and nothing of others."""
    with ask.transaction() as tx:
        opening = open_read(tx, leaf)
    return Response(opening_as_json(opening), media_type=JSON)
