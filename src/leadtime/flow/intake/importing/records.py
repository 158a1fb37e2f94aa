"""What importing takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json


@dataclass(frozen=True, slots=True)
class Given:
    """What a sender says of a file that does not say it itself: the software (a purl) and the tool; empty: nothing."""

    component: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class ReadReport:
    """One report, as canonical JSON of ``leadtime.report/1`` that `parse_report` takes; ``where`` is its place."""

    where: str
    content: bytes


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing that is no finding, by its own words; ``why`` goes on from the thing: "it was suppressed"."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class NotRead:
    """One thing that makes no report; ``problem`` says where and why."""

    where: str
    problem: Malformed


Imported = ReadReport | LeftOut | NotRead


@dataclass(frozen=True, slots=True)
class Draft:
    """One report before it is written; empty texts and lists count as left out, long ones are cut to their fields.

    ``original`` is what it was read from, which goes along; ``component`` is a purl or ``{vendor, product, version}``.
    """

    where: str
    title: str
    description: str
    component: Json
    original: bytes
    tool: str = ""
    model: str = ""
    run: str = ""
    person_reviewed: bool = False
    affected: tuple[str, ...] = ()
    weakness: int | None = None
    locations: tuple[Mapping[str, Json], ...] = ()
    trust_boundary: str = ""
    severity: str = ""
    told: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    reference: str = ""
    reproducer: Json = None
