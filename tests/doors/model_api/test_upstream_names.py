"""A name that leads to where no upstream is leads nowhere, whatever it led to when the model was enrolled."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ThreadedResolver

from leadtime.doors.model_api.upstream import OpenAddresses


def result(host):
    return {"hostname": "model.example", "host": host, "port": 443, "family": 2, "proto": 6, "flags": 0}


@pytest.fixture
def leads_to(monkeypatch):
    """Have every name lead to some addresses."""

    def lead(*hosts):
        async def resolve(*_):
            return [result(host) for host in hosts]

        monkeypatch.setattr(ThreadedResolver, "resolve", resolve)

    return lead


async def look_up():
    return [one["host"] for one in await OpenAddresses().resolve("model.example", 443)]


def test_ordinary_addresses_are_left(leads_to):
    leads_to("192.0.2.7", "169.254.169.254", "127.0.0.1")
    assert asyncio.run(look_up()) == ["192.0.2.7", "127.0.0.1"]


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0"])
def test_a_name_of_a_closed_address_alone_leads_nowhere(leads_to, host):
    leads_to(host)
    with pytest.raises(OSError, match="no upstream is at any address of this name"):
        asyncio.run(look_up())
