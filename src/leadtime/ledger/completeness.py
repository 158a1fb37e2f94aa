"""Was every call that reached the model logged? The log, compared with the model developer's own access log.

Every request that the gateway sends upstream carries its leaf's id in the header ``Leadtime-Leaf``. The developer's
server writes one JSON object a line, at least ``{"leaf": ID or null, "at": RFC 3339}``; other fields are ignored, and
null (or no ``leaf``) says that a request came without the header.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id
from leadtime.foundation.strict_json import JsonBounds, read_json
from leadtime.ledger.leaves import CALL, FORFEITED, VOID, Leaf
from leadtime.ledger.records import LeafId
from leadtime.ledger.tally import Tally

LEAF_HEADER = "Leadtime-Leaf"
LINE_BYTES_MAX = 65_536
LINES_MAX = 20_000_000

_BOUNDS = JsonBounds(bytes_max=LINE_BYTES_MAX, depth_max=16, values_max=4_096)


@dataclass(frozen=True, slots=True)
class Reach:
    """One request that reached the model: the leaf it carried, if any, when, and its line in the access log."""

    leaf: LeafId | None
    at: datetime
    line: int


@dataclass(frozen=True, slots=True)
class Interval:
    """The time that an access log covers; None: from the first call on, or up to the last."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Tell whether ``at`` lies in it."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Completeness:
    """How a log and an access log agree.

    ``matched``: calls that are in both. ``skipped``: requests that reached the model without a leaf of the log;
    ``repeated``: requests that carry another one's leaf, so that one stood for two calls; ``never_came``: calls that
    were logged and reached nobody; ``voided_yet_came``: calls that the log says were never sent. ``voided``: those
    that did not come. ``in_doubt``: calls that reached nobody, of which the log says that their gateway died before it
    could tell: no lie, and a reason to ask if they are many. ``outside``: calls and requests out of the interval, not
    judged.
    """

    matched: int = 0
    voided: int = 0
    outside: int = 0
    skipped: Tally = field(default_factory=Tally)
    repeated: Tally = field(default_factory=Tally)
    never_came: Tally = field(default_factory=Tally)
    voided_yet_came: Tally = field(default_factory=Tally)
    in_doubt: Tally = field(default_factory=Tally)

    @property
    def holds(self) -> bool:
        """Tell whether every call was logged and every logged call came."""
        return not any(each.count for each in (self.skipped, self.repeated, self.never_came, self.voided_yet_came))


class Calls:
    """Gathers the calls of a log as a verifier visits its leaves."""

    def __init__(self) -> None:
        self.made: dict[UUID, datetime] = {}
        self.voided: set[UUID] = set()
        self.forfeited: set[UUID] = set()

    def visit(self, _index: int, leaf: Leaf) -> None:
        """Take one leaf; a `verify.Visit`."""
        if leaf.kind == CALL:
            self.made[leaf.id] = leaf.at
        elif leaf.kind == VOID and leaf.about is not None:
            self.voided.add(leaf.about)
        elif leaf.kind == FORFEITED and leaf.about is not None:
            self.forfeited.add(leaf.about)


def read_reaches(lines: Iterable[bytes]) -> Iterable[Reach]:
    """Yield what an access log's lines say; raises `Malformed` naming the first line that cannot be read."""
    for number, line in enumerate(lines, start=1):
        if number > LINES_MAX:
            raise Malformed(f"the access log has more than {LINES_MAX} lines", where=f"line {number}")
        if line.strip():
            yield _read_reach(line, number)


def compare(calls: Calls, reaches: Iterable[Reach], interval: Interval) -> Completeness:
    """Return how a log's calls and the requests that reached the model agree."""
    skipped, repeated, never_came, voided_yet_came, in_doubt = (Tally() for _ in range(5))
    came: set[UUID] = set()
    outside = 0
    for reach in reaches:
        if reach.leaf in calls.made:
            (repeated.add(_say(reach)) if reach.leaf in came else came.add(reach.leaf))
        elif interval.holds(reach.at):
            skipped.add(_say(reach))
        else:
            outside += 1
    matched = voided = 0
    for leaf, at in calls.made.items():
        if leaf in came:
            matched += 1
            if leaf in calls.voided:
                voided_yet_came.add(str(leaf))
        elif leaf in calls.voided:
            voided += 1
        elif interval.holds(at):
            (in_doubt if leaf in calls.forfeited else never_came).add(str(leaf))
        else:
            outside += 1
    return Completeness(matched, voided, outside, skipped, repeated, never_came, voided_yet_came, in_doubt)


def _say(reach: Reach) -> str:
    return f"line {reach.line}: {reach.leaf or f'no {LEAF_HEADER}'} at {reach.at.isoformat()}"


def _read_reach(line: bytes, number: int) -> Reach:
    where = f"line {number}"
    try:
        document = read_json(line.strip(), _BOUNDS)
    except Malformed as problem:
        raise Malformed(problem.what, where=f"{where}, {problem.where}", next_step=problem.next_step) from None
    leaf, at = (document.get("leaf"), document.get("at")) if isinstance(document, dict) else (None, None)
    if not isinstance(at, str) or not isinstance(leaf, str | None):
        raise Malformed('a line is {"leaf": id or null, "at": time}', where=where, next_step="Correct it there.")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        raise Malformed("this is not a time", where=where, next_step="Write it as 2026-08-03T09:00:00Z.") from None
    if instant.tzinfo is None:
        raise Malformed("a time needs its zone", where=where, next_step="Write it as 2026-08-03T09:00:00Z.")
    return Reach(LeafId(parse_id(leaf, where=where)) if leaf else None, instant.astimezone(UTC), number)
