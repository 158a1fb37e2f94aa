"""Pages of acts that need two people."""

from __future__ import annotations

import json
from uuid import UUID

from starlette.responses import Response

from leadtime.doors.api.shapes_flow import CaseFileShape
from leadtime.doors.read_models.paired import export_unpatched, read_acts, read_in_emergency
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.flow import parties
from leadtime.flow.parties import ActKind, PairedActId
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id

HERE = "/acts"
KINDS = {Role.COORDINATOR: ActKind.BULK_EXPORT, Role.AUDITOR: ActKind.BREAK_GLASS}
"""What each role asks for on its page."""


def show_acts(ask: PageAsk) -> Response:
    """Show the acts that the visitor takes part in or may confirm."""
    viewer = ask.signed_in()
    with ask.transaction() as tx:
        rows = read_acts(tx)
    return ask.page("acts.html", here=HERE, rows=rows, kind=KINDS.get(viewer.role))


def begin_act(ask: PageAsk) -> Response:
    """Ask for an act."""
    ask.signed_in()
    try:
        kind = ActKind(ask.field("kind"))
    except ValueError:
        raise Malformed("there is no such act", where="kind", next_step="Choose one of the page's.") from None
    about = ask.form.get("about", "").strip()
    with ask.transaction() as tx:
        case = parse_id(about, where="about") if about else None
        parties.begin_act(tx, kind, reason=ask.form.get("reason", ""), about=case)
    return see_other(HERE)


def confirm_act(ask: PageAsk) -> Response:
    """Confirm somebody else's act."""
    act = _act(ask)
    with ask.transaction() as tx:
        parties.confirm_act(tx, act)
    return see_other(HERE)


def withdraw_act(ask: PageAsk) -> Response:
    """Withdraw an act."""
    act = _act(ask)
    with ask.transaction() as tx:
        parties.withdraw_act(tx, act)
    return see_other(HERE)


def give_export(ask: PageAsk) -> Response:
    """Take a confirmed act and give all unpatched cases as a file, once."""
    act = _act(ask)
    with ask.transaction() as tx:
        files = [CaseFileShape.model_validate(file).model_dump(mode="json") for file in export_unpatched(tx, act)]
    return _file({"cases": files}, act)


def give_reading(ask: PageAsk) -> Response:
    """Take a confirmed act and give the one case as a file, once."""
    act = _act(ask)
    with ask.transaction() as tx:
        file = CaseFileShape.model_validate(read_in_emergency(tx, act)).model_dump(mode="json")
    return _file(file, act)


def _act(ask: PageAsk) -> PairedActId:
    ask.signed_in()
    return PairedActId(parse_id(ask.request.path_params["act"], where="act"))


def _file(content: object, act: UUID) -> Response:
    headers = {"content-disposition": f'attachment; filename="leadtime-{act}.json"'}
    return Response(json.dumps(content, indent=2), media_type="application/json", headers=headers)
