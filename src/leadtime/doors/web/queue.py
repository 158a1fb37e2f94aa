"""The page of the coordinator's queue."""

from __future__ import annotations

from starlette.responses import Response

from leadtime.doors.read_models.names import read_names
from leadtime.doors.read_models.queue import choice_of, queue_of, read_queue
from leadtime.doors.web.asking import PageAsk
from leadtime.workflows.attended import is_unattended

HERE = "/queue"


def show_queue(ask: PageAsk) -> Response:
    """Show what waits, by stage and age, and the list behind one cell of it."""
    ask.signed_in()
    asked = ask.request.query_params
    with ask.transaction() as tx:
        parts = read_queue(tx, choice_of(asked.get("stage", ""), asked.get("age", "")), asked.get("cursor", ""))
        unattended = is_unattended(tx)
    names = read_names(ask.site.database, [each.organisation for each in parts.reports.values()])
    return ask.page("queue.html", here=HERE, queue=queue_of(parts, names), unattended=unattended)
