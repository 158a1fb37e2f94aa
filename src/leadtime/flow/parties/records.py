"""What *parties* gives: organisations, the people in them, and the secrets that show who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from leadtime.foundation.access import Role

OrganisationId = NewType("OrganisationId", UUID)
PersonId = NewType("PersonId", UUID)


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation and the one role it has here; ``example``: it is made up, and every page says so."""

    id: OrganisationId
    name: str
    role: Role
    example: bool


@dataclass(frozen=True, slots=True)
class Person:
    """One named person; nothing of theirs works from ``active_until`` on (None: no end was set)."""

    id: PersonId
    organisation: OrganisationId
    name: str
    email: str
    active_until: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class IssuedToken:
    """A fresh secret, shown this once (only its hash is stored), and the instant from which it no longer works."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """What is known of a credential and the person it stands for, enough to judge it at an instant."""

    role: Role
    organisation: OrganisationId
    person: PersonId
    expires_at: datetime
    ended_at: datetime | None
    active_until: datetime | None
    removed_at: datetime | None
