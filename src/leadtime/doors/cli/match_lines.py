"""What ``leadtime match`` prints: what is touched, most urgent first, and everything that could not be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import click

from leadtime.doors.visible import visible_line
from leadtime.flow.exposure import Contents, FlawIndex, Match, Touch, Unreadable
from leadtime.flow.priority import INFORMATIVE, Decision, urgency

SHOWN_MAX = 20
"""Components that cannot be matched, or records that cannot be read, told one by one; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One match, and by when."""

    found: Match
    decision: Decision


def in_order(decided: Iterable[Decided]) -> list[Decided]:
    """Return the matches in the order in which to work: what is touched before what may be, then by urgency."""
    return sorted(
        decided,
        key=lambda each: (
            each.found.touch is not Touch.YES,
            urgency(each.decision),
            _component(each.found),
            each.found.advisory,
        ),
    )


def plain(each: Decided) -> dict[str, object]:
    """Return one match as JSON-ready values."""
    found, decision = each.found, each.decision
    return {
        "component": _component(found),
        "advisory": found.advisory,
        "fixed": found.fixed,
        "aliases": list(found.aliases),
        "summary": found.summary,
        "affected": found.touch.value,
        "reason": found.reason,
        "row": decision.row and decision.row.number,
        "timeline": decision.label,
        "due": decision.due and decision.due.isoformat(),
        "kev_due": decision.kev_due and decision.kev_due.isoformat(),
        "assumed": list(decision.assumed),
        "missing": list(decision.missing),
        "informative": decision.informative,
    }


def tell(decided: Iterable[Decided]) -> None:
    """Print one line a match, and at the end for whom the dates are only informative."""
    informative = False
    for each in decided:
        found, decision = each.found, each.decision
        fix = f"update to {found.fixed}" if found.fixed else "no fixed version is named"
        when = f"by {decision.due.isoformat()} ({decision.label})" if decision.due else decision.label
        notes = [f"row {decision.row.number}"] if decision.row else []
        notes += [f"KEV itself says {decision.kev_due.isoformat()}"] if decision.kev_due else []
        notes += [f"assumed: {sentence}" for sentence in decision.assumed]
        notes += [] if found.touch is Touch.YES else [f"may be affected: {found.reason}"]
        names = ", ".join((found.advisory, *found.aliases))
        click.echo(visible_line("; ".join((f"{_component(found)}: {names}: {fix}", when, *notes))))
        informative |= decision.informative and decision.row is not None
    if informative:
        click.echo(f"Dates and rows: CISA BOD 26-04; {INFORMATIVE}")


def tell_rest(contents: Contents, found: tuple[Match, ...], unreadable: list[Unreadable], index: FlawIndex) -> None:
    """Say on standard error what was held against what, and everything that could not be."""
    touched = len({each.installed for each in found if each.touch is Touch.YES})
    unknown = [each for each in found if each.touch is Touch.UNKNOWN]
    _note(
        f"{contents.components} components ({len(contents.installed)} distinct packages and versions) held against "
        f"{index.records} advisories: {touched} touched"
    )
    if index.withdrawn:
        _note(f"{index.withdrawn} advisories are withdrawn and were left out")
    if index.unnamed:
        _note(f"{len(index.unnamed)} advisories name a package of an ecosystem that is not known here, or none")
    if unknown:
        _note(
            f"{len(unknown)} more may be touched (--unknown lists them), for example: {_component(unknown[0])}: "
            f"{unknown[0].advisory}: {unknown[0].reason}"
        )
    _several(
        f"{len(contents.unmatchable)} components could not be matched",
        [f"{each.where}: {each.name} {each.version or '(no version)'}: {each.why}" for each in contents.unmatchable],
    )
    _several(f"{len(unreadable)} records could not be read", [f"{each.where}: {each.why}" for each in unreadable])


def _component(found: Match) -> str:
    return f"{found.installed.package}@{found.installed.version}"


def _several(heading: str, lines: list[str]) -> None:
    if lines:
        _note(f"{heading}:")
        for line in lines[:SHOWN_MAX]:
            _note(f"  {line}")
        if len(lines) > SHOWN_MAX:
            _note(f"  and {len(lines) - SHOWN_MAX} more")


def _note(text: str) -> None:
    click.echo(visible_line(text), err=True)
