"""An operator's pages: what to patch by when, and what that rests on."""

from __future__ import annotations

from starlette.responses import Response

from leadtime.doors.read_models.patch_by import read_patch_by
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.flow import exposure
from leadtime.flow.exposure import ExposureId
from leadtime.flow.priority import Answer
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id
from leadtime.workflows import publishing

HERE = "/patch-by"


def show_patch_by(ask: PageAsk) -> Response:
    """Show the operator's list."""
    ask.signed_in()
    given = ask.request.query_params.get("given")
    with ask.transaction() as tx:
        page = read_patch_by(tx, parse_id(given, where="given") if given else None)
    return ask.page("patch_by.html", here=HERE, page=page)


def mark_deployed(ask: PageAsk) -> Response:
    """Record the version that is now in place."""
    ask.signed_in()
    found = ExposureId(parse_id(ask.request.path_params["exposure"], where="exposure"))
    with ask.transaction() as tx:
        exposure.mark_deployed(tx, found, ask.field("version"))
    return see_other(HERE)


def give_inventory(ask: PageAsk) -> Response:
    """Keep an uploaded inventory; the page that answers says what of it could not be matched."""
    ask.signed_in()
    if ask.form.get("exposed") not in set(Answer):
        raise Malformed("choose yes, no or unknown", where="exposed", next_step="Choose one.")
    if not ask.upload:
        raise Malformed("the file is empty", where="file", next_step="Choose one.")
    with ask.transaction() as tx:
        kept = publishing.keep_inventory(
            tx, asset=ask.field("asset"), exposed=Answer(ask.form["exposed"]), raw=ask.upload
        )
    return see_other(f"{HERE}?given={kept.id}")
