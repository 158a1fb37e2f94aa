"""Whose an act is: the topmost frame that is anybody's, if it calls by name and nobody stands between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from leadtime.flow.validation.acts.records import Act, ActKind
from leadtime.flow.validation.blame.rules import UNREADABLE
from leadtime.flow.validation.oracles.canary import judge_canary
from leadtime.flow.validation.oracles.crashes import signature_of
from leadtime.flow.validation.records import Crash, Judged, Limit, Origin, SeenRun, Showing
from leadtime.flow.validation.stacks.records import Module, NativeFrame, ScriptFrame, Stack
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
NODE = "/usr/bin/node"
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
BY_NODE = "asked for by Node in its thread pool or in a later turn, where no stack tells who wanted it"
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
            act(OPEN, native("uv__fs_work", NODE), program=NODE),
            Showing.UNSEEN,
            f"secret-read, but {BY_NODE}",
        ),
        (act(OPEN, START, program="/usr/bin/nodes"), Showing.QUIET, "nothing was seen"),
        (act(OPEN, CALLER, program=NODE), Showing.HIT, HIT),
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


INDEX = "/box/src/index.js"
FUNCTION = ScriptFrame("show", INDEX, 7, ("d:index.js", "d:marked"), is_built_in=False)
TRAMPOLINE = native("Builtins_InterpreterEntryTrampoline", NODE)
SCRIPT = replace(TRAMPOLINE, script=FUNCTION)
BUILT_IN = replace(TRAMPOLINE, script=ScriptFrame("readFileSync", "node:fs", 441, ("d:fs",), is_built_in=True))
OTHERS = replace(TRAMPOLINE, script=ScriptFrame("", "/box/work/h.js", None, ("d:h.js",), is_built_in=False))
LIAR = replace(TRAMPOLINE, script=replace(FUNCTION, sources=("d:other",)))
NAMED_LIKE_NODES = replace(TRAMPOLINE, script=ScriptFrame("open", "node:fs", 1, ("d:h.js",), is_built_in=False))
ADD_ON = native("napi_call", "/box/work/add.node")
IN_SCRIPT = "secret-read in show index.js:7"
NODES_SCENE = replace(SCENE, release={**SCENE.release, "d:index.js": "index.js", "d:add": "add.node"})
UNPROVEN = "could not be shown to be built from the release unchanged"
MACHINE_CODE = "machine code that is not the release's own was in its program"


@pytest.mark.parametrize(
    ("frames", "modules", "showing", "reason"),
    [
        ((OPEN, BUILT_IN, SCRIPT, OTHERS), {}, Showing.HIT, IN_SCRIPT),
        (
            (OPEN, replace(SCRIPT, script=replace(FUNCTION, sources=("d:bare", "d:index.js"))), OTHERS),
            {},
            Showing.HIT,
            IN_SCRIPT,
        ),
        (
            (OPEN, BUILT_IN, OTHERS, SCRIPT),
            {},
            Showing.FOREIGN,
            "secret-read, but its faulting frame (anonymous) h.js is the harness's, not the subject's",
        ),
        (
            (OPEN, NAMED_LIKE_NODES, SCRIPT),
            {},
            Showing.FOREIGN,
            "secret-read, but its faulting frame open node:fs:1 is the harness's, not the subject's",
        ),
        (
            (OPEN, LIAR, SCRIPT),
            {},
            Showing.FOREIGN,
            f"secret-read, but its faulting frame show src/index.js:7 {UNPROVEN}",
        ),
        (
            (OPEN, BUILT_IN, SCRIPT, TRAMPOLINE),
            {},
            Showing.FOREIGN,
            f"secret-read, but its faulting frame {UNREADABLE.function} is of unknown code, not the subject's",
        ),
        (
            (OPEN, SCRIPT),
            {"/box/work/add.node": Module("d:theirs", is_intact=True)},
            Showing.FOREIGN,
            f"{IN_SCRIPT}, but {MACHINE_CODE}",
        ),
        (
            (OPEN, SCRIPT),
            {"/box/src/add.node": Module("d:add", is_intact=False)},
            Showing.FOREIGN,
            f"{IN_SCRIPT}, but {MACHINE_CODE}",
        ),
        ((OPEN, SCRIPT), {"/box/src/add.node": Module("d:add", is_intact=True)}, Showing.HIT, IN_SCRIPT),
        (
            (OPEN, BUILT_IN, SCRIPT, ADD_ON),
            {"/box/work/add.node": Module("d:theirs", is_intact=True)},
            Showing.FOREIGN,
            f"{IN_SCRIPT}, but {MACHINE_CODE}",
        ),
        ((OPEN, BUILT_IN), {}, Showing.UNSEEN, f"secret-read, but {BY_NODE}"),
    ],
)
def test_in_javascript_a_script_is_whose_text_it_is(
    frames: tuple[NativeFrame, ...], modules: Mapping[str, Module], showing: Showing, reason: str
) -> None:
    seen = Stack(frames, (), modules, {INDEX: "d:index.js", "/box/work/h.js": "d:h.js"})

    found = judge_canary(run(Act(ActKind.READ, "/canary/secret", NODE, seen)), NODES_SCENE)

    assert (found.showing, found.reason) == (showing, reason)


def test_a_frame_of_javascript_has_its_files_name_in_the_release() -> None:
    seen = Stack((OPEN, BUILT_IN, SCRIPT, OTHERS), (), {}, {})

    crash = judge_canary(run(Act(ActKind.READ, "/canary/secret", NODE, seen)), NODES_SCENE).crash

    assert crash is not None
    assert crash.frames == (
        frame("open64", "", None, origin=Origin.LIBC),
        frame("readFileSync", "node:fs", 441, Origin.INTERPRETER),
        frame("show", "index.js", 7),
        frame("(anonymous)", "h.js", None, Origin.FINDER),
    )


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
