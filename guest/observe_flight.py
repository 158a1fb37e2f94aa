"""What is remembered of an exception that is on its way out of an interpreter's frames."""

from __future__ import annotations

from typing import NamedTuple

from observe_python import PythonStack, RawFrame


class Raised(NamedTuple):
    """The last time that an exception became pending: in which frame, and the thread's machine state."""

    frame: RawFrame
    registers: tuple[int, ...]
    stack_start: int
    stack: bytes
    is_traced: bool


class Flight:
    """One exception on its way out: its type, the frames that it left, and the frame ``at`` which it is.

    ``reader`` remembers code by its address, which is good as long as the exception goes on without being caught: until
    then it refers to all that it left.
    """

    def __init__(
        self,
        kind: int,
        at: RawFrame,
        raised: Raised | None,
        reader: PythonStack,
        *,
        doubts: list[str],
        lowered: list[str],
        recursion_limit: int,
    ) -> None:
        self.kind = kind
        self.at = at
        self.raised = raised
        self.reader = reader
        self.doubts = doubts
        self.lowered = lowered
        self.recursion_limit = recursion_limit
        self.frames: list[dict[str, object]] = []


class Mark:
    """Where exceptions were last seen to be pending, so that the next frame that is left can be known to follow."""

    def __init__(self, frame: RawFrame, outer_instruction: int, flights: list[Flight]) -> None:
        self.frame = frame
        self.outer_instruction = outer_instruction
        self.flights = flights
        self.is_left = False
