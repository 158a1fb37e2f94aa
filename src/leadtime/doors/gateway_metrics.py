"""How a gateway is doing, for whoever runs it: counts of one process, in Prometheus' text format, without any name."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadtime.doors.model_api.running import Gateway


def build_metrics(gateway: Gateway) -> Starlette:
    """Return the application that tells a gateway's counts at ``/metrics``; serve it to its own machine alone."""

    def metrics(_: Request) -> Response:
        return Response(_told(gateway), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/metrics", metrics)])


def _told(gateway: Gateway) -> bytes:
    committer = gateway.committer
    counts = {
        "calls_total": ("Calls that were let through.", committer.calls),
        "refusals_total": ("Calls of known callers that were refused.", gateway.refusals.all),
        "strangers_total": ("Calls with a credential that nobody has.", gateway.standings.strangers),
        "live": ("Calls that are open now.", gateway.standings.live),
        "commits_total": ("Transactions that wrote calls, leaves and ends.", committer.commits),
        "commit_seconds_total": ("Time in those transactions.", committer.commit_seconds),
    }
    registry = CollectorRegistry()
    for name, (what, count) in counts.items():
        Gauge(f"leadtime_gateway_{name}", what, registry=registry).set(count)
    return generate_latest(registry)
