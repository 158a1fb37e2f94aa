"""``/ledger/{log}/…``: the files of each log, as C2SP tlog-tiles lays them out, for those whose log it is.

Publications are everybody's; a model's log is its developer's and that of the auditors it named; reads are auditors'.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadtime.doors.sign_in import cookie_name, viewer_of, visitor_of
from leadtime.doors.site import Site
from leadtime.flow import window
from leadtime.foundation.access import Act, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused
from leadtime.ledger import (
    CHECKPOINT,
    KEYS,
    PUBLICATIONS,
    READS,
    LogName,
    list_logs,
    log_home,
    parse_log_name,
    parse_path,
)

TILE_SECONDS = 365 * 24 * 3600
OCTETS, PLAIN = "application/octet-stream", "text/plain; charset=utf-8"


def give_file(request: Request) -> Response:
    """Answer one file of a log; a stranger to the log learns nothing, not even that it exists."""
    site: Site = request.app.state.site
    name = parse_log_name(request.path_params["log"])
    viewer = _viewer(site, request)
    with site.database.transaction(viewer) as tx:
        _require_reader(tx, name)
    path = request.path_params["path"]
    if path in {CHECKPOINT, KEYS}:
        content, kind, keep = log_home(site.settings.home, name).read(path), PLAIN, "no-cache"
    else:
        parse_path(path)
        content, kind = log_home(site.settings.home, name).read(path), OCTETS
        keep = f"private, max-age={TILE_SECONDS}, immutable"
    return Response(content, media_type=kind, headers={"cache-control": keep})


def list_readable(request: Request) -> Response:
    """Answer the names of the logs that the caller may read, one a line."""
    site: Site = request.app.state.site
    viewer = _viewer(site, request)
    with site.database.transaction(viewer) as tx:
        names = [each.log.name for each in list_logs(tx)]
        readable = [name for name in names if _is_reader(tx, name)]
    return Response("".join(f"{name}\n" for name in readable), media_type=PLAIN)


def _viewer(site: Site, request: Request) -> Viewer:
    """Return who asks: by bearer token, else by the session of their browser."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return viewer_of(site, token if scheme.lower() == "bearer" else "")
    return visitor_of(site, request.cookies.get(cookie_name(site), ""))


def _is_reader(tx: Transaction, name: LogName) -> bool:
    try:
        _require_reader(tx, name)
    except (Missing, Refused):
        return False
    return True


def _require_reader(tx: Transaction, name: LogName) -> None:
    """Return if the viewer may read a log, else raise `Missing` or `Refused`."""
    if name == READS:
        tx.require(Act.AUDIT_READS)
    elif name != PUBLICATIONS:
        window.enter_log(tx, name)


ROUTES = (Route("/ledger", list_readable), Route("/ledger/{log}/{path:path}", give_file))
