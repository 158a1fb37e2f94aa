"""The maintainer's page by signed link: no account, one delivery, two answers."""

from __future__ import annotations

from starlette.responses import Response

from leadtime.doors.read_models import delivery as delivery_model
from leadtime.doors.read_models.case import read_parts
from leadtime.doors.read_models.names import read_correspondent, read_names
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.flow import coordination
from leadtime.flow.coordination import DeliveryEntry
from leadtime.foundation.access import SYSTEM


def show_delivery(ask: PageAsk) -> Response:
    """Show what was delivered."""
    entry = enter(ask)
    with ask.transaction(entry.viewer) as tx:
        parts = read_parts(tx, entry.delivery.case)
        names = read_names(ask.site.database, parts.organisations | {entry.delivery.organisation})
        by = delivery_model.sent_by(parts.file.history)
        sender = read_correspondent(ask.site.database, by) if by is not None else None
        page = delivery_model.page_of(tx, entry.delivery, base_of(ask), names, sender)
    return ask.page("delivery.html", delivery=page)


def give_reproducer(ask: PageAsk) -> Response:
    """Give recipe, files and input as one zip; it is never shown in the browser."""
    entry = enter(ask)
    with ask.transaction(entry.viewer) as tx:
        name, packed = delivery_model.packed_reproducers(tx, entry.delivery.case, ask.site.settings.url)
    return zip_answer(name, packed)


def acknowledge(ask: PageAsk) -> Response:
    """Record that it arrived."""
    entry = enter(ask)
    with ask.transaction(entry.viewer) as tx:
        coordination.acknowledge(tx, entry.delivery.id)
    return see_other(base_of(ask))


def name_fixed_version(ask: PageAsk) -> Response:
    """Record the version that has the fix."""
    entry = enter(ask)
    with ask.transaction(entry.viewer) as tx:
        coordination.name_fixed_version(tx, entry.delivery.id, ask.field("version"))
    return see_other(base_of(ask))


def zip_answer(name: str, packed: bytes) -> Response:
    """Return a zip as a download: a browser never shows it."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(packed, media_type="application/zip", headers=headers)


def enter(ask: PageAsk) -> DeliveryEntry:
    """Return the delivery that the address's secret opens, and who it lets in."""
    with ask.transaction(SYSTEM) as tx:
        return coordination.enter_delivery(tx, ask.request.path_params["secret"])


def base_of(ask: PageAsk) -> str:
    """Return the address of the delivery's page."""
    return f"/d/{ask.request.path_params['secret']}"
