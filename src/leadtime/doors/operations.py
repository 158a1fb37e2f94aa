"""For those who run the site: is it alive, is it ready, how is it doing, and where a flaw in it is reported."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from leadtime.doors.read_models.home import read_totals
from leadtime.doors.site import Part, Site
from leadtime.foundation.access import ANYONE
from leadtime.foundation.errors import LeadtimeError

SECURITY_TXT_DAYS = 180


def alive(_: Request) -> Response:
    """Answer at all: the process runs."""
    return PlainTextResponse("alive\n")


def ready(request: Request) -> Response:
    """Answer 200 if the database answers, else 503."""
    site: Site = request.app.state.site
    try:
        with site.database.transaction(ANYONE) as tx:
            tx.connection.execute(text("select 1"))
    except (SQLAlchemyError, LeadtimeError):
        return PlainTextResponse("the database does not answer\n", status_code=503)
    return PlainTextResponse("ready\n")


def metrics(request: Request) -> Response:
    """Answer the rounded totals by stage in Prometheus' text format; nothing a stranger may not read (I6)."""
    site: Site = request.app.state.site
    registry = CollectorRegistry()
    gauge = Gauge("leadtime_things", "Things by stage, rounded as the public totals are.", ["stage"], registry=registry)
    for name, count in read_totals(site.database).public_counts().items():
        gauge.labels(stage=name).set(count)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def security_txt(request: Request) -> Response:
    """Answer where a flaw in this site is reported (RFC 9116)."""
    site: Site = request.app.state.site
    expires = site.database.clock.now() + timedelta(days=SECURITY_TXT_DAYS)
    lines = (
        f"Contact: {site.settings.url}/",
        f"Expires: {expires:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: en",
        f"Canonical: {site.settings.url}/.well-known/security.txt",
    )
    return PlainTextResponse("\n".join(lines) + "\n")


EVERYWHERE = (Route("/healthz", alive), Route("/readyz", ready), Route("/.well-known/security.txt", security_txt))
CLEARINGHOUSE = (Route("/metrics", metrics),)
ROUTES = (*EVERYWHERE, *CLEARINGHOUSE)


def routes_of(parts: Collection[Part]) -> tuple[Route, ...]:
    """Return what an installation that serves ``parts`` tells those who run it; the totals are the clearinghouse's."""
    return EVERYWHERE + (CLEARINGHOUSE if Part.SITE in parts else ())
