"""What *window* gives: an offered model, its terms, milestones, windows, who holds access, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.window.vocabulary import (
    AccessMode,
    BarredUse,
    DeveloperMay,
    Disposition,
    Ending,
    EntryState,
    EventKind,
    Modality,
    ModelState,
    RecordMode,
    WindowKind,
    WindowState,
    WireFormat,
)
from leadtime.foundation.digests import Digest

ModelId = NewType("ModelId", UUID)
WindowId = NewType("WindowId", UUID)
AgreementId = NewType("AgreementId", UUID)
EntryId = NewType("EntryId", UUID)
GrantId = NewType("GrantId", UUID)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on use; None: not limited here. Money is in millionths of a US dollar."""

    requests: int | None = None
    tokens: int | None = None
    concurrency: int | None = None
    micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One named variant; ``declared_digest`` is the checkpoint's, by its developer's word (None: none was declared).

    Prices are in millionths of a US dollar for a million tokens; 0: calls cost nothing.
    """

    name: str
    upstream_model: str
    declared_digest: Digest | None = None
    input_price: int = 0
    output_price: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Upstream:
    """Where a hosted model is reached and what shows who calls; both are kept sealed."""

    address: str
    credential: str


@dataclass(frozen=True, slots=True)
class Milestones:
    """The developer's two planned dates, each its own; None: not set. Only the developer writes them."""

    partner_release_at: datetime | None = None
    public_release_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model as its developer enrolled it."""

    id: ModelId
    developer: OrganisationId
    developer_name: str
    name: str
    modality: Modality
    access: AccessMode
    wire_format: WireFormat
    variants: tuple[Variant, ...]
    state: ModelState
    milestones: Milestones
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What a developer and one organisation agreed on; the policy reads it at every call.

    ``purposes`` are allowed, ``barred`` uses never are; ``variants`` and ``networks`` empty: any. ``limits`` is the
    budget that all grants under the agreement share. ``agency_may_propose``: partners, to the developer's consent.
    """

    instrument: str
    purposes: tuple[str, ...]
    barred: frozenset[BarredUse] = frozenset(BarredUse)
    variants: tuple[str, ...] = ()
    developer_may: frozenset[DeveloperMay] = frozenset()
    agency_may_propose: bool = False
    record_mode: RecordMode = RecordMode.COMMITMENTS
    retention_days: int = 365
    bars_foreign_access: bool = False
    foia_exemption_4: bool = False
    export_note: str = ""
    limits: Limits = Limits()
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of an agreement with one organisation; versions are never changed, a newer one takes over."""

    id: AgreementId
    version: int
    model: ModelId
    organisation: OrganisationId
    organisation_name: str
    terms: Terms
    agreed_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """One window: until ``ends_at`` at the latest, which only ever moves earlier."""

    id: WindowId
    model: ModelId
    kind: WindowKind
    state: WindowState
    opened_at: datetime
    ends_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One organisation that was proposed or joined; window and agreement are None until the developer consented."""

    id: EntryId
    model: ModelId
    window: WindowId | None
    organisation: OrganisationId
    organisation_name: str
    state: EntryState
    proposed_by: OrganisationId
    proposed_at: datetime
    agreement: AgreementId | None


@dataclass(frozen=True, slots=True)
class Grant:
    """Access of one named person for one purpose, within what its organisation's agreement gives."""

    id: GrantId
    entry: EntryId
    window: WindowId
    model: ModelId
    organisation: OrganisationId
    person: PersonId
    person_name: str
    purpose: str
    variants: tuple[str, ...]
    limits: Limits
    networks: tuple[str, ...]
    key_thumbprint: str | None
    granted_at: datetime
    ends_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class GrantWanted:
    """A grant that somebody asks for; ``ends_at`` None: as long as the window. Empty variants, networks: all agreed."""

    purpose: str
    variants: tuple[str, ...] = ()
    limits: Limits = Limits()
    networks: tuple[str, ...] = ()
    key_thumbprint: str | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class IssuedCredential:
    """A grant's secret, shown this once, to the person whose grant it is."""

    grant: GrantId
    secret: str


@dataclass(frozen=True, slots=True)
class Holder:
    """The person of a grant: until when they work, and what may stand in the way."""

    works_until: datetime | None
    conflicts: frozenset[OrganisationId]
    foreign_access: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """What is stored about a grant and all that it hangs on; ``person`` None: they were removed."""

    window_state: WindowState
    window_ends_at: datetime
    entry_state: EntryState
    granted_at: datetime
    grant_ends_at: datetime
    grant_ended_at: datetime | None
    person: Holder | None
    developer: OrganisationId
    purpose: str
    terms: Terms
    milestones: Milestones
    kind: WindowKind


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides whether a grant's credential works, and for what, as of one reading of the database.

    ``limits`` are the grant's own; ``budget`` is shared by every grant under ``agreement``. ``networks`` is every list
    that a caller's address has to be in one of each. ``ends_at`` is the earliest of the grant's, the window's, the
    milestones', the person's and the vendor's end; ``ended`` says what else ended it, None: nothing.
    """

    grant: GrantId
    window: WindowId
    kind: WindowKind
    model: ModelId
    model_name: str
    developer: OrganisationId
    organisation: OrganisationId
    person: PersonId
    agreement: AgreementId
    agreement_version: int
    purpose: str
    barred: frozenset[BarredUse]
    variants: tuple[Variant, ...]
    limits: Limits
    budget: Limits
    networks: tuple[tuple[str, ...], ...]
    key_thumbprint: str | None
    record_mode: RecordMode
    wire_format: WireFormat
    upstream: str
    begins_at: datetime
    ends_at: datetime
    ended: Ending | None


@dataclass(frozen=True, slots=True)
class Return:
    """One line of the return list of a window that is over: a holder, and what it signed; None: still to come."""

    grant: GrantId
    organisation: OrganisationId
    organisation_name: str
    person: PersonId
    person_name: str
    disposition: Disposition | None
    note: str
    signed_by: PersonId | None
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class WindowEvent:
    """One line of a model's history; ``concerns``: the organisation that it is about, None: the developer's own."""

    at: datetime
    organisation: OrganisationId | None
    person: PersonId | None
    concerns: OrganisationId | None
    kind: EventKind
    note: str
