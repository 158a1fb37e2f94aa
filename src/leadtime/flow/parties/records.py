"""What *parties* gives: organisations, the people in them, and the secrets that show who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.foundation.access import Role, Scope

OrganisationId = NewType("OrganisationId", UUID)
PersonId = NewType("PersonId", UUID)
EmployerId = NewType("EmployerId", UUID)
ConflictId = NewType("ConflictId", UUID)
TokenId = NewType("TokenId", UUID)
SessionId = NewType("SessionId", UUID)
PasskeyId = NewType("PasskeyId", UUID)
IdentityId = NewType("IdentityId", UUID)
PairedActId = NewType("PairedActId", UUID)


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation and the one role it has here; ``example``: it is made up, and every page says so.

    ``foreign_access``: an agreement may bar its people (see `rules.refuse_barred`).
    """

    id: OrganisationId
    name: str
    role: Role
    example: bool
    foreign_access: bool = False


@dataclass(frozen=True, slots=True)
class Employer:
    """A vendor or contractor whose people work for an organisation; none of them does anything from its end on."""

    id: EmployerId
    organisation: OrganisationId
    name: str
    engaged_until: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """One named person; nothing of theirs works from ``works_until`` on (None: no end was set).

    ``employer`` is None for the organisation's own people. ``foreign_access`` holds if the person or the organisation
    is marked so; ``conflicts`` names the developers about which either has a conflict of interest.
    """

    id: PersonId
    organisation: OrganisationId
    name: str
    email: str
    active_until: datetime | None
    employer: Employer | None = None
    foreign_access: bool = False
    conflicts: frozenset[OrganisationId] = frozenset()

    @property
    def works_until(self) -> datetime | None:
        """Return the earlier of the person's own end and their employer's."""
        if self.employer is None:
            return self.active_until
        return min(self.active_until or self.employer.engaged_until, self.employer.engaged_until)


@dataclass(frozen=True, slots=True)
class ConflictOfInterest:
    """A conflict of interest of one person, or (``person`` None) of a whole organisation, about a developer."""

    id: ConflictId
    organisation: OrganisationId
    person: PersonId | None
    developer: OrganisationId
    reason: str
    stated_at: datetime


@dataclass(frozen=True, slots=True, repr=False)
class IssuedToken:
    """A fresh secret, shown this once (only its hash is stored), and the instant from which it no longer works."""

    secret: str
    expires_at: datetime


class Way(StrEnum):
    """How a session was opened."""

    LINK = "one-time link"
    PASSKEY = "passkey"
    PROVIDER = "identity provider"
    PASTED = "API token"


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as its person sees it; its secret was shown once."""

    id: TokenId
    name: str
    scope: Scope
    issued_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its person sees it; ``browser`` is what the browser said of itself."""

    id: SessionId
    way: Way
    scope: Scope
    browser: str
    begun_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its person sees it; ``model`` is the authenticator's own word (AAGUID), which nothing attests."""

    id: PasskeyId
    name: str
    model: str
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Identity:
    """A person's subject at an identity provider (OpenID Connect Core 1.0, section 2: iss and sub)."""

    id: IdentityId
    issuer: str
    subject: str
    connected_at: datetime
    last_used_at: datetime | None


class Happened(StrEnum):
    """What a person's own history of sign-ins records."""

    SIGNED_IN = "signed in"
    SESSION_ENDED = "ended a session"
    PASSKEY_ADDED = "added a passkey"
    PASSKEY_REMOVED = "removed a passkey"
    PASSKEY_DOUBTED = "refused a passkey whose counter went back"
    IDENTITY_CONNECTED = "connected an identity provider"
    IDENTITY_REMOVED = "removed an identity provider"
    LINK_SENT = "was sent a link to sign in"
    PROGRAM_ADDED = "made an API token"
    PROGRAM_ENDED = "ended an API token"
    FOREIGN_ACCESS_MARKED = "marked for foreign access"
    FOREIGN_ACCESS_ENDED = "no longer marked for foreign access"
    CONFLICT_STATED = "a conflict of interest was stated"
    CONFLICT_ENDED = "a conflict of interest was ended"


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """One thing that happened to what shows who a person is."""

    at: datetime
    happened: Happened
    about: str


@dataclass(frozen=True, slots=True)
class SignIns:
    """Everything by which one person shows who they are, and what happened to it lately, newest first."""

    passkeys: tuple[Passkey, ...]
    identities: tuple[Identity, ...]
    sessions: tuple[Session, ...]
    tokens: tuple[Token, ...]
    events: tuple[PersonEvent, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """What is known of a credential and the person it stands for, enough to judge it at an instant.

    ``expires_at`` is None for what has no end of its own, ``last_seen_at`` (a session's last use) for what does not end
    by idling.
    """

    role: Role
    organisation: OrganisationId
    person: PersonId
    scope: Scope
    expires_at: datetime | None
    ended_at: datetime | None
    last_seen_at: datetime | None
    active_until: datetime | None
    removed_at: datetime | None
    engaged_until: datetime | None
    foreign_access: bool = False
    conflicts: frozenset[OrganisationId] = frozenset()


class Purpose(StrEnum):
    """What a challenge is for; one made for one purpose answers no other."""

    ADD_PASSKEY = "add a passkey"
    USE_PASSKEY = "use a passkey"
    CONNECT_IDENTITY = "connect an identity"
    USE_IDENTITY = "use an identity"


@dataclass(frozen=True, slots=True, repr=False)
class Challenge:
    """A fresh challenge for one purpose in one browser; works once, before ``expires_at``."""

    value: bytes
    purpose: Purpose
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Challenged:
    """What is known of a challenge that comes back, enough to judge it."""

    purpose: Purpose
    holder: bytes
    person: PersonId | None
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """This site as authenticators know it: ``id`` is its host name, ``origin`` scheme, host and port."""

    id: str
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator registered (WebAuthn Level 3, section 6.5.1); ``model`` is its AAGUID."""

    credential: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    model: str
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator signed: its counter, and whether the passkey is kept elsewhere too."""

    sign_count: int
    backed_up: bool


class ActKind(StrEnum):
    """What one person alone may not do."""

    BULK_EXPORT = "export all unpatched cases"
    BREAK_GLASS = "read one case in an emergency"
    SIGN_IN = "give a person what signs them in"
    REMOVE = "remove a person"
    END_ENGAGEMENT = "end the engagement of a vendor"


class ActState(StrEnum):
    """Where an act of two people stands."""

    ASKED = "asked for"
    CONFIRMED = "confirmed"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ActMove(StrEnum):
    """What moves an act of two people; it expires by the clock."""

    CONFIRM = "confirm"
    TAKE = "take"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class PairedAct:
    """An act that one named person asks for with a reason and another confirms; it is taken once, by who asked.

    ``about`` is the case, person or vendor that it is about, None for an export. ``expires_at`` is the end of waiting
    for the next move, whichever that is.
    """

    id: PairedActId
    kind: ActKind
    about: UUID | None
    reason: str
    state: ActState
    organisation: OrganisationId
    asked_by: PersonId
    asked_at: datetime
    confirmed_by: PersonId | None
    confirmed_at: datetime | None
    expires_at: datetime
