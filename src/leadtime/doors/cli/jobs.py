"""``leadtime jobs``: the jobs that were set aside for a person, and trying one again."""

from __future__ import annotations

import json

import click

from leadtime.doors.cli.party import transaction
from leadtime.doors.visible import visible_line
from leadtime.workflows.records import SetAside
from leadtime.workflows.set_aside import list_set_aside, try_again


@click.command(epilog="Example: leadtime jobs --again 1204")
@click.option("--again", type=int, metavar="JOB", help="Try this job again, now that its cause is gone.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def command(again: int | None, *, as_json: bool) -> None:
    """List the jobs that no further try would mend, each with its reason; or try one again.

    Works on the installation in LEADTIME_HOME.
    """
    with transaction() as tx:
        if again is not None:
            try_again(tx, again)
        found = list_set_aside(tx)
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in found]))
        return
    for one in found:
        told = f"{one.job}  {one.kind.name} {one.entity}, set aside {one.at:%Y-%m-%d %H:%M} UTC: {one.reason}"
        click.echo(visible_line(told))
    if not found:
        click.echo("No job is set aside.")


def _as_json(one: SetAside) -> dict[str, object]:
    return {
        "job": one.job,
        "step": one.kind.name,
        "entity": str(one.entity),
        "attempts": one.attempts,
        "reason": one.reason,
        "at": one.at.isoformat(),
    }
