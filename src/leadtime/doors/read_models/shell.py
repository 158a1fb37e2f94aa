"""The frame of every page: who is looking, where they may go, what must be said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.doors.site import Part
from leadtime.foundation.access import Role


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the main navigation; ``part`` is what an installation must serve to have it."""

    href: str
    text: str
    part: Part = Part.SITE


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame: ``here`` is the address of the section shown, ``csrf`` the word that this browser's forms carry."""

    now: datetime
    csrf: str
    same_host: bool
    here: str = ""
    role: Role | None = None
    person: str = ""
    organisation: str = ""
    example: bool = False
    parts: frozenset[Part] = frozenset(Part)

    @property
    def nav(self) -> tuple[NavItem, ...]:
        """Return the sections that the viewer's role has, of what is served here."""
        own = NAVIGATION.get(self.role, ()) if self.role else ()
        return tuple(item for item in (*own, *_EVERYBODY) if item.part in self.parts)

    @property
    def has_site(self) -> bool:
        """Tell whether the clearinghouse is served here."""
        return Part.SITE in self.parts


_EVERYBODY = (NavItem("/advisories", "Advisories"),)
_QUEUE = NavItem("/queue", "Queue")
_REPORTS = NavItem("/reports", "Reports")
_CASES = NavItem("/cases", "Cases")
_MODELS = NavItem("/models", "Models", Part.GATEWAY)
_PATCH_BY = NavItem("/patch-by", "Patch by")
_ACTS = NavItem("/acts", "Acts of two")

NAVIGATION: dict[Role, tuple[NavItem, ...]] = {
    Role.COORDINATOR: (_QUEUE, _CASES, _REPORTS, _ACTS),
    Role.FINDER: (_REPORTS, _CASES),
    Role.MAINTAINER: (_CASES,),
    Role.OPERATOR: (_PATCH_BY,),
    Role.DEVELOPER: (_MODELS,),
    Role.AGENCY: (_MODELS, _PATCH_BY, _REPORTS),
    Role.PARTNER: (_MODELS, _REPORTS),
    Role.AUDITOR: (_MODELS, _ACTS),
}
"""Role -> its own sections, left to right; everybody has the published advisories."""
