"""Traffic Light Protocol 2.0 (FIRST, August 2022): who may be told."""

from __future__ import annotations

from enum import IntEnum


class Tlp(IntEnum):
    """A TLP 2.0 label; a higher number is told to fewer."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @property
    def text(self) -> str:
        """Return the label as the standard writes it, for example ``TLP:AMBER+STRICT``."""
        return "TLP:" + self.name.replace("_", "+")
