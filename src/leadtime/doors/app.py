"""The whole site as one ASGI application: pages, API, operations, static files, in armour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from leadtime.doors import operations
from leadtime.doors.api.routes import routers_of
from leadtime.doors.api.shapes import PROBLEMS
from leadtime.doors.armour import Armour
from leadtime.doors.bodies import BoundedBodies
from leadtime.doors.faults import Faults
from leadtime.doors.feeds import ledger
from leadtime.doors.problems import PROBLEM_JSON, Problem, Unprocessable, error_of_status, problem_of
from leadtime.doors.site import Site
from leadtime.doors.web.apart import ThreadsApart
from leadtime.doors.web.asking import ask_of, bound_threads
from leadtime.doors.web.rendering import STATIC, VENDOR
from leadtime.doors.web.routes import pages_of
from leadtime.doors.web.way_back import way_back
from leadtime.foundation.errors import LeadtimeError
from leadtime.foundation.voluntary import NOTICE

API = "/api/v1"
EARLY_ACCESS_PAGES = ("/models", "/flags")
"""Every page below shows section 3(c), one that says no too."""

STATIC_SECONDS = 3600


class KeptFiles(StaticFiles):
    """Static files that browsers may keep for a while; they hold nothing of anybody's."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """Return the file with its caching header."""
        answer = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed on unchanged
        answer.headers["cache-control"] = f"public, max-age={STATIC_SECONDS}"
        return answer


def build_app(site: Site) -> ASGIApp:
    """Return the site's application; it opens nothing by itself and closes nothing."""
    api = build_api(site)
    app = Starlette(
        routes=[
            *operations.routes_of(site.parts),
            *ledger.ROUTES,
            *pages_of(site.parts),
            Mount("/static/vendor", KeptFiles(directory=VENDOR, check_dir=False)),
            Mount("/static", KeptFiles(directory=STATIC)),
            Mount(API, api),
        ],
        middleware=[Middleware(Armour, over_https=site.over_https), Middleware(BoundedBodies), Middleware(Faults)],
        exception_handlers={LeadtimeError: _page_problem, HTTPException: _page_problem},
        lifespan=_lifespan,
    )
    app.state.site = site
    app.state.apart = ThreadsApart()
    app.state.openapi = api.openapi
    return app


def build_api(site: Site) -> FastAPI:
    """Return the API alone; it is mounted at `API`."""
    api = FastAPI(
        title="Leadtime",
        version="1",
        summary="From a report to a deployed fix.",
        description="Errors are application/problem+json (RFC 9457). Lists page by cursor.",
        servers=[{"url": API}],
        root_path_in_servers=False,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            LeadtimeError: _api_problem,
            HTTPException: _api_problem,
            RequestValidationError: _api_problem,
        },
    )
    for router in routers_of(site.parts):
        api.include_router(router, responses=PROBLEMS)
    api.state.site = site
    return api


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    bound_threads()
    yield


def _problem(error: Exception) -> Problem:
    """Return the problem of whatever a route raised on purpose."""
    if isinstance(error, HTTPException) and isinstance(error.__cause__, LeadtimeError):
        return problem_of(error.__cause__)  # the framework wraps what reading a body raises
    if isinstance(error, LeadtimeError):
        return problem_of(error)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem_of(Unprocessable(str(first["msg"]), where=where, next_step="Read /api/v1/openapi.json."))
    if isinstance(error, HTTPException):
        return problem_of(error_of_status(error.status_code, str(error.detail)))
    raise error


async def _api_problem(_: Request, error: Exception) -> Response:
    problem = _problem(error)
    headers = {"www-authenticate": "Bearer"} if problem.status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(problem.as_json(), status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


def _page_problem(request: Request, error: Exception) -> Response:
    problem = _problem(error)
    return ask_of(request, {}, b"").page(
        "problem.html",
        status=problem.status,
        title=problem.title,
        what=problem.what[:1].upper() + problem.what[1:] + ".",
        where=problem.where,
        next_step=problem.next_step,
        back=way_back(request.url.path) if request.method == "POST" else "",
        notice=NOTICE if request.url.path.startswith(EARLY_ACCESS_PAGES) else "",
    )
