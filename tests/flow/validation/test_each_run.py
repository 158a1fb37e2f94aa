"""A verdict tells its runs one by one: of what, what each showed, what ended it, and whether it tried the network."""

from __future__ import annotations

from leadtime.flow.validation.each_run import each_run, run_as_json
from leadtime.flow.validation.network.records import NetworkAttempt
from leadtime.flow.validation.records import Limit, Oracle, RunOf, SeenRun, SeenSide, Showing, ToldRun
from tests.flow.validation.seen import SCENE

QUIET = SeenRun(None, None, claims_report=False, exit_code=0)
STOPPED = SeenRun(
    Limit.MEMORY,
    9,
    claims_report=False,
    network=(
        NetworkAttempt("connect", "udp", "inet", "9.9.9.9", 53, times=2),
        NetworkAttempt("connect", "tcp", "inet6", "2001:db8::1", 443),
        NetworkAttempt("connect", "", "unix", "/run/x", 0, times=7),
    ),
)
DIED = SeenRun(None, 11, claims_report=False)


def a_side(*runs: SeenRun, control: SeenRun | None = None) -> SeenSide:
    return SeenSide("pkg:pypi/brittle@1.0", "sha256:00", "", SCENE, control=control, runs=runs)


def test_runs_are_told_in_the_order_they_were_made() -> None:
    told = each_run(Oracle.SANITIZER, a_side(STOPPED, DIED, control=QUIET), a_side(QUIET))
    assert told == (
        ToldRun(RunOf.CONTROL, Showing.QUIET, "nothing was seen", None, None, 0, 0),
        ToldRun(RunOf.VULNERABLE, Showing.STOPPED, "the memory limit was reached", Limit.MEMORY, 9, None, 3),
        ToldRun(
            RunOf.VULNERABLE,
            Showing.DIED,
            "the program ended by SEGV without a sanitizer's report",
            None,
            11,
            None,
            0,
        ),
        ToldRun(RunOf.FIXED, Showing.QUIET, "nothing was seen", None, None, 0, 0),
    )
    assert [run_as_json(run) for run in told[:2]] == [
        {
            "of": "control",
            "showed": "quiet",
            "reason": "nothing was seen",
            "limit": None,
            "signal": None,
            "exit_code": 0,
            "network": 0,
        },
        {
            "of": "vulnerable",
            "showed": "stopped",
            "reason": "the memory limit was reached",
            "limit": "the memory limit",
            "signal": 9,
            "exit_code": None,
            "network": 3,
        },
    ]


def test_without_control_and_fixed_release_only_the_vulnerable_one_was_run() -> None:
    assert [run.of for run in each_run(Oracle.SANITIZER, a_side(QUIET), None)] == [RunOf.VULNERABLE]
    assert each_run(Oracle.SANITIZER, a_side(), None) == ()
