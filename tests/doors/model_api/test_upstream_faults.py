"""A broken, lying or endless upstream: bounded, told in one sentence, as the client's own typed errors."""

from __future__ import annotations

import openai
import pytest

from leadtime.doors.model_api import calls as door
from leadtime.doors.model_api import passing
from leadtime.doors.model_api import upstream as way
from leadtime.flow.gateway import Ended, limits
from leadtime.flow.window import GrantWanted, Limits
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.standing import an_access, limited, serving


def ask(served, access, variant, **options):
    with openai_client(served, access) as client:
        answer = client.chat.completions.create(model=access.name(variant), messages=ASK, **options)
        return list(answer) if options.get("stream") else answer


@pytest.fixture
def access(database, upstream):
    return an_access(database, upstream.url)


def test_its_own_errors_come_through_as_they_are(access, served):
    with pytest.raises(openai.RateLimitError) as busy:
        ask(served, access, "busy")
    with pytest.raises(openai.BadRequestError) as wrong:
        ask(served, access, "wrong")
    with pytest.raises(openai.InternalServerError) as broken:
        ask(served, access, "broken")
    assert busy.value.response.headers["retry-after"] == "7"
    assert busy.value.body["message"] == "slow down"
    assert wrong.value.body["message"] == "no such field"
    assert (broken.value.status_code, broken.value.body["message"]) == (500, "boom")
    assert [(call.ended, call.charged.tokens) for call in access.settled(3)] == [(Ended.UPSTREAM_REFUSED, 0)] * 3


@pytest.mark.parametrize(
    ("variant", "status", "sentence"),
    [
        ("blunt", 502, "the model's upstream answered with status 500 and no explanation"),
        ("garbage", 502, "the model's upstream answered something that is no answer"),
        ("list", 502, "the model's upstream answered something that is no answer"),
        ("elsewhere", 502, "the model's upstream answered something that is no answer"),
        ("compressed", 502, "the model's upstream answered something that is no answer"),
    ],
)
def test_what_is_no_answer_is_told_in_one_sentence(access, served, variant, status, sentence):
    with pytest.raises(openai.InternalServerError) as wrong:
        ask(served, access, variant)
    assert (wrong.value.status_code, wrong.value.body["message"]) == (status, sentence)
    access.settled()


def test_garbage_in_place_of_a_stream_too(access, served):
    with pytest.raises(openai.InternalServerError) as wrong:
        ask(served, access, "garbage", stream=True)
    assert wrong.value.body["code"] == "upstream_garbage"


def test_a_refused_credential_is_the_developers_matter_and_its_text_stays_here(access, served):
    with pytest.raises(openai.InternalServerError) as refused:
        ask(served, access, "unauthorised")
    assert refused.value.status_code == 502
    assert "sk-upst" not in str(refused.value.body)
    assert refused.value.response.headers["x-should-retry"] == "false"
    access.settled()
    assert access.alarms() == ["upstream answered with status 401"]


def test_the_client_retries_what_may_help_and_nothing_else(access, served, upstream):
    with openai_client(served, access, max_retries=1) as client:
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=access.name("unauthorised"), messages=ASK)
        assert len(upstream.seen) == 1
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=access.name("garbage"), messages=ASK)
        assert len(upstream.seen) == 3


def test_an_upstream_that_is_not_there_is_told_and_costs_nothing(database, served, upstream):
    access = an_access(database, "http://127.0.0.1:1")
    with pytest.raises(openai.InternalServerError) as wrong:
        ask(served, access, "plain")
    assert wrong.value.body["code"] == "upstream_failed"
    (call,) = access.settled()
    assert (call.ended, call.charged.tokens) == (Ended.NOT_SENT, 0)


def test_a_silent_upstream_is_given_up(database, address, upstream, monkeypatch):
    monkeypatch.setattr(way.limits, "SILENCE_SECONDS_MAX", 0.2)
    access = an_access(database, upstream.url)
    with serving(database, address) as served, pytest.raises(openai.InternalServerError) as silent:
        ask(served, access, "stall")
    assert (silent.value.status_code, silent.value.body["code"]) == (504, "upstream_silent")
    upstream.wait_until_left()
    assert access.settled()[0].ended is Ended.SILENT


def test_a_call_that_takes_too_long_is_ended(access, served, upstream, monkeypatch):
    monkeypatch.setattr(door.limits, "CALL_SECONDS_MAX", 0.3)
    with pytest.raises(openai.InternalServerError) as long:
        ask(served, access, "stall")
    assert long.value.body["code"] == "upstream_too_long"
    upstream.wait_until_left()
    assert access.settled()[0].ended is Ended.TOO_LONG


def test_a_gigabyte_is_cut(access, served, upstream, monkeypatch):
    monkeypatch.setattr(passing.limits, "ANSWER_BYTES_MAX", 4 << 20)
    with pytest.raises(openai.InternalServerError) as large:
        ask(served, access, "huge")
    assert (large.value.status_code, large.value.body["code"]) == (502, "answer_too_large")
    upstream.wait_until_left()
    assert access.settled()[0].ended is Ended.TOO_LARGE


def test_an_endless_stream_is_cut_at_what_was_reserved(database, served, upstream):
    access = an_access(database, upstream.url, terms=limited(tokens=20_000))
    with pytest.raises(openai.APIError) as cut:
        ask(served, access, "endless", stream=True, max_tokens=100)
    assert cut.value.code == "over_reserved"
    upstream.wait_until_left()
    (call,) = access.settled()
    assert call.ended is Ended.OVER_RESERVED
    assert call.charged.tokens == call.reserved.tokens


def test_an_endless_stream_is_cut_where_nothing_was_reserved_too(access, served, upstream, monkeypatch):
    monkeypatch.setattr(passing.limits, "ANSWER_BYTES_MAX", 1 << 20)
    with pytest.raises(openai.APIError) as cut:
        ask(served, access, "endless", stream=True)
    assert cut.value.code in {"answer_too_large", "over_reserved"}
    upstream.wait_until_left()
    access.settled()


def test_a_stream_that_breaks_off_is_an_error_and_not_an_end(access, served):
    with pytest.raises(openai.APIError) as broken:
        ask(served, access, "breaks", stream=True)
    assert broken.value.code == "upstream_failed"
    assert access.settled()[0].ended is Ended.UPSTREAM_FAILED


def test_less_usage_than_was_streamed_is_raised_to_a_floor_and_an_alarm(access, served):
    ask(served, access, "lies", stream=True)
    (call,) = access.settled()
    floor = 20 * len("a long lie " * 20) // limits.BYTES_PER_TOKEN_MAX
    assert call.charged.tokens == 1 + floor
    assert access.alarms() == [f"upstream reported 1 tokens of output for an answer of at least {floor}"]


def test_more_usage_than_was_reserved_is_an_alarm_and_never_beyond_the_limit(database, served, upstream):
    wanted = GrantWanted("find flaws", limits=Limits(tokens=8_000))
    access = an_access(database, upstream.url, terms=limited(tokens=30_000), wanted=wanted)
    ask(served, access, "greedy", max_tokens=50)
    access.settled()
    assert len(access.alarms()) == 1
    with pytest.raises(openai.RateLimitError) as over:
        ask(served, access, "plain", max_tokens=50)
    assert over.value.body["code"] == "insufficient_quota"
    assert over.value.body["message"].startswith("the grant has 0 tokens left, and this call may need ")
