"""What the gateway tells whoever runs it: counts, and nothing of anybody."""

from __future__ import annotations

import openai
import pytest

from leadtime.doors.gateway_metrics import build_metrics
from leadtime.flow.window import GrantWanted, Limits
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.conftest import served, upstream  # noqa: F401  # fixtures are found by their names here
from tests.doors.model_api.standing import an_access, another_grant
from tests.doors.standing import Client


def told_by(gateway):
    client = Client(build_metrics(gateway))
    try:
        answer = client.get("/metrics")
    finally:
        client.close()
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line.split(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name.removeprefix("leadtime_gateway_"): float(count) for name, count in lines}, answer.text


def test_calls_refusals_strangers_and_commits_are_counted(database, served, upstream):  # noqa: F811
    access = an_access(database, upstream.url)
    spent = another_grant(database, access.offer, GrantWanted("find flaws", limits=Limits(tokens=1)))
    before, _ = told_by(served.gateway)
    assert [before[name] for name in ("calls_total", "refusals_total", "strangers_total", "live")] == [0] * 4
    with openai_client(served, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    with openai_client(served, spent) as client, pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model=spent.name("plain"), messages=ASK)
    stranger = openai.OpenAI(base_url=f"{served.url}/v1", api_key="ltg_nobody", max_retries=0)
    with stranger as client, pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    access.settled()
    after, text = told_by(served.gateway)
    assert {name: after[name] for name in ("calls_total", "refusals_total", "strangers_total")} == {
        "calls_total": 1,
        "refusals_total": 1,
        "strangers_total": 1,
    }
    assert after["commits_total"] >= 2
    assert after["commit_seconds_total"] > 0
    assert access.offer.model.name not in text
    kinds = [line.split(" ")[2:] for line in text.splitlines() if line.startswith("# TYPE")]
    assert {kind for name, kind in kinds if name != "leadtime_gateway_live"} == {"counter"}
    assert ["leadtime_gateway_live", "gauge"] in kinds


def test_an_open_call_is_live(database, served, upstream):  # noqa: F811
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        stream = client.chat.completions.create(model=access.name("drip"), messages=ASK, stream=True)
        next(iter(stream))
        assert told_by(served.gateway)[0]["live"] == 1
        stream.close()
