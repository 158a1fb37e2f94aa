"""Serving: where it listens, how it ends, and the work beside it."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import httpx
import pytest

from leadtime.doors import serving
from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.foundation.settings import Settings
from tests.doors.live import listening
from tests.flow.intake.factories import a_report, as_bytes


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:9000", 9000),
        ("http://localhost", 8420),
        ("https://leadtime.example", 8420),
        ("https://leadtime.example:8443", 8420),
    ],
)
def test_the_port_is_the_addresss_own_only_on_this_machine(url, port):
    assert serving.port_of(_settings(url)) == port


def test_a_port_that_is_none_is_refused():
    with pytest.raises(Malformed, match="the address has no such port"):
        serving.port_of(_settings("http://127.0.0.1:99999"))


def test_a_taken_port_is_said_before_anything_starts():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable, match="nothing can listen there"):
            serving.refuse_taken("127.0.0.1", taken.getsockname()[1])


def test_the_site_answers_on_a_real_socket_and_refuses_a_large_report_early(site, world):
    def pieces():
        for _ in range(200):
            sent.append(1)
            yield b"x" * (1 << 20)

    sent: list[int] = []
    with listening(site) as url, httpx.Client(base_url=url) as client:
        assert client.get("/healthz").text == "alive\n"
        token = {"Authorization": f"Bearer {world.token('finder')}"}
        answer = client.post("/api/v1/reports", content=pieces(), headers=token)
    assert answer.status_code == 413
    assert len(sent) < 100


def test_stopping_before_it_listens_is_stopping(site):
    async def stopped_at_once() -> None:
        stop = asyncio.Event()
        stop.set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        await asyncio.wait_for(serving.serve(_nothing, "127.0.0.1", port, stop), 30)

    asyncio.run(stopped_at_once())


def test_the_worker_is_begun_anew_when_it_dies_and_given_up_if_it_keeps_dying(monkeypatch):
    monkeypatch.setattr(serving, "RESTART_SECONDS", 0)
    monkeypatch.setattr(serving, "RESTARTS_PER_HOUR_MAX", 3)
    monkeypatch.setattr(serving, "_tied_to_us", lambda _: ["false"])
    with pytest.raises(Unavailable, match="the worker keeps dying"):
        asyncio.run(serving.keep_working([], asyncio.Event()))


def test_the_worker_is_told_to_stop(monkeypatch):
    monkeypatch.setattr(serving, "_tied_to_us", lambda _: ["sleep", "600"])

    async def stopped() -> None:
        stop = asyncio.Event()
        working = asyncio.create_task(serving.keep_working([], stop))
        asyncio.get_running_loop().call_later(0.1, stop.set)
        await asyncio.wait_for(working, 30)

    asyncio.run(stopped())


async def _nothing(scope, receive, send):
    raise AssertionError(scope["type"])


def _settings(url: str) -> Settings:
    return Settings(home=Path("/nowhere"), database_url=None, url=url, token=None, python=None, sandbox_user="nobody")


def test_a_batch_is_taken_from_a_client_that_reads_only_after_sending(site, world):
    lines = [as_bytes(a_report(reference=f"B-{number}")) + b"\n" for number in range(150)]
    with listening(site) as url, httpx.Client(base_url=url, timeout=60) as client:
        token = {"Authorization": f"Bearer {world.token('finder')}"}
        answer = client.post("/api/v1/reports/batch", content=iter(lines), headers=token)
    told = [json.loads(line)["receipt"]["reference"] for line in answer.text.splitlines()]
    assert told == [f"B-{number}" for number in range(150)]
