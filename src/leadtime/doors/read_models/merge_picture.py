"""A merge as a picture: reports as points, what links them as lines with kind and weight, and what is alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadtime.flow import coordination, merging
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import Alike, Link, VulnerabilityId
from leadtime.foundation.access import Act, may
from leadtime.foundation.database import Transaction
from leadtime.foundation.explanation import Explanation

ROW = 46
INDENT = 30
INDENTS_MAX = 6
TITLE_CHARS_SHOWN_MAX = 60
ALIKE_SHOWN_MAX = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One report in the picture; ``link`` says what leads to it from the point at ``from_x``, ``from_y``."""

    number: int
    x: int
    y: int
    title: str
    link: str
    from_x: int
    from_y: int


@dataclass(frozen=True, slots=True)
class AlikeLine:
    """Another vulnerability that may be the same, and its case."""

    vulnerability: str
    case: str
    title: str
    kind: str
    weight: float
    why: Explanation


@dataclass(frozen=True, slots=True)
class MergePicture:
    """The reports of one flaw and what holds them together; for coordinators."""

    points: tuple[Point, ...]
    height: int
    alike: tuple[AlikeLine, ...]


def read_picture(
    tx: Transaction, vulnerability: VulnerabilityId | None, titles: Mapping[ReportId, str]
) -> MergePicture | None:
    """Return the picture of a vulnerability whose reports have ``titles``, or None for who does not coordinate it."""
    if vulnerability is None or not may(tx.viewer.role, Act.COORDINATE_CASE, tx.relation_to(vulnerability)):
        return None
    points = draw(list(titles), titles, merging.read_links(tx, vulnerability))
    return MergePicture(points, ROW * len(points), alike_lines(tx, merging.read_alike(tx, vulnerability)))


def alike_lines(tx: Transaction, alike: Sequence[Alike]) -> tuple[AlikeLine, ...]:
    """Return the strongest suggestions with the case of each."""
    return tuple(_alike_line(tx, one) for one in alike[:ALIKE_SHOWN_MAX])


def draw(reports: Sequence[ReportId], titles: Mapping[ReportId, str], links: Iterable[Link]) -> tuple[Point, ...]:
    """Return the points as a tree from the first report down, each below what it hangs on."""
    near: dict[ReportId, list[tuple[ReportId, str]]] = {report: [] for report in reports}
    for link in links:
        said = f"{link.kind.value}, weight {link.kind.weight:.2f}"
        if link.first in near and link.second in near:
            near[link.first].append((link.second, said))
            near[link.second].append((link.first, said))
    placed: dict[ReportId, Point] = {}
    for root in reports:
        waiting = [(root, root, "joined by a person" if placed else "")]
        while waiting:
            report, parent, said = waiting.pop()
            if report not in placed:
                placed[report] = _point(len(placed), titles[report], placed.get(parent), said)
                waiting += [(other, report, link) for other, link in reversed(near[report])]
    return tuple(placed.values())


def _point(number: int, title: str, parent: Point | None, said: str) -> Point:
    x, y = 16, ROW * number + ROW // 2
    if parent is None:
        return Point(number + 1, x, y, title[:TITLE_CHARS_SHOWN_MAX], said, x, y)
    x = min(parent.x + INDENT, 16 + INDENT * INDENTS_MAX)
    said = f"{said}, with report {parent.number}"
    return Point(number + 1, x, y, title[:TITLE_CHARS_SHOWN_MAX], said, parent.x, parent.y)


def _alike_line(tx: Transaction, one: Alike) -> AlikeLine:
    case = coordination.find_case(tx, one.vulnerability)
    title = f"{case.number} {case.title}" if case else "A flaw without a case"
    return AlikeLine(str(one.vulnerability), str(case.id) if case else "", title, one.kind.value, one.weight, one.why)
