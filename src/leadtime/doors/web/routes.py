"""Every page: its address, its method, the function that answers."""

from __future__ import annotations

from starlette.routing import Route

from leadtime.doors.web import front
from leadtime.doors.web.asking import Handler, page_endpoint


def _get(path: str, handler: Handler) -> Route:
    return Route(path, page_endpoint(handler), methods=["GET"])


def _post(path: str, handler: Handler) -> Route:
    return Route(path, page_endpoint(handler), methods=["POST"])


PAGES: tuple[Route, ...] = (
    _get("/", front.show_home),
    _get("/sign-in", front.show_sign_in),
    _post("/sign-in", front.sign_in_by_token),
    _get("/sign-in/{secret}", front.show_link),
    _post("/sign-in/{secret}", front.sign_in_by_link),
    _post("/sign-out", front.sign_out),
    _get("/api", front.show_api),
)
"""Addresses with a secret in them carry one that is of no use to whoever does not know it."""
