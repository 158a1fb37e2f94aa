"""The one place where the five families of errors become HTTP (RFC 9110 status codes, RFC 9457 problem details)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from leadtime.doors.visible import visible_line
from leadtime.foundation.errors import Conflict, LeadtimeError, Malformed, Missing, Refused, Unavailable

PROBLEM_JSON = "application/problem+json"
DETAIL_CHARS_MAX = 1_000


class TooLarge(Malformed):
    """The body is larger than this address takes; it was not read to its end."""


class NotSignedIn(Refused):
    """The address needs a credential, and none came or it does not hold."""


class Unprocessable(Malformed):
    """The request does not have the shape that the OpenAPI description gives it."""


class NoSuchMethod(Malformed):
    """The address is there, but not for this method."""


_STATUS: tuple[tuple[type[LeadtimeError], int, str], ...] = (
    (TooLarge, 413, "Too large"),
    (NotSignedIn, 401, "Not signed in"),
    (NoSuchMethod, 405, "No such method"),
    (Unprocessable, 422, "The input is wrong"),
    (Malformed, 400, "The input is wrong"),
    (Refused, 403, "Refused"),
    (Missing, 404, "Not found"),
    (Conflict, 409, "Not as things stand"),
    (Unavailable, 503, "Try again later"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as HTTP tells it; ``family`` is the word that programs can branch on."""

    status: int
    family: str
    title: str
    what: str
    where: str
    next_step: str

    def as_json(self) -> dict[str, object]:
        """Return the members of a problem details object (RFC 9457, section 3)."""
        return {
            "type": f"/api#{self.family}",
            "title": self.title,
            "status": self.status,
            "detail": self.what,
            "where": self.where,
            "next_step": self.next_step,
        }


def problem_of(error: LeadtimeError) -> Problem:
    """Return the HTTP form of an error that Leadtime raised on purpose."""
    family, status, title = next(
        (family, status, title) for family, status, title in _STATUS if isinstance(error, family)
    )
    return Problem(
        status=status,
        family=family.__name__.lower(),
        title=title,
        what=_bounded(error.what),
        where=_bounded(error.where),
        next_step=_bounded(error.next_step),
    )


def problem_of_fault() -> Problem:
    """Return the HTTP form of a fault of ours: nothing of it is told, its trace is in the log."""
    return Problem(500, "fault", "Our fault", "Something went wrong here.", "", "Try again; tell us if it stays so.")


def error_of_status(status: int, detail: str) -> LeadtimeError:
    """Return the error behind a status that the web framework raised by itself."""
    if status == HTTPStatus.NOT_FOUND:
        return Missing("there is nothing at this address", next_step="Check the address.")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return NoSuchMethod("this address does not take that method", next_step="Read /api/v1/openapi.json.")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge("the body is too large", where="body", next_step="Send less.")
    return Malformed(visible_line(detail), next_step="Correct the request.")


def _bounded(text: str) -> str:
    return visible_line(text)[:DETAIL_CHARS_MAX]
