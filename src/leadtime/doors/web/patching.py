"""Patches on pages: handed in with an account or by a delivery's link, and given back as the file that they are."""

from __future__ import annotations

from starlette.responses import Response

from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.doors.web.casework import case_of
from leadtime.doors.web.deliveries import base_of, enter
from leadtime.flow import coordination
from leadtime.flow.coordination import CaseId, PatchId
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed, Missing
from leadtime.foundation.ids import parse_id
from leadtime.workflows.judging import hand_in_patch

PATCHES = "#patches"


def hand_in(ask: PageAsk) -> Response:
    """Hand a patch in to a case."""
    with ask.transaction() as tx:
        hand_in_patch(tx, case_of(ask), _diff(ask))
    return see_other(f"/cases/{case_of(ask)}{PATCHES}")


def hand_in_by_link(ask: PageAsk) -> Response:
    """Hand a patch in to the case that the link is about."""
    entry = enter(ask)
    with ask.transaction(entry.viewer) as tx:
        hand_in_patch(tx, entry.delivery.case, _diff(ask))
    return see_other(f"{base_of(ask)}{PATCHES}")


def give(ask: PageAsk) -> Response:
    """Give a patch's text as a file."""
    with ask.transaction() as tx:
        return _give(ask, tx, case_of(ask))


def give_by_link(ask: PageAsk) -> Response:
    """Give the text of a patch of the case that the link is about as a file."""
    entry = enter(ask)
    with ask.transaction(entry.viewer) as tx:
        return _give(ask, tx, entry.delivery.case)


def _give(ask: PageAsk, tx: Transaction, case: CaseId) -> Response:
    patch = PatchId(parse_id(ask.request.path_params["patch"], where="patch"))
    file = coordination.read_patch(tx, patch)
    if file.patch.case != case:
        raise Missing("there is no such patch of this case", next_step="Open it from the case's page.")
    headers = {"content-disposition": f'attachment; filename="{patch}.diff"'}
    return Response(file.content, media_type="application/octet-stream", headers=headers)


def _diff(ask: PageAsk) -> bytes:
    """Return the uploaded file, or what was pasted.

    A browser ends each line of pasted text with CR LF (HTML, multipart/form-data), and people lose the last line's end.
    """
    if ask.upload:
        return ask.upload
    pasted = ask.form.get("diff", "").replace("\r\n", "\n").rstrip("\n")
    if not pasted.strip():
        raise Malformed("there is no patch in the form", where="diff", next_step="Choose a file, or paste the diff.")
    return f"{pasted}\n".encode()
