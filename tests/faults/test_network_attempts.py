"""Who tries the network is seen by the kernel's own stops, whatever the program says or hides."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest

from leadtime.sandbox import Ending, Outcome, Watch

pytestmark = pytest.mark.sandbox

RESOLVER = ("inet", "9.9.9.9", 53)


def seen(outcome: Outcome) -> list[tuple[str, str, str, str, int]]:
    """Return the attempts that name a place or serve one: call, transport, family, address, port."""
    found = [tuple(attempt.values())[:5] for attempt in json.loads(outcome.sightings)["network"]]
    return [attempt for attempt in found if attempt[0] != "socket"]


ATTEMPTS = {
    "tcp": [("connect", "tcp", "inet", "9.9.9.9", 80)],
    "udp": [("connect", "udp", *RESOLVER)],
    "message": [("sendmsg", "udp", *RESOLVER)],
    "messages": [("sendmmsg", "udp", *RESOLVER)],
    "fast-open": [("sendto", "tcp", *RESOLVER)],
    "ipv6": [("connect", "tcp", "inet6", "2001:4860::", 53)],
    "loopback 80": [("connect", "tcp", "inet", "127.0.0.1", 80)],
    "serve": [("bind", "tcp", "inet", "0.0.0.0", 8080), ("listen", "tcp", "inet", "", 0)],
    "unix-abstract name": [("connect", "", "abstract", "name", 0)],
    "unix-path /tmp/name": [("connect", "", "unix", "/tmp/name", 0)],
    "undumpable": [("connect", "tcp", "inet", "", 0)],
}
"""What is tried (see ``hostile.c``) -> what must have been seen of it."""


@pytest.mark.parametrize("watch", [Watch.REPORTS, Watch.BUILDS])
def test_every_attempt_on_the_network_is_seen_and_still_leads_nowhere(
    attempt: Callable[..., Outcome], watch: Watch
) -> None:
    outcome = attempt("; ".join(f"/box/hostile {what}" for what in ATTEMPTS), watch=watch)

    expected = [place for places in ATTEMPTS.values() for place in places]
    assert seen(outcome) == list(dict.fromkeys(expected)), "the same attempt is told once"
    answers = dict(zip(ATTEMPTS, outcome.stdout.decode().splitlines(), strict=True))
    assert {what for what, answer in answers.items() if answer == "allowed"} == {"serve"}


def test_a_socket_alone_is_seen_and_attempts_are_counted(attempt: Callable[..., Outcome]) -> None:
    outcome = attempt("/box/hostile tcp; /box/hostile tcp; /box/hostile messages", watch=Watch.REPORTS)

    sightings = json.loads(outcome.sightings)
    told = {(one["call"], one["transport"]): one["times"] for one in sightings["network"]}
    assert told == {("socket", "tcp"): 2, ("connect", "tcp"): 2, ("socket", "udp"): 1, ("sendmmsg", "udp"): 2}
    assert sightings["network_total"] == 7


def test_a_daemon_is_seen_and_what_is_said_of_the_network_is_not(attempt: Callable[..., Outcome]) -> None:
    outcome = attempt("setsid sh -c '/box/hostile udp; echo >done' & wait; echo connect 9.9.9.9", watch=Watch.REPORTS)

    assert seen(outcome) == [("connect", "udp", *RESOLVER)]


def test_a_flood_of_attempts_is_counted_and_bounded(attempt: Callable[..., Outcome]) -> None:
    flood = "import socket\ns = socket.socket(2, 2)\nfor port in range(400):\n  s.connect_ex(('9.9.9.9', port + 1))"
    outcome = attempt(f'python3 -c "{flood}"', watch=Watch.REPORTS)

    sightings = json.loads(outcome.sightings)
    assert (len(sightings["network"]), sightings["network_total"]) == (256, 401)


def test_what_goes_on_with_an_open_socket_of_this_machine_is_no_attempt(attempt: Callable[..., Outcome]) -> None:
    talk = "import socket\na, b = socket.socketpair()\na.sendmsg([b'x'])\na.send(b'y')\nprint(b.recv(9))"
    outcome = attempt(f'python3 -c "{talk}"', watch=Watch.REPORTS)

    assert (outcome.stdout, seen(outcome)) == (b"b'xy'\n", [])


@pytest.mark.parametrize("entry", ["old-entry", "x32-entry"])
@pytest.mark.parametrize("watch", [Watch.NOTHING, Watch.REPORTS])
def test_other_ways_into_the_kernel_are_closed(attempt: Callable[..., Outcome], entry: str, watch: Watch) -> None:
    outcome = attempt(f"/box/hostile {entry}", watch=watch)

    assert (outcome.ending, outcome.signal, outcome.stdout) == (Ending.SIGNALLED, signal.SIGSYS, b"")
