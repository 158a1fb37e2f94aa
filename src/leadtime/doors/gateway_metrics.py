"""How a gateway is doing, for whoever runs it: counts of one process, in Prometheus' text format, without any name."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
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
    registry = CollectorRegistry()
    registry.register(_Counts(gateway))
    return generate_latest(registry)


class _Counts(Collector):
    """The counts as they stand when they are asked for."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """Yield what only grows as counters, which a restart sets to nothing, and what is open as a gauge."""
        committer, standings = self._gateway.committer, self._gateway.standings
        grown = {
            "calls": ("Calls that were let through.", committer.calls),
            "refusals": ("Calls of known callers that were refused.", self._gateway.refusals.all),
            "strangers": ("Calls with a credential that nobody has.", standings.strangers),
            "commits": ("Transactions that wrote calls, leaves and ends.", committer.commits),
            "commit_seconds": ("Time in those transactions.", committer.commit_seconds),
        }
        for name, (what, count) in grown.items():
            yield CounterMetricFamily(f"leadtime_gateway_{name}", what, value=count)
        yield GaugeMetricFamily("leadtime_gateway_live", "Calls that are open now.", value=standings.live)
