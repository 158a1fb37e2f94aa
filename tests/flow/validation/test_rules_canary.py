"""Whose an act is: the topmost frame that is anybody's, if it calls by name and nobody stands between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.acts.records import Act, ActKind
from leadtime.flow.validation.oracles.canary import judge_canary
from leadtime.flow.validation.oracles.crashes import signature_of
from leadtime.flow.validation.records import Crash, Judged, Limit, Origin, SeenRun, Showing
from leadtime.flow.validation.stacks.records import NativeFrame, Stack
from tests.flow.validation.seen import (
    EVALUATOR,
    FINDERS,
    LIBC,
    PACKAGE,
    PYTHON,
    SCENE,
    SIGNAL,
    START,
    SUBJECT,
    TARGET,
    frame,
    native,
    python,
    stack,
)

OPEN = native("open64", LIBC)
CALLER = replace(SUBJECT, calls="fopen@plt")
FOREIGN_CALL = native("ffi_call", "/usr/lib/x86_64-linux-gnu/libffi.so.8.1.2")
CTYPES = native("call", "/usr/lib/python3.11/lib-dynload/_ctypes.cpython-311-x86_64-linux-gnu.so")
BUILTIN = native("", PYTHON)
OURS = python("total", PACKAGE, entry=True)
THEIRS = python("<module>", "/box/work/h.py", entry=True)


def run(*acts: Act, limit: Limit | None = None) -> SeenRun:
    return SeenRun(limit, None, claims_report=False, acts=acts)


def act(*frames: NativeFrame, kind: ActKind = ActKind.READ, then: Stack | None = None, program: str = TARGET) -> Act:
    return Act(kind, "/canary/secret", program, stack(*frames), then)


def judged(one: Act) -> tuple[Showing, str]:
    found = judge_canary(run(one), SCENE)
    return found.showing, found.reason


HONEST = act(OPEN, CALLER, FINDERS, START)
ITSELF = act(OPEN, replace(FINDERS, calls="open@plt"), START)
HIT = "secret-read in read_one lib/brittle.c:5"
MAIN = "its faulting frame main harness.c:8 is the harness's, not the subject's"


def test_the_subjects_act_is_a_hit_with_what_it_did() -> None:
    frames = (
        frame("open64", "", None, origin=Origin.LIBC),
        frame("read_one"),
        frame("main", "harness.c", 8, Origin.FINDER),
        frame("__libc_start_main", "", None, origin=Origin.LIBC),
    )
    crash = Crash("secret-read", "/canary/secret", frames, signature_of("secret-read", frames))

    assert judge_canary(run(HONEST), SCENE) == Judged(Showing.HIT, HIT, crash)


@pytest.mark.parametrize(
    ("seen", "showing", "reason"),
    [
        (ITSELF, Showing.FOREIGN, f"secret-read, but {MAIN}"),
        (act(OPEN, replace(SUBJECT, calls="")), Showing.FOREIGN, f"{HIT}, but it does not call by name what did it"),
        (
            act(OPEN, replace(SUBJECT, calls="helper")),
            Showing.FOREIGN,
            f"{HIT}, but it does not call by name what did it",
        ),
        (act(OPEN, SIGNAL, CALLER), Showing.FOREIGN, f"{HIT}, but a signal's handler did it"),
        (act(OPEN, CALLER, SIGNAL, FINDERS), Showing.HIT, HIT),
        (act(replace(SUBJECT, calls=""), FINDERS), Showing.HIT, HIT),
        (act(OPEN, START), Showing.QUIET, "nothing was seen"),
        (act(), Showing.UNSEEN, "the stack of a secret-read could not be read"),
        (
            act(OPEN, CALLER, program="/usr/bin/node"),
            Showing.FOREIGN,
            "secret-read, but its program is Node, whose stacks are not read yet",
        ),
        (act(OPEN, CALLER, program="/usr/bin/nodes"), Showing.HIT, HIT),
    ],
)
def test_each_link_of_an_act_is_shown_or_named(seen: Act, showing: Showing, reason: str) -> None:
    assert judged(seen) == (showing, reason)


CALLING = "it was done through ctypes, by which anything can be called from anywhere"
IN_PYTHON = "secret-read in total brittle/__init__.py:3"


@pytest.mark.parametrize(
    ("frames", "showing", "reason"),
    [
        ((OPEN, BUILTIN, EVALUATOR), Showing.HIT, IN_PYTHON),
        ((OPEN, FOREIGN_CALL, CTYPES, EVALUATOR), Showing.FOREIGN, f"{IN_PYTHON}, but {CALLING}"),
        ((OPEN, CTYPES, EVALUATOR), Showing.FOREIGN, f"{IN_PYTHON}, but {CALLING}"),
        ((OPEN, EVALUATOR, FOREIGN_CALL), Showing.HIT, IN_PYTHON),
    ],
)
def test_in_python_the_interpreter_calls_for_the_subject(
    frames: tuple[NativeFrame, ...], showing: Showing, reason: str
) -> None:
    seen = Act(ActKind.READ, "/canary/secret", PYTHON, stack(*frames, python=(OURS,)))

    assert judged(seen) == (showing, reason)


SPAWN = native("posix_spawn", LIBC)
STARTING = replace(SUBJECT, calls="system@plt")
STARTED = "process-start in read_one lib/brittle.c:5"
ANOTHERS = "the new process was not the subject's when it started a program"


@pytest.mark.parametrize(
    ("then", "showing", "reason"),
    [
        (None, Showing.HIT, STARTED),
        (stack(OPEN), Showing.HIT, STARTED),
        (stack(OPEN, STARTING, FINDERS), Showing.HIT, STARTED),
        (stack(OPEN, FINDERS, STARTING), Showing.FOREIGN, f"{STARTED}, but {ANOTHERS}"),
        (stack(OPEN, python=(THEIRS,)), Showing.FOREIGN, f"{STARTED}, but {ANOTHERS}"),
    ],
)
def test_a_process_that_shares_memory_is_still_its_makers(then: Stack | None, showing: Showing, reason: str) -> None:
    assert judged(act(SPAWN, STARTING, FINDERS, kind=ActKind.START, then=then)) == (showing, reason)


def test_of_several_acts_the_subjects_counts_first_then_anybodys_then_what_could_not_be_read() -> None:
    unread = act()

    assert judge_canary(run(unread, ITSELF, HONEST), SCENE).reason == HIT
    assert judge_canary(run(unread, ITSELF), SCENE).reason == f"secret-read, but {MAIN}"
    assert judge_canary(run(unread, act(OPEN, START)), SCENE).showing is Showing.UNSEEN
    assert judge_canary(run(act(OPEN, START), limit=Limit.TIME), SCENE) == Judged(
        Showing.STOPPED, "the time limit was reached"
    )
