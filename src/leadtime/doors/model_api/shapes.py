"""What the two providers' clients expect to read: error objects with the right status, and lists of models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from leadtime.doors.visible import visible_line
from leadtime.flow.gateway import Ended, Reason, Refusal, name_of
from leadtime.flow.window import Standing, WireFormat
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable

SENTENCE_CHARS_MAX = 600
OVERLOADED_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Wrong:
    """An answer that is an error: status, the word for programs, one sentence, and whether trying again may help."""

    status: int
    code: str
    sentence: str
    again: bool = False


ANTHROPIC_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""Status -> ``error.type`` as Anthropic's API names it; every other is ``api_error``."""

OPENAI_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
"""Status -> ``error.type`` as OpenAI's API names it; every other is ``server_error``."""

_REFUSED: Mapping[Reason, tuple[int, str, bool]] = {
    Reason.ENDED: (403, "access_ended", False),
    Reason.NETWORK: (403, "network_refused", False),
    Reason.PURPOSE: (403, "purpose_refused", False),
    Reason.MODEL: (404, "model_not_found", False),
    Reason.FORM: (400, "invalid_request", False),
    Reason.PROOF: (401, "invalid_dpop_proof", False),
    Reason.UNBOUNDED: (400, "unbounded_request", False),
    Reason.NO_KEYS: (403, "sealing_keys_missing", False),
    Reason.REQUESTS: (429, "insufficient_quota", False),
    Reason.TOKENS: (429, "insufficient_quota", False),
    Reason.MONEY: (429, "insufficient_quota", False),
    Reason.CONCURRENCY: (429, "rate_limit_exceeded", True),
}

_CUT: Mapping[Ended, tuple[int, str, str, bool]] = {
    Ended.ACCESS_ENDED: (403, "access_ended", "this access is over, so the answer was cut", False),
    Ended.STALE: (503, "standing_unknown", "how your access stands cannot be read just now", True),
    Ended.SILENT: (504, "upstream_silent", "the model's upstream went silent, so the call was ended", True),
    Ended.TOO_LONG: (504, "upstream_too_long", "the call took longer than any may, so it was ended", False),
    Ended.TOO_LARGE: (502, "answer_too_large", "the model's upstream sent more than any answer may hold", False),
    Ended.OVER_RESERVED: (
        502,
        "over_reserved",
        "the answer went beyond what was reserved for it, so it was cut",
        False,
    ),
    Ended.GARBAGE: (502, "upstream_garbage", "the model's upstream answered something that is no answer", True),
    Ended.UPSTREAM_FAILED: (502, "upstream_failed", "the model's upstream could not be reached or broke off", True),
    Ended.STOPPED: (503, "stopping", "the gateway is being stopped", True),
}


def wrong_of_refusal(refusal: Refusal) -> Wrong:
    """Return the answer to a call that is outside the agreement."""
    status, code, again = _REFUSED[refusal.reason]
    return Wrong(status, code, f"{refusal.what}. {refusal.next_step}", again)


def wrong_of_end(ended: Ended) -> Wrong:
    """Return the answer to a call that was let through and could not be answered whole."""
    status, code, sentence, again = _CUT[ended]
    return Wrong(status, code, sentence, again)


def wrong_of_error(error: LeadtimeError) -> Wrong:
    """Return the answer for an error that Leadtime raised on purpose."""
    for family, status, code, again in (
        (Malformed, HTTPStatus.BAD_REQUEST, "invalid_request", False),
        (Refused, HTTPStatus.FORBIDDEN, "refused", False),
        (Missing, HTTPStatus.NOT_FOUND, "not_found", False),
        (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", True),
    ):
        if isinstance(error, family):
            return Wrong(status.value, code, str(error), again)
    return FAULT


UNKNOWN_CREDENTIAL = Wrong(401, "invalid_api_key", "this credential is not known here. Check that you copied it whole")
NO_ADDRESS = Wrong(
    404, "unknown_url", "there is nothing at this address. See /v1/models and your page for what there is"
)
NO_METHOD = Wrong(405, "method_not_allowed", "this address does not take that method")
TOO_LARGE = Wrong(413, "request_too_large", "the request is larger than any may be. Send less")
TOO_SLOW = Wrong(408, "request_timeout", "the request did not come in time. Send it again", again=True)
BUSY = Wrong(503, "busy", "the gateway has as much open as it can hold. Try again in a second", again=True)
FAULT = Wrong(500, "fault", "something went wrong here", again=True)
CREDENTIAL_REFUSED = Wrong(
    502, "upstream_credential", "the model's upstream did not take its developer's credential; the developer was told"
)


def error_body(wrong: Wrong, wire_format: WireFormat) -> bytes:
    """Return the error object that a client of this form reads."""
    return json.dumps(_error(wrong, wire_format), ensure_ascii=False).encode()


def error_event(wrong: Wrong, wire_format: WireFormat) -> bytes:
    """Return the last event of a stream that was cut: clients raise it as an error, and none takes it for an end."""
    event = b"event: error\n" if wire_format is WireFormat.ANTHROPIC else b""
    return event + b"data: " + error_body(wrong, wire_format) + b"\n\n"


def error_headers(wrong: Wrong) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell a client whether and when to try again."""
    headers = [(b"content-type", b"application/json"), (b"x-should-retry", b"true" if wrong.again else b"false")]
    if wrong.again:
        headers.append((b"retry-after", str(OVERLOADED_SECONDS).encode()))
    if wrong.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer, DPoP"))
    return headers


def model_list(standing: Standing) -> dict[str, object]:
    """Return the models that a grant covers, in a shape that both providers' clients read."""
    return {"object": "list", "data": _models(standing), "has_more": False, "first_id": None, "last_id": None}


def one_model(standing: Standing, name: str) -> dict[str, object] | None:
    """Return one model that a grant covers, None if it covers none of that name."""
    return next((model for model in _models(standing) if model["id"] == name), None)


def _models(standing: Standing) -> list[dict[str, object]]:
    names = [name_of(standing, variant) for variant in standing.variants]
    begins_at = standing.begins_at
    return [
        {
            "id": name,
            "object": "model",
            "created": int(begins_at.timestamp()),
            "owned_by": str(standing.developer),
            "type": "model",
            "display_name": name,
            "created_at": begins_at.isoformat(),
        }
        for name in names
    ]


def _error(wrong: Wrong, wire_format: WireFormat) -> dict[str, object]:
    sentence = visible_line(wrong.sentence)[:SENTENCE_CHARS_MAX]
    if wire_format is WireFormat.ANTHROPIC:
        kind = ANTHROPIC_TYPES.get(wrong.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": sentence, "code": wrong.code}}
    kind = OPENAI_TYPES.get(wrong.status, "server_error")
    return {"error": {"message": sentence, "type": kind, "param": None, "code": wrong.code}}
