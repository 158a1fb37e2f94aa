"""Where a call comes from: its peer, or what a proxy of ours says; nobody else's word counts."""

from __future__ import annotations

import httpx
import pytest

from leadtime.doors.model_api.asked import parse_networks
from leadtime.flow.window import GrantWanted
from leadtime.foundation.errors import Malformed
from leadtime.foundation.settings import read_settings
from tests.doors.model_api.clients import ASK
from tests.doors.model_api.standing import an_access, serving

PROXIES = read_settings({"LEADTIME_PROXIES": " 127.0.0.0/8\n::1/128 "}).proxies


def test_proxies_are_networks_apart_by_spaces():
    assert read_settings({}).proxies == ()
    assert [str(network) for network in parse_networks(PROXIES)] == ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize("text", ["127.0.0.1/8", "localhost", "::1/129", "10.0.0.0/33"])
def test_what_is_no_network_is_refused_by_the_settings_name(text):
    with pytest.raises(Malformed, match="this is no network") as refused:
        parse_networks([text])
    assert refused.value.where == "LEADTIME_PROXIES"


@pytest.fixture
def behind(database, address, request):
    """A gateway that believes the proxies that the test names."""
    return serving(database, address, proxies=parse_networks(request.param))


@pytest.fixture
def access(database, upstream):
    """One person's access, from one network only."""
    return an_access(database, upstream.url, wanted=GrantWanted("find flaws", networks=("192.0.2.0/24",)))


@pytest.mark.parametrize(
    ("behind", "forwarded", "status"),
    [
        (PROXIES, "192.0.2.7", 200),
        (PROXIES, "203.0.113.9, 192.0.2.7, 127.0.0.3", 200),
        (PROXIES, "192.0.2.7, 203.0.113.9", 403),
        (PROXIES, "no address", 403),
        (PROXIES, None, 403),
        ((), "192.0.2.7", 403),
    ],
    indirect=["behind"],
)
def test_only_our_own_proxies_say_where_a_call_comes_from(behind, access, upstream, forwarded, status):
    headers = {"authorization": f"Bearer {access.secret}"} | ({"x-forwarded-for": forwarded} if forwarded else {})
    with behind as served:
        body = {"model": access.name("plain"), "messages": ASK}
        answer = httpx.post(f"{served.url}/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == status
    assert len(upstream.seen) == (status == 200)
