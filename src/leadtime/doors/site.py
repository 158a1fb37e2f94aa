"""What every door of one running site shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from leadtime.doors.held_shelf import HeldShelf
from leadtime.foundation.database import Database
from leadtime.foundation.settings import Settings


class Part(StrEnum):
    """What an installation may serve: early access to offered models, and the clearinghouse with its pages."""

    GATEWAY = "gateway"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Site:
    """One running site: its database, its settings, and whether finders' programs run on this very host."""

    database: Database
    settings: Settings
    same_host: bool = False
    parts: frozenset[Part] = frozenset(Part)
    held: HeldShelf = field(default_factory=HeldShelf, compare=False)

    @property
    def over_https(self) -> bool:
        """Tell whether visitors reach the site by https, so that its cookies may insist on it."""
        return self.settings.url.startswith("https://")
