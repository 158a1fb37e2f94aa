"""How often something was found, with the first few instances: what a verifier prints of a long log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN_MAX = 20


@dataclass(slots=True)
class Tally:
    """A count, and at most the first 20 things counted."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, what: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < SHOWN_MAX:
            self.first.append(what)
