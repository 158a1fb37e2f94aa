"""Windows: who is let in, grants to named people, credentials, withdrawal, and returns signed off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors.api.asking import Asking, AskingOnce
from leadtime.doors.api.offering import GrantAsked, Offered, offer
from leadtime.doors.api.shapes import Input, Prose
from leadtime.flow import window
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.window import (
    AgreementId,
    Disposition,
    Entry,
    EntryId,
    Grant,
    GrantId,
    IssuedCredential,
    ModelId,
    Return,
    Window,
    WindowId,
    WindowKind,
)
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed

router = APIRouter(tags=["windows"])


class WindowWanted(Input):
    """A window to open, for so many days or until an instant; neither: as late as it can end."""

    kind: WindowKind
    days: Annotated[int, Field(ge=1, le=3_650)] | None = None
    ends_at: datetime | None = None

    def end(self, now: datetime) -> datetime | None:
        """Return when the window is to end; raises `Malformed` where both ways are used."""
        if self.days is None:
            return self.ends_at
        if self.ends_at is not None:
            raise Malformed("days and ends_at say one thing twice", where="days", next_step="Send one of them.")
        return now + timedelta(days=self.days)


class EndWanted(Input):
    """An earlier end."""

    ends_at: datetime


class AgencyWanted(Input):
    """The agreement of the agency that is let in."""

    agreement: UUID


class PartnerWanted(Input):
    """A partner's organisation."""

    organisation: UUID


class ConsentWanted(Input):
    """The window that a partner joins, and its agreement."""

    window: UUID
    agreement: UUID


class ReturnWanted(Input):
    """What became of what a grant gave."""

    disposition: Disposition
    note: Prose = ""


@dataclass(frozen=True, slots=True)
class WindowFile:
    """All of a window that its viewer may see."""

    window: Window
    grants: tuple[Grant, ...]
    returns: tuple[Return, ...]


class OfferedWindow(Offered[Window]):
    """One window."""


class OfferedWindowFile(Offered[WindowFile]):
    """One window with its grants and returns."""


class OfferedEntry(Offered[Entry]):
    """One organisation in a window, or proposed for one."""


class OfferedGrant(Offered[Grant]):
    """One grant."""


class OfferedCredential(Offered[IssuedCredential]):
    """A grant's secret, shown this once."""


class OfferedReturn(Offered[Return]):
    """One line of a return list."""


@router.post("/models/{model}/windows", status_code=201, summary="Open a window", response_model=OfferedWindow)
def open_window(model: UUID, wanted: WindowWanted, ask: AskingOnce) -> Response:
    """Open a government window (30 days at most), or at or after partner release a partner window."""

    def act(tx: Transaction) -> Window:
        return window.open_window(tx, ModelId(model), wanted.kind, ends_at=wanted.end(tx.now))

    return offer(ask, model, act, OfferedWindow, status=201)


@router.get("/windows/{window_id}", summary="Read a window")
def read_window(window_id: UUID, ask: Asking) -> OfferedWindowFile:
    """Return a window with its grants and its return list, as far as you may see them."""
    wanted = WindowId(window_id)
    with ask.transaction() as tx:
        found = WindowFile(
            window=window.read_window(tx, wanted),
            grants=window.list_grants(tx, wanted),
            returns=window.list_returns(tx, wanted),
        )
    return OfferedWindowFile(result=found)


@router.post("/windows/{window_id}/withdrawal", summary="Withdraw", response_model=OfferedWindow)
def withdraw(window_id: UUID, ask: AskingOnce) -> Response:
    """End a window at once."""
    return offer(ask, window_id, lambda tx: window.withdraw(tx, WindowId(window_id)), OfferedWindow)


@router.post("/windows/{window_id}/end", summary="Bring a window's end forward", response_model=OfferedWindow)
def shorten_window(window_id: UUID, wanted: EndWanted, ask: AskingOnce) -> Response:
    """Shorten a window; none is ever lengthened."""

    def act(tx: Transaction) -> Window:
        return window.shorten_window(tx, WindowId(window_id), ends_at=wanted.ends_at)

    return offer(ask, window_id, act, OfferedWindow)


@router.post(
    "/windows/{window_id}/agencies", status_code=201, summary="Offer to an agency", response_model=OfferedEntry
)
def offer_to(window_id: UUID, wanted: AgencyWanted, ask: AskingOnce) -> Response:
    """Let the agency of an agreement into a government window."""

    def act(tx: Transaction) -> Entry:
        return window.offer_to(tx, WindowId(window_id), AgreementId(wanted.agreement))

    return offer(ask, window_id, act, OfferedEntry, status=201)


@router.post("/models/{model}/partners", status_code=201, summary="Propose a partner", response_model=OfferedEntry)
def propose_partner(model: UUID, wanted: PartnerWanted, ask: AskingOnce) -> Response:
    """Propose a partner to the developer's consent; nothing follows from silence."""

    def act(tx: Transaction) -> Entry:
        return window.propose_partner(tx, ModelId(model), OrganisationId(wanted.organisation))

    return offer(ask, model, act, OfferedEntry, status=201)


@router.post("/entries/{entry}/consent", summary="Consent to a partner", response_model=OfferedEntry)
def consent(entry: UUID, wanted: ConsentWanted, ask: AskingOnce) -> Response:
    """Let a proposed partner into a partner window under its agreement; only the developer can."""

    def act(tx: Transaction) -> Entry:
        return window.consent(tx, EntryId(entry), WindowId(wanted.window), AgreementId(wanted.agreement))

    return offer(ask, entry, act, OfferedEntry)


@router.post("/entries/{entry}/retraction", summary="Take a proposal back", response_model=OfferedEntry)
def retract_proposal(entry: UUID, ask: AskingOnce) -> Response:
    """Take a proposal of your own back."""
    return offer(ask, entry, lambda tx: window.retract_proposal(tx, EntryId(entry)), OfferedEntry)


@router.post("/entries/{entry}/end", summary="End an organisation's access", response_model=OfferedEntry)
def end_entry(entry: UUID, ask: AskingOnce) -> Response:
    """End an organisation's access at once, or drop a proposal."""
    return offer(ask, entry, lambda tx: window.end_entry(tx, EntryId(entry)), OfferedEntry)


@router.post("/entries/{entry}/grants", status_code=201, summary="Grant to a named person", response_model=OfferedGrant)
def grant(entry: UUID, wanted: GrantAsked, ask: AskingOnce) -> Response:
    """Give a named person of the organisation access for a purpose, within its agreement."""

    def act(tx: Transaction) -> Grant:
        return window.grant(tx, EntryId(entry), PersonId(wanted.person), wanted.record())

    return offer(ask, entry, act, OfferedGrant, status=201)


@router.post(
    "/grants/{grant_id}/credential", status_code=201, summary="Draw your credential", response_model=OfferedCredential
)
def issue_credential(grant_id: UUID, ask: AskingOnce) -> Response:
    """Return the secret of a grant of yours, shown this once; a former one ends at once."""
    return offer(
        ask,
        grant_id,
        lambda tx: window.issue_credential(tx, GrantId(grant_id)),
        OfferedCredential,
        status=201,
        shown_once=True,
    )


@router.post("/grants/{grant_id}/end", summary="End a grant", response_model=OfferedGrant)
def end_grant(grant_id: UUID, ask: AskingOnce) -> Response:
    """End a grant at once."""
    return offer(ask, grant_id, lambda tx: window.end_grant(tx, GrantId(grant_id)), OfferedGrant)


@router.post("/grants/{grant_id}/return", status_code=201, summary="Sign off a return", response_model=OfferedReturn)
def sign_off(grant_id: UUID, wanted: ReturnWanted, ask: AskingOnce) -> Response:
    """Sign, once and after the end, what became of what the grant gave."""

    def act(tx: Transaction) -> Return:
        return window.sign_off(tx, GrantId(grant_id), wanted.disposition, note=wanted.note)

    return offer(ask, grant_id, act, OfferedReturn, status=201)
