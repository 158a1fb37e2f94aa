"""What an upstream tells about its own limits reaches no caller: all of them share one credential there."""

from __future__ import annotations

from types import SimpleNamespace

from leadtime.doors.model_api.upstream import answer_headers


def test_an_upstreams_rate_limits_are_not_passed_on():
    told = {
        "Content-Type": "application/json",
        "Retry-After": "3",
        "X-RateLimit-Remaining-Tokens": "12",
        "Anthropic-RateLimit-Requests-Remaining": "4",
        "OpenAI-Processing-MS": "8",
    }
    assert dict(answer_headers(SimpleNamespace(headers=told))) == {
        b"content-type": b"application/json",
        b"retry-after": b"3",
        b"openai-processing-ms": b"8",
    }
