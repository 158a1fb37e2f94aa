"""What is remembered of an exception that is on its way out of an interpreter's frames."""

from __future__ import annotations

from dataclasses import dataclass, field

from observe_python import PythonStack, RawFrame


@dataclass(frozen=True)
class Raised:
    """The last time that an exception became pending: in which frame, and the thread's machine state."""

    frame: RawFrame
    registers: tuple[int, ...]
    stack_start: int
    stack: bytes
    is_traced: bool


@dataclass
class Flight:
    """One exception on its way out: its type, the frames that it left, and the frame ``at`` which it is.

    ``reader`` remembers code by its address, which is good as long as the exception goes on without being caught: until
    then it refers to all that it left.
    """

    kind: int
    at: RawFrame
    raised: Raised | None
    reader: PythonStack
    doubts: list[str]
    lowered: list[str]
    recursion_limit: int
    frames: list[dict[str, object]] = field(default_factory=list)


@dataclass
class Mark:
    """Where exceptions were last seen to be pending, so that the next frame that is left can be known to follow."""

    frame: RawFrame
    outer_instruction: int
    flights: list[Flight]
    is_left: bool = False
