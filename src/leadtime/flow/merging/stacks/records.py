"""What one crash report's text says, before anybody compares it."""

from __future__ import annotations

from dataclasses import dataclass

from leadtime.flow.merging.records import Frame


@dataclass(frozen=True, slots=True)
class Stack:
    """What a text says of one crash: class and access as the tool wrote them, the subject's frames innermost first."""

    crash_class: str
    access: str
    frames: tuple[Frame, ...]
