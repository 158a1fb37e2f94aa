"""Who tried the network is summed up over builds and runs, each way once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.network.records import During, NetworkAttempt, NetworkUse
from leadtime.flow.validation.network.rules import USES_MAX, network_of
from leadtime.flow.validation.records import SeenRun, SeenSide
from tests.flow.validation.seen import SCENE

DNS = NetworkAttempt("connect", "udp", "inet", "9.9.9.9", 53)
WEB = replace(DNS, transport="tcp", port=443)


def run(*attempts: NetworkAttempt) -> SeenRun:
    return SeenRun(None, None, claims_report=False, network=attempts)


def test_the_same_attempt_is_told_once_for_builds_and_once_for_runs_with_how_often_it_was_made() -> None:
    first = SeenSide("a", "b", "", SCENE, control=run(replace(WEB, times=3)), runs=(run(DNS), run(WEB)), network=(DNS,))
    second = SeenSide("a", "b", "it failed", SCENE, network=(replace(DNS, times=4),))

    assert network_of([first, second]) == (
        NetworkUse(During.BUILD, replace(DNS, times=5)),
        NetworkUse(During.RUN, replace(WEB, times=4)),
        NetworkUse(During.RUN, DNS),
    )


def test_no_more_are_told_than_a_verdict_holds() -> None:
    many = tuple(replace(DNS, port=port) for port in range(USES_MAX + 1))

    assert len(network_of([SeenSide("a", "b", "", SCENE, network=many)])) == USES_MAX
    assert network_of([SeenSide("a", "b", "", SCENE)]) == ()


@pytest.mark.parametrize(
    ("attempt", "is_dns", "is_local"),
    [
        (DNS, True, False),
        (WEB, False, False),
        (replace(DNS, family="unix", port=0), False, True),
        (replace(DNS, family="abstract", port=0), False, True),
        (replace(DNS, family="inet6", transport="tcp"), True, False),
    ],
)
def test_look_ups_and_sockets_of_the_machine_are_told_apart(
    attempt: NetworkAttempt,
    is_dns: bool,  # noqa: FBT001
    is_local: bool,  # noqa: FBT001
) -> None:
    assert (attempt.is_dns, attempt.is_local) == (is_dns, is_local)
