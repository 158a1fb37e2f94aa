"""One validation with its runs one by one: what each showed, what ended it, and whether it tried the network."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadtime.doors.read_models.evidence import evidence_of, verdict_badge
from leadtime.doors.read_models.names import Names
from leadtime.doors.read_models.pictures import Badge, Evidence, Tone
from leadtime.flow import intake, validation
from leadtime.flow.intake import ReportId
from leadtime.foundation.database import Transaction

SHOWED: Mapping[str, Badge] = {
    "hit": Badge("showed the flaw", Tone.HOT),
    "foreign": Badge("failed elsewhere", Tone.WARM),
    "forged": Badge("only claimed it", Tone.WARM),
    "unseen": Badge("could not be seen", Tone.MILD),
    "stopped": Badge("stopped by a limit", Tone.MILD),
    "died": Badge("died, unreported", Tone.PLAIN),
    "quiet": Badge("quiet", Tone.GOOD),
}
"""What a run showed, as a badge."""

RUNS_OF: Mapping[str, str] = {
    "control": "Control: a harmless input",
    "vulnerable": "Vulnerable release",
    "fixed": "Fixed release",
}
"""What was run, in the order in which it was."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run; ``ended``: by what, ``network``: how often it tried it."""

    number: int
    showed: Badge
    reason: str
    ended: str
    network: int


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """One way in which the network, or a socket of the machine's own, was tried."""

    during: str
    what: str
    times: int


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release that was fetched and run, and its digest."""

    purl: str
    digest: str


@dataclass(frozen=True, slots=True)
class ValidationPage:
    """One validation as whoever may read it sees it; ``runs`` by what was run."""

    href: str
    title: str
    component: str
    status: Badge
    attempt: int
    queued_at: datetime
    begun_at: datetime | None
    decided_at: datetime | None
    reason: str
    evidence: Evidence | None
    runs: tuple[tuple[str, tuple[RunRow, ...]], ...]
    network: tuple[NetworkRow, ...]
    releases: tuple[ReleaseRow, ...]


def read_page(tx: Transaction, report: ReportId, names: Names) -> ValidationPage:
    """Return the page of a report's validation; raises `Missing` or `Refused` as `validation.read_validation` does."""
    kept = validation.read_validation(tx, report)
    found = intake.read_report(tx, report)
    result: Mapping[str, Any] = json.loads(kept.outcome.result) if kept.outcome else {}
    return ValidationPage(
        href=f"/reports/{report}",
        title=found.body.title,
        component=intake.name_of(found.body.component),
        status=verdict_badge(kept),
        attempt=kept.attempt,
        queued_at=kept.queued_at,
        begun_at=kept.begun_at,
        decided_at=kept.decided_at,
        reason=str(result.get("reason") or ""),
        evidence=evidence_of(found, kept, names.of(found.organisation)),
        runs=runs_in(result.get("runs") or ()),
        network=network_in([*(result.get("network") or ()), *(result.get("local_sockets") or ())]),
        releases=tuple(ReleaseRow(str(one["purl"]), str(one["digest"])) for one in result.get("releases") or ()),
    )


def runs_in(told: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, tuple[RunRow, ...]], ...]:
    """Return a verdict's runs by what was run, each group numbered from 1; an older verdict tells none."""
    groups: dict[str, list[RunRow]] = {of: [] for of in RUNS_OF}
    for run in told:
        rows = groups[run["of"]]
        rows.append(
            RunRow(len(rows) + 1, SHOWED[run["showed"]], str(run["reason"]), ended_by(run), int(run["network"]))
        )
    return tuple((RUNS_OF[of], tuple(rows)) for of, rows in groups.items() if rows)


def ended_by(run: Mapping[str, Any]) -> str:
    """Return what ended a run: a limit, else a signal by its name, else its exit code."""
    if run["limit"]:
        return str(run["limit"])
    if run["signal"]:
        known = {one.value: one.name for one in signal.Signals}
        return known.get(run["signal"], f"signal {run['signal']}")
    return "not known" if run["exit_code"] is None else f"exit code {run['exit_code']}"


def network_in(told: Iterable[Mapping[str, Any]]) -> tuple[NetworkRow, ...]:
    """Return who tried the network or a socket, in words."""
    return tuple(NetworkRow(str(each["during"]), _tried(each), int(each["times"])) for each in told)


def _tried(each: Mapping[str, Any]) -> str:
    where = f"{each['address']} port {each['port']}" if each["port"] else str(each["address"])
    words = (each["call"], each["transport"], each["family"], where, "(a look-up of a name)" if each["dns"] else "")
    return " ".join(str(word) for word in words if word)
