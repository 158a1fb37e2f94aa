"""``leadtime priority``: the row of BOD 26-04 for four answers, with no server."""

from __future__ import annotations

import json
from datetime import date, datetime

import click

from leadtime.flow.priority import INFORMATIVE, Answer, Decision, Impact, Inputs, decide

EXIT_UNDETERMINED = 4

_ANSWER = click.Choice([answer.value for answer in Answer])
_DATE = click.DateTime(["%Y-%m-%d"])


@click.command("priority", epilog="Example: leadtime priority --exposed yes --kev no --automatable yes --impact total")
@click.option("--exposed", type=_ANSWER, default="unknown", help="Can the internet reach the asset?")
@click.option("--kev", type=_ANSWER, default="unknown", help="Is it in CISA's KEV catalogue? Unknown is never no.")
@click.option("--automatable", type=_ANSWER, default="unknown", help="Can an attack be automated (SSVC)?")
@click.option(
    "--impact",
    type=click.Choice([*(impact.value for impact in Impact), "unknown"]),
    default="unknown",
    help="Technical impact (SSVC).",
)
@click.option("--added", type=_DATE, help="Day of the addition to KEV.")
@click.option("--enumerated", type=_DATE, help="Day on which the flaw was first seen on the asset.")
@click.option("--exploited-since", type=_DATE, help="Day of evidence of exploitation, where it is not in KEV.")
@click.option("--federal", is_flag=True, help="The directive binds you: a federal civilian agency.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision with every input as JSON.")
def command(
    *,
    exposed: str,
    kev: str,
    automatable: str,
    impact: str,
    added: datetime | None,
    enumerated: datetime | None,
    exploited_since: datetime | None,
    federal: bool,
    as_json: bool,
) -> int:
    """Look up the row of CISA BOD 26-04 and its date; no server needed.

    Says what was assumed. Of what is or may be in KEV nothing is assumed: it says what is missing, and the date is
    undetermined (exit code 4).
    """
    decision = decide(
        Inputs(
            exposed=Answer(exposed),
            kev=Answer(kev),
            automatable=Answer(automatable),
            impact=None if impact == "unknown" else Impact(impact),
            kev_added=_day(added),
            exploited_since=_day(exploited_since),
            enumerated=_day(enumerated),
            binding=federal,
        )
    )
    click.echo(json.dumps(decision_json(decision)) if as_json else _told(decision))
    return EXIT_UNDETERMINED if decision.row is None else 0


def decision_json(decision: Decision) -> dict[str, object]:
    """Return a decision as JSON-ready values."""
    row = decision.row
    return {
        "row": row and row.number,
        "days": row and row.days,
        "forensic_triage": None if row is None else row.forensic,
        "timeline": decision.label,
        "due": decision.due and decision.due.isoformat(),
        "readings": [
            {"counted_from": r.counted_from.value, "start": r.start.isoformat(), "due": r.due.isoformat()}
            for r in decision.readings
        ],
        "overdue_on_arrival": decision.overdue_on_arrival,
        "missing": list(decision.missing),
        "assumed": list(decision.assumed),
        "informative": decision.informative,
        "why": decision.why.as_json(),
    }


def _told(decision: Decision) -> str:
    """Return the decision in lines: what, by when and counted from what, then what was assumed."""
    lines = [f"{decision.why.rule}: {decision.why.decision}"]
    lines += [f"counted from {r.counted_from} on {r.start}: {r.due}" for r in decision.readings]
    lines += ["overdue on arrival"] if decision.overdue_on_arrival else []
    lines += [f"assumed: {sentence}" for sentence in decision.assumed]
    lines += [INFORMATIVE] if decision.informative else []
    return "\n".join(lines)


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()
